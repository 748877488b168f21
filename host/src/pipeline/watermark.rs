//! Watermarks for records that come out of order by a bounded time.
//!
//! The watermark moves with each record, not with each batch, so that whether a record is late does not depend on where batches were
//! cut: a replay after a crash cuts them elsewhere and has to decide the same.

use std::time::{Duration, Instant};

use crate::checkpoint::PartitionWatermark;
use crate::plugin::Emission;
use crate::record::{END_OF_TIME, EventTime, Mark, NO_EVENT_TIME, START_OF_TIME};

/// How watermarks are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// How far behind the latest event time a record may still come, milliseconds.
    pub out_of_orderness: i64,
    /// After how long without a record a partition no longer holds the watermark back.
    pub idle_timeout: Option<Duration>,
}

/// Makes the watermark of the partitions of one worker: for each its latest event time less the bound less one millisecond, and of
/// these the least.
#[derive(Debug)]
pub struct Assigner {
    strategy: Strategy,
    partitions: Vec<Partition>,
    current: EventTime,
    silent: bool,
}

#[derive(Debug)]
struct Partition {
    latest: EventTime,
    idle: bool,
    ended: bool,
    heard: Instant,
}

impl Assigner {
    /// For partitions of which that much is known; `now` starts their idleness.
    #[must_use]
    pub fn new(strategy: Strategy, restored: &[Option<PartitionWatermark>], now: Instant) -> Self {
        let partitions = restored
            .iter()
            .map(|known| Partition {
                latest: known.map_or(NO_EVENT_TIME, |known| known.latest),
                idle: known.is_some_and(|known| known.idle),
                ended: false,
                heard: now,
            })
            .collect();
        let mut assigner = Self {
            strategy,
            partitions,
            current: START_OF_TIME,
            silent: false,
        };
        assigner.step();
        assigner
    }

    /// What is to be known of a partition after a restart.
    #[must_use]
    pub fn partition(&self, partition: usize) -> PartitionWatermark {
        let partition = &self.partitions[partition];
        PartitionWatermark {
            latest: partition.latest,
            idle: partition.idle,
        }
    }

    /// The watermark so far.
    #[must_use]
    pub fn current(&self) -> EventTime {
        self.current
    }

    /// The greatest event time of all partitions, [`NO_EVENT_TIME`] before any.
    #[must_use]
    pub fn latest(&self) -> EventTime {
        self.partitions
            .iter()
            .map(|partition| partition.latest)
            .max()
            .unwrap_or(NO_EVENT_TIME)
    }

    /// Takes what a stage wrote to its ports for records of `partition`: sets marks between the records, and gives records without an
    /// event time the latest one of the partition.
    pub fn assign(&mut self, partition: Option<usize>, emissions: &mut [Emission], now: Instant) {
        // The marks that came with the batch were for the stage itself; those behind it are made here.
        emissions
            .iter_mut()
            .for_each(|emission| emission.batch.marks.clear());
        let Some(partition) =
            partition.filter(|_| emissions.iter().any(|emission| !emission.batch.is_empty()))
        else {
            return;
        };
        let known = &mut self.partitions[partition];
        known.heard = now;
        known.idle = false;
        if std::mem::take(&mut self.silent) {
            // The record goes to one worker, but all of those behind have been told not to wait.
            for emission in emissions.iter_mut() {
                emission.batch.marks.push(Mark {
                    index: 0,
                    watermark: self.current,
                });
            }
        }
        // A partition that wakes up counts again, and what it knows may not move anything: the watermark never falls.
        let mut cursors = vec![0_usize; emissions.len()];
        while let Some(origin) = next_origin(emissions, &cursors) {
            let mut latest = self.partitions[partition].latest;
            let before = latest;
            for (emission, cursor) in emissions.iter_mut().zip(&mut cursors) {
                while emission.origins.get(*cursor) == Some(&origin) {
                    let timestamp = &mut emission.batch.timestamps[*cursor];
                    if *timestamp == NO_EVENT_TIME {
                        *timestamp = before;
                    }
                    latest = latest.max(*timestamp);
                    *cursor += 1;
                }
            }
            if latest == before {
                continue;
            }
            self.partitions[partition].latest = latest;
            if let Some(watermark) = self.step() {
                for (emission, cursor) in emissions.iter_mut().zip(&cursors) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "a batch has less than 2^32 records"
                    )]
                    emission.batch.marks.push(Mark {
                        index: *cursor as u32,
                        watermark,
                    });
                }
            }
        }
    }

    /// The partition has no more records. Gives the new watermark if that moves it.
    pub fn end(&mut self, partition: usize) -> Option<EventTime> {
        self.partitions[partition].ended = true;
        self.step()
    }

    /// The partition may have records that nobody has read yet, so that its silence says nothing.
    pub fn may_be_heard(&mut self, partition: usize, now: Instant) {
        self.partitions[partition].heard = now;
    }

    /// Looks which partitions have been silent for too long by `now`. Gives the new watermark if that moves it.
    pub fn look_for_idle(&mut self, now: Instant) -> Option<EventTime> {
        let timeout = self.strategy.idle_timeout?;
        for partition in &mut self.partitions {
            partition.idle |= now.saturating_duration_since(partition.heard) >= timeout;
        }
        self.step()
    }

    /// Whether no partition has anything to say any more for now, and that is news.
    pub fn becomes_silent(&mut self) -> bool {
        let idle = |partition: &Partition| partition.idle || partition.ended;
        let silent = self.partitions.iter().all(idle)
            && self.partitions.iter().any(|partition| !partition.ended);
        silent && !std::mem::replace(&mut self.silent, silent)
    }

    fn step(&mut self) -> Option<EventTime> {
        let of = |partition: &Partition| match partition.latest {
            _ if partition.ended => END_OF_TIME,
            NO_EVENT_TIME => START_OF_TIME,
            latest => latest
                .saturating_sub(self.strategy.out_of_orderness)
                .saturating_sub(1),
        };
        // A worker without partitions has nothing to wait for, and nobody has to wait for it.
        let least = match self.partitions.is_empty() {
            true => END_OF_TIME,
            false => self
                .partitions
                .iter()
                .filter(|partition| partition.ended || !partition.idle)
                .map(of)
                .min()?,
        };
        if least <= self.current {
            return None;
        }
        self.current = least;
        Some(least)
    }
}

/// The input record that the next records, over all ports, were made from.
fn next_origin(emissions: &[Emission], cursors: &[usize]) -> Option<u32> {
    emissions
        .iter()
        .zip(cursors)
        .filter_map(|(emission, &cursor)| emission.origins.get(cursor).copied())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Batch;

    fn assigner(partitions: usize) -> Assigner {
        let strategy = Strategy {
            out_of_orderness: 5,
            idle_timeout: Some(Duration::from_secs(30)),
        };
        Assigner::new(strategy, &vec![None; partitions], Instant::now())
    }

    fn emission(records: &[(u32, EventTime)]) -> Emission {
        let mut batch = Batch::default();
        records
            .iter()
            .for_each(|&(_, time)| batch.push(b"", None, time));
        Emission {
            port: 0,
            batch,
            origins: records.iter().map(|&(origin, _)| origin).collect(),
        }
    }

    fn mark(index: u32, watermark: EventTime) -> Mark {
        Mark { index, watermark }
    }

    #[test]
    fn the_watermark_follows_the_latest_record_at_a_distance() {
        let mut emissions = [emission(&[(0, 100), (1, 90), (2, 130)])];
        assigner(1).assign(Some(0), &mut emissions, Instant::now());
        assert_eq!(emissions[0].batch.marks, [mark(1, 94), mark(3, 124)]);
    }

    #[test]
    fn a_record_of_one_port_moves_the_watermark_of_the_others_in_its_place() {
        let mut emissions = [
            emission(&[(0, 100), (2, 101)]),
            emission(&[(0, 100), (1, 500), (2, 101)]),
        ];
        assigner(1).assign(Some(0), &mut emissions, Instant::now());
        assert_eq!(emissions[0].batch.marks, [mark(1, 94), mark(1, 494)]);
        assert_eq!(emissions[1].batch.marks, [mark(1, 94), mark(2, 494)]);
    }

    #[test]
    fn a_record_without_an_event_time_takes_the_latest_and_moves_nothing() {
        let mut emissions = [emission(&[
            (0, NO_EVENT_TIME),
            (1, 100),
            (2, NO_EVENT_TIME),
        ])];
        assigner(1).assign(Some(0), &mut emissions, Instant::now());
        assert_eq!(emissions[0].batch.timestamps, [NO_EVENT_TIME, 100, 100]);
        assert_eq!(emissions[0].batch.marks, [mark(2, 94)]);
    }

    #[test]
    fn cutting_a_batch_in_two_changes_no_mark() {
        let records = [(0, 100), (1, 90), (2, 130), (3, NO_EVENT_TIME), (4, 131)];
        let whole = &mut [emission(&records)];
        assigner(1).assign(Some(0), whole, Instant::now());
        for cut in 0..records.len() {
            let (mut one, mut two) = ([emission(&records[..cut])], [emission(&records[cut..])]);
            let mut assigner = assigner(1);
            assigner.assign(Some(0), &mut one, Instant::now());
            assigner.assign(Some(0), &mut two, Instant::now());
            let mut marks = one[0].batch.marks.clone();
            let behind = u32::try_from(cut).unwrap();
            marks.extend(
                two[0]
                    .batch
                    .marks
                    .iter()
                    .map(|found| mark(found.index + behind, found.watermark)),
            );
            assert_eq!(marks, whole[0].batch.marks, "cut at {cut}");
        }
    }

    #[test]
    fn the_slowest_partition_holds_the_watermark_until_it_is_idle_or_at_its_end() {
        let start = Instant::now();
        let mut assigner = assigner(3);
        assigner.assign(Some(0), &mut [emission(&[(0, 100)])], start);
        assigner.assign(Some(1), &mut [emission(&[(0, 50)])], start);
        assert_eq!(assigner.current(), START_OF_TIME);
        assert_eq!(assigner.end(2), Some(44));
        let later = start + Duration::from_secs(29);
        assigner.assign(Some(0), &mut [emission(&[(0, 110)])], later);
        assert_eq!(
            assigner.look_for_idle(start + Duration::from_secs(31)),
            Some(104)
        );
    }

    #[test]
    fn a_worker_that_was_silent_begins_by_saying_where_it_is() {
        let start = Instant::now();
        let mut assigner = assigner(1);
        assigner.assign(Some(0), &mut [emission(&[(0, 100)])], start);
        assert!(!assigner.becomes_silent());
        let later = start + Duration::from_secs(31);
        assert_eq!(assigner.look_for_idle(later), None);
        assert!(assigner.becomes_silent() && !assigner.becomes_silent());
        let mut emissions = [emission(&[(0, 90), (1, 110)]), emission(&[])];
        assigner.assign(Some(0), &mut emissions, later);
        assert_eq!(emissions[0].batch.marks, [mark(0, 94), mark(2, 104)]);
        assert_eq!(emissions[1].batch.marks, [mark(0, 94), mark(0, 104)]);
        let mut next = [emission(&[(0, 90)])];
        assigner.assign(Some(0), &mut next, later);
        assert_eq!(next[0].batch.marks, []);
    }

    #[test]
    fn a_worker_without_partitions_holds_nobody_back() {
        assert_eq!(assigner(0).current(), END_OF_TIME);
    }

    #[test]
    fn what_is_known_of_a_partition_survives_a_restart() {
        let strategy = Strategy {
            out_of_orderness: 5,
            idle_timeout: None,
        };
        let known = Some(PartitionWatermark {
            latest: 100,
            idle: false,
        });
        assert_eq!(
            Assigner::new(strategy, &[known], Instant::now()).current(),
            94
        );
    }
}
