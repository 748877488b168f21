//! The event-time timers of all keys, earliest first.
//!
//! A heap of (time, slot). Clearing a timer leaves its place in the heap, for the slot knows better; once half of the heap is
//! such left-overs, it is cleaned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::state::Place;

/// Below this there is nothing to gain from cleaning.
const WORTH_CLEANING: usize = 4_096;

#[derive(Default)]
pub(crate) struct TimerQueue {
    heap: BinaryHeap<Reverse<(i64, Place)>>,
    abandoned: usize,
}

impl TimerQueue {
    pub(crate) fn push(&mut self, time: i64, place: Place) {
        self.heap.push(Reverse((time, place)));
    }

    /// Takes every slot at the earliest time, if that is up to `watermark`.
    pub(crate) fn pop_due(&mut self, watermark: i64, due: &mut Vec<Place>) -> Option<i64> {
        let Reverse((time, _)) = *self.heap.peek()?;
        if time > watermark {
            return None;
        }
        while let Some(Reverse((next, place))) = self.heap.peek().copied() {
            if next != time {
                break;
            }
            self.heap.pop();
            due.push(place);
        }
        Some(time)
    }

    /// So many timers were cleared whose places are still in the heap.
    pub(crate) fn abandon(&mut self, timers: usize) {
        self.abandoned += timers;
    }

    /// A place was taken from the heap whose timer had been cleared.
    pub(crate) fn found_abandoned(&mut self) {
        self.abandoned = self.abandoned.saturating_sub(1);
    }

    pub(crate) fn is_mostly_abandoned(&self) -> bool {
        self.heap.len() > WORTH_CLEANING && self.abandoned > self.heap.len() / 2
    }

    pub(crate) fn retain(&mut self, mut is_set: impl FnMut(i64, Place) -> bool) {
        self.heap
            .retain(|Reverse((time, place))| is_set(*time, *place));
        self.abandoned = 0;
    }
}
