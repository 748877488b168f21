//! The event-time timers of all keys, earliest first.
//!
//! Watermarks rise, and most timers are set for times not far ahead of them. So timers are thrown into buckets of time, as
//! they come, and a bucket is sorted when it is the earliest: this costs half of what a heap of them all does. Clearing a
//! timer leaves its entry here, for the slot knows better; once half of the entries are such left-overs, they are dropped.

use std::collections::BTreeMap;

use crate::state::Place;

/// A bucket holds the times that only differ in so many low bits: a quarter of a second.
const BUCKET_BITS: u32 = 8;

/// Below this many entries there is nothing to gain from dropping left-overs.
const WORTH_CLEANING: usize = 4_096;

type Entry = (i64, Place);

pub(crate) struct TimerQueue {
    /// The earliest entries, latest first: all of the buckets up to `sorted_bucket`.
    sorted: Vec<Entry>,
    sorted_bucket: i64,
    /// Later entries by bucket.
    buckets: BTreeMap<i64, Vec<Entry>>,
    /// The vectors of buckets that were emptied, to be used again.
    spare: Vec<Vec<Entry>>,
    entries: usize,
    abandoned: usize,
}

impl Default for TimerQueue {
    fn default() -> Self {
        Self {
            sorted: Vec::new(),
            sorted_bucket: i64::MIN,
            buckets: BTreeMap::new(),
            spare: Vec::new(),
            entries: 0,
            abandoned: 0,
        }
    }
}

impl TimerQueue {
    pub(crate) fn push(&mut self, time: i64, place: Place) {
        self.entries += 1;
        let bucket = time >> BUCKET_BITS;
        if bucket > self.sorted_bucket {
            let spare = &mut self.spare;
            let entries = self
                .buckets
                .entry(bucket)
                .or_insert_with(|| spare.pop().unwrap_or_default());
            entries.push((time, place));
        } else {
            let later = self.sorted.partition_point(|entry| *entry > (time, place));
            self.sorted.insert(later, (time, place));
        }
    }

    /// Takes every slot at the earliest time, if that is up to `watermark`.
    pub(crate) fn pop_due(&mut self, watermark: i64, due: &mut Vec<Place>) -> Option<i64> {
        if self.sorted.is_empty() {
            self.sort_next(watermark)?;
        }
        let time = self.sorted.last()?.0;
        if time > watermark {
            return None;
        }
        while let Some((_, place)) = self.sorted.pop_if(|(next, _)| *next == time) {
            due.push(place);
        }
        self.entries -= due.len();
        Some(time)
    }

    /// Sorts the next bucket, if it begins at or before `watermark`.
    fn sort_next(&mut self, watermark: i64) -> Option<()> {
        let next = self.buckets.first_entry()?;
        if *next.key() > watermark >> BUCKET_BITS {
            return None;
        }
        self.sorted_bucket = *next.key();
        let emptied = std::mem::replace(&mut self.sorted, next.remove());
        self.spare.push(emptied);
        self.sorted.sort_unstable_by(|a, b| b.cmp(a));
        Some(())
    }

    /// So many timers were cleared whose entries are still here.
    pub(crate) fn abandon(&mut self, timers: usize) {
        self.abandoned += timers;
    }

    /// An entry was taken whose timer had been cleared.
    pub(crate) fn found_abandoned(&mut self) {
        self.abandoned = self.abandoned.saturating_sub(1);
    }

    pub(crate) fn is_mostly_abandoned(&self) -> bool {
        self.entries > WORTH_CLEANING && self.abandoned > self.entries / 2
    }

    /// Drops the entries of timers that are not set any more.
    pub(crate) fn retain(&mut self, is_set: impl Fn(i64, Place) -> bool) {
        self.sorted.retain(|(time, place)| is_set(*time, *place));
        self.buckets.retain(|_, entries| {
            entries.retain(|(time, place)| is_set(*time, *place));
            !entries.is_empty()
        });
        self.entries = self.sorted.len() + self.buckets.values().map(Vec::len).sum::<usize>();
        self.abandoned = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut TimerQueue, watermark: i64) -> Vec<(i64, Vec<Place>)> {
        let mut drained = Vec::new();
        let mut due = Vec::new();
        while let Some(time) = queue.pop_due(watermark, &mut due) {
            due.sort_unstable();
            drained.push((time, std::mem::take(&mut due)));
        }
        drained
    }

    #[test]
    fn times_come_out_in_order_from_wherever_they_are() {
        let mut queue = TimerQueue::default();
        for (time, place) in [
            (100_000, 1),
            (5, 2),
            (i64::MIN, 3),
            (5, 4),
            (i64::MAX, 5),
            (300, 6),
            (-1, 7),
        ] {
            queue.push(time, place);
        }
        assert_eq!(
            drain(&mut queue, 5),
            [(i64::MIN, vec![3]), (-1, vec![7]), (5, vec![2, 4])]
        );
        queue.push(299, 8);
        queue.push(6, 9);
        assert_eq!(
            drain(&mut queue, 300),
            [(6, vec![9]), (299, vec![8]), (300, vec![6])]
        );
        assert_eq!(
            drain(&mut queue, i64::MAX),
            [(100_000, vec![1]), (i64::MAX, vec![5])]
        );
    }

    #[test]
    fn a_time_earlier_than_what_is_sorted_comes_first() {
        let mut queue = TimerQueue::default();
        queue.push(1_000, 1);
        queue.push(1_001, 1);
        assert_eq!(drain(&mut queue, 1_000), [(1_000, vec![1])]);
        queue.push(3, 2);
        assert_eq!(drain(&mut queue, 2_000), [(3, vec![2]), (1_001, vec![1])]);
    }

    #[test]
    fn left_overs_are_dropped() {
        let mut queue = TimerQueue::default();
        for time in 0..10_000 {
            queue.push(time, 0);
        }
        queue.abandon(9_999);
        assert!(queue.is_mostly_abandoned());
        queue.retain(|time, _| time == 7_777);
        assert!(!queue.is_mostly_abandoned());
        assert_eq!(drain(&mut queue, i64::MAX), [(7_777, vec![0])]);
    }
}
