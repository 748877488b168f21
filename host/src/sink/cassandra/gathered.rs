//! Rows that wait for others of their partition: what goes to one partition is one write for the nodes, however many rows it has.

use std::time::{Duration, Instant};

use std::collections::HashMap;

use super::row::Row;

/// The most bytes that are sent together. Nodes refuse batches of 50 KiB (`batch_size_fail_threshold`) unless all of it is for one partition, and large
/// ones hold up what waits behind them.
const MAXIMUM_BYTES: usize = 40 << 10;
/// How many full batches may be held back in all.
const BATCHES_HELD: usize = 32;
/// What may be held back in all, bytes.
const BYTES_HELD: usize = 4 << 20;

/// Rows by partition.
#[derive(Debug)]
pub(super) struct Gathered {
    maximum_rows: usize,
    interval: Duration,
    partitions: HashMap<Vec<u8>, Rows>,
    rows: usize,
    bytes: usize,
    /// When the first row came that is still here.
    since: Option<Instant>,
}

/// Rows of one partition.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    bytes: usize,
}

impl Gathered {
    /// Lets rows wait for that long, and up to so many of a partition.
    pub(super) fn new(maximum_rows: usize, interval: Duration) -> Self {
        Self {
            maximum_rows,
            interval,
            partitions: HashMap::new(),
            rows: 0,
            bytes: 0,
            since: None,
        }
    }

    /// Adds a row; gives rows of its partition that are to be sent now because they are enough.
    pub(super) fn push(&mut self, partition: Vec<u8>, row: Row) -> Option<Vec<Row>> {
        self.since.get_or_insert_with(Instant::now);
        self.rows += 1;
        self.bytes += row.len();
        let gathered = self.partitions.entry(partition).or_default();
        let is_full =
            gathered.rows.len() >= self.maximum_rows || gathered.bytes + row.len() > MAXIMUM_BYTES;
        let full = (is_full && !gathered.rows.is_empty()).then(|| std::mem::take(gathered));
        gathered.bytes += row.len();
        gathered.rows.push(row);
        let Rows { rows, bytes } = full?;
        self.rows -= rows.len();
        self.bytes -= bytes;
        Some(rows)
    }

    /// Whether so much is held back that all of it is to be sent.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= BATCHES_HELD * self.maximum_rows || self.bytes >= BYTES_HELD
    }

    /// When all of it is to be sent at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        Some(self.since? + self.interval)
    }

    /// Everything, one partition after the other; nothing is held back any more.
    pub(super) fn take(&mut self) -> Vec<Vec<Row>> {
        self.rows = 0;
        self.bytes = 0;
        self.since = None;
        self.partitions.drain().map(|(_, rows)| rows.rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered() -> Gathered {
        Gathered::new(2, Duration::from_secs(5))
    }

    fn row(bytes: usize) -> Row {
        Row::of_length(bytes)
    }

    #[test]
    fn a_partition_is_sent_as_soon_as_one_more_row_would_be_too_many() {
        let mut gathered = gathered();
        assert_eq!(gathered.push(b"a".to_vec(), row(1)), None);
        assert_eq!(gathered.push(b"b".to_vec(), row(1)), None);
        assert_eq!(gathered.push(b"a".to_vec(), row(2)), None);
        assert_eq!(
            gathered.push(b"a".to_vec(), row(3)),
            Some(vec![row(1), row(2)])
        );
        assert_eq!(gathered.take().concat().len(), 2);
    }

    #[test]
    fn bytes_are_counted_too() {
        let mut gathered = gathered();
        assert_eq!(gathered.push(b"a".to_vec(), row(MAXIMUM_BYTES + 1)), None);
        assert_eq!(
            gathered.push(b"a".to_vec(), row(1)),
            Some(vec![row(MAXIMUM_BYTES + 1)])
        );
    }

    #[test]
    fn all_is_due_some_time_after_the_first_row() {
        let mut gathered = gathered();
        assert_eq!(gathered.due(), None);
        let before = Instant::now();
        gathered.push(b"a".to_vec(), row(1));
        assert!(gathered.due().unwrap() >= before + Duration::from_secs(5));
        gathered.take();
        assert_eq!(gathered.due(), None);
    }

    #[test]
    fn rows_of_many_partitions_are_not_held_back_without_end() {
        let mut gathered = gathered();
        for partition in 0..2 * BATCHES_HELD {
            assert!(!gathered.is_full());
            gathered.push(partition.to_be_bytes().to_vec(), row(1));
        }
        assert!(gathered.is_full());
    }
}
