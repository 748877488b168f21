//! A batch: the columns of its records, and the watermark's advances between them.

use super::{Column, EventTime, Malformed, owner_of_group};

/// The watermark becomes `watermark` once the first `index` records of the batch have been worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Records that come before it.
    pub index: u32,
    /// No record with an event time up to it is expected any more.
    pub watermark: EventTime,
}

/// Records in order of arrival, and between them the advances of the watermark.
///
/// What a batch means does not depend on where it was cut from its stream: feeding its records and marks one by one comes to
/// the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records' bytes.
    pub values: Column,
    /// As many keys as values, or none at all.
    pub keys: Column,
    /// Event times, [`NO_EVENT_TIME`](super::NO_EVENT_TIME) where a record has none.
    pub timestamps: Vec<EventTime>,
    /// By rising index and rising watermark.
    pub marks: Vec<Mark>,
}

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its bytes.
    pub value: &'a [u8],
    /// Its key, empty where the batch has no keys.
    pub key: &'a [u8],
    /// Its event time.
    pub timestamp: EventTime,
}

/// Why columns that are each well formed are not a batch together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    /// A column contradicts itself.
    #[error("the column of {column} is malformed: {reason}")]
    Column {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// A column has another length than the values.
    #[error("there are {found} {column} for {values} values")]
    Lengths {
        /// Which column.
        column: &'static str,
        /// Its length.
        found: usize,
        /// The number of values.
        values: usize,
    },
    /// The marks are not those of the input, or not in order.
    #[error("the marks do not repeat those of the input: {0}")]
    Marks(&'static str),
}

impl Batch {
    /// A batch without records that only moves the watermark.
    #[must_use]
    pub fn of_mark(watermark: EventTime) -> Self {
        Self {
            marks: vec![Mark {
                index: 0,
                watermark,
            }],
            ..Self::default()
        }
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no record; there may be marks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The record at `index`.
    ///
    /// # Panics
    /// Where there is none, as for a slice.
    #[must_use]
    pub fn record(&self, index: usize) -> Record<'_> {
        let key = if self.keys.is_empty() {
            &[][..]
        } else {
            self.keys.get(index)
        };
        Record {
            value: self.values.get(index),
            key,
            timestamp: self.timestamps[index],
        }
    }

    /// Appends a record; `key` is none in a batch without keys.
    pub fn push(&mut self, value: &[u8], key: Option<&[u8]>, timestamp: EventTime) {
        self.values.push(value);
        if let Some(key) = key {
            self.keys.push(key);
        }
        self.timestamps.push(timestamp);
    }

    /// Appends a mark behind the records there are.
    pub fn push_mark(&mut self, watermark: EventTime) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a column has less than 2^32 strings"
        )]
        let index = self.len() as u32;
        self.marks.push(Mark { index, watermark });
    }

    /// Checks what a guest returned for a port: lengths, keys, and marks that repeat those of the input.
    ///
    /// # Errors
    /// [`Shape`] with the first thing that does not fit.
    pub fn check(&self, keyed: bool, marks_of_input: &[Mark]) -> Result<(), Shape> {
        let values = self.len();
        let keys = if keyed { values } else { 0 };
        if self.keys.len() != keys {
            return Err(Shape::Lengths {
                column: "keys",
                found: self.keys.len(),
                values: keys,
            });
        }
        if self.timestamps.len() != values {
            return Err(Shape::Lengths {
                column: "timestamps",
                found: self.timestamps.len(),
                values,
            });
        }
        if self.marks.len() != marks_of_input.len() {
            return Err(Shape::Marks("their number differs"));
        }
        let mut previous = 0;
        for (mark, of_input) in self.marks.iter().zip(marks_of_input) {
            if mark.watermark != of_input.watermark {
                return Err(Shape::Marks("a watermark differs"));
            }
            if mark.index < previous {
                return Err(Shape::Marks("an index falls"));
            }
            previous = mark.index;
        }
        if previous as usize > values {
            return Err(Shape::Marks("an index lies behind the last record"));
        }
        Ok(())
    }

    /// The records of a range, without marks.
    ///
    /// # Panics
    /// Where the range reaches behind the last record, as for a slice.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let mut part = Self::default();
        for index in range {
            let record = self.record(index);
            part.push(
                record.value,
                (!self.keys.is_empty()).then_some(record.key),
                record.timestamp,
            );
        }
        part
    }

    /// Cuts the batch into batches one after the other whose records have at most so many bytes each, or are one record; every mark stays in its place.
    #[must_use]
    pub fn split(self, bytes: usize) -> Vec<Self> {
        if self.values.bytes() + self.keys.bytes() <= bytes {
            let nothing = self.is_empty() && self.marks.is_empty();
            return if nothing { Vec::new() } else { vec![self] };
        }
        let mut parts = Vec::new();
        let mut part = Self::default();
        let mut marks = self.marks.iter().peekable();
        for index in 0..self.len() {
            let record = self.record(index);
            let size = record.value.len() + record.key.len();
            if !part.is_empty() && part.values.bytes() + part.keys.bytes() + size > bytes {
                parts.push(std::mem::take(&mut part));
            }
            while let Some(mark) = marks.next_if(|mark| mark.index as usize <= index) {
                part.push_mark(mark.watermark);
            }
            let key = (!self.keys.is_empty()).then_some(record.key);
            part.push(record.value, key, record.timestamp);
        }
        marks.for_each(|mark| part.push_mark(mark.watermark));
        parts.push(part);
        parts
    }

    /// Cuts the batch into one a worker, by the key group of each record; every part has all the marks, in their places.
    #[must_use]
    pub fn partition(&self, workers: usize) -> Vec<Self> {
        let mut parts = vec![Self::default(); workers];
        let mut marks = self.marks.iter().peekable();
        for index in 0..self.len() {
            while let Some(mark) = marks.next_if(|mark| mark.index as usize <= index) {
                parts
                    .iter_mut()
                    .for_each(|part| part.push_mark(mark.watermark));
            }
            let record = self.record(index);
            parts[owner_of_group(super::key_group(record.key), workers)].push(
                record.value,
                Some(record.key),
                record.timestamp,
            );
        }
        for mark in marks {
            parts
                .iter_mut()
                .for_each(|part| part.push_mark(mark.watermark));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(keys: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for (time, key) in (0..).zip(keys) {
            batch.push(key.as_bytes(), Some(key.as_bytes()), time);
            batch.push_mark(time - 10);
        }
        batch
    }

    #[test]
    fn a_partitioned_batch_keeps_the_order_of_each_key_and_every_mark() {
        let batch = keyed(&["a", "b", "c", "a", "d", "b"]);
        let parts = batch.partition(3);
        assert_eq!(parts.iter().map(Batch::len).sum::<usize>(), batch.len());
        for part in &parts {
            assert_eq!(part.marks.len(), batch.marks.len());
            assert!(part.check(true, &batch.marks).is_ok());
            for mark in &part.marks {
                let behind = &part.timestamps[mark.index as usize..];
                assert!(
                    behind.iter().all(|&time| time > mark.watermark + 10),
                    "a record fell behind a mark"
                );
            }
        }
    }

    #[test]
    fn a_batch_that_is_split_says_the_same_in_pieces() {
        let whole = keyed(&["a", "bb", "ccc", "a", "dddddddddd", "b"]);
        for bytes in 0..60 {
            let mut joined = Batch::default();
            for part in whole.clone().split(bytes) {
                assert!(part.len() == 1 || part.values.bytes() + part.keys.bytes() <= bytes);
                let mut marks = part.marks.iter().peekable();
                for index in 0..part.len() {
                    while let Some(mark) = marks.next_if(|mark| mark.index as usize <= index) {
                        joined.push_mark(mark.watermark);
                    }
                    let record = part.record(index);
                    joined.push(record.value, Some(record.key), record.timestamp);
                }
                marks.for_each(|mark| joined.push_mark(mark.watermark));
            }
            assert_eq!(joined, whole, "split at {bytes} bytes");
        }
        assert_eq!(Batch::default().split(10), []);
        assert_eq!(Batch::of_mark(5).split(0), [Batch::of_mark(5)]);
    }

    #[test]
    fn a_batch_whose_marks_are_not_those_of_the_input_is_refused() {
        let batch = keyed(&["a", "b"]);
        assert_eq!(
            batch.check(true, &[]),
            Err(Shape::Marks("their number differs"))
        );
        let mut moved = batch.clone();
        moved.marks[1].index = 9;
        assert_eq!(
            moved.check(true, &batch.marks),
            Err(Shape::Marks("an index lies behind the last record"))
        );
    }

    #[test]
    fn a_keyed_port_needs_a_key_a_record() {
        let mut batch = keyed(&["a", "b"]);
        batch.keys = Column::new();
        let marks = batch.marks.clone();
        assert_eq!(
            batch.check(true, &marks),
            Err(Shape::Lengths {
                column: "keys",
                found: 0,
                values: 2
            })
        );
        assert_eq!(batch.check(false, &marks), Ok(()));
    }
}
