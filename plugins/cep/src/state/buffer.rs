//! The events that partial matches have taken, each once, and the ways along which they were taken.
//!
//! A *step* is an event taken for a stage, after another step. Partial matches that have begun in the same way share their
//! steps: the steps are a tree, read from its leaves to its root. This does what Flink's shared buffer with Dewey numbers
//! does: there steps of different matches are one node, and versions tell which edges belong to whom; here each way has its
//! own nodes, of 16 bytes, and needs no version. A step goes when nothing points to it any more, and an event with its last
//! step.

use crate::automaton::StageIndex;

/// The place of a step. They are used again.
pub(crate) type StepIndex = u32;
/// No step: nothing was taken yet.
pub(crate) const NO_STEP: StepIndex = StepIndex::MAX;

/// The place of an event. They are used again.
pub(crate) type EventIndex = u32;

#[derive(Clone, Debug)]
pub(crate) struct Buffer<E> {
    pub(crate) steps: Vec<Step>,
    pub(crate) events: Vec<Slot<E>>,
    free_step: StepIndex,
    free_event: EventIndex,
    live_steps: usize,
    live_events: usize,
    /// Bytes that the events keep elsewhere.
    live_weight: usize,
    /// Whether each event's weight is known: it is not stored.
    is_weighed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) event: EventIndex,
    /// [`NO_STEP`] at the root; the next free step if this one is free.
    pub(crate) before: StepIndex,
    /// Steps after this one and partial matches that stand here; 0 if the step is free.
    holders: u32,
    pub(crate) stage: StageIndex,
}

#[derive(Clone, Debug)]
pub(crate) struct Slot<E> {
    /// None while it is free, and while the event is being looked at.
    pub(crate) event: Option<E>,
    pub(crate) timestamp: i64,
    /// The events of a key are numbered in the order in which they are taken.
    pub(crate) number: u64,
    /// The steps that took it; while it is free, the next free one.
    holders: u32,
    /// Bytes that it keeps elsewhere.
    weight: u32,
}

const END: u32 = u32::MAX;

impl Step {
    /// Lets go of a step that was just made, whose holders are known by other means.
    pub(super) fn release_maker(&mut self) {
        self.holders -= 1;
    }
}

impl<E> Default for Buffer<E> {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            events: Vec::new(),
            free_step: END,
            free_event: END,
            live_steps: 0,
            live_events: 0,
            live_weight: 0,
            is_weighed: true,
        }
    }
}

impl<E> Buffer<E> {
    /// A place for an event that is about to be taken. Unless a step comes to hold it, it has to be given back by
    /// [`settle`](Self::settle).
    pub(crate) fn reserve(&mut self, timestamp: i64, number: u64) -> EventIndex {
        self.live_events += 1;
        let slot = Slot {
            event: None,
            timestamp,
            number,
            holders: 0,
            weight: 0,
        };
        if let Some(free) = self.events.get_mut(self.free_event as usize) {
            let index = self.free_event;
            self.free_event = free.holders;
            *free = slot;
            return index;
        }
        self.events.push(slot);
        place(self.events.len())
    }

    /// Puts the event into its place, or gives that back if no step took it. `weigh` tells the bytes that it keeps elsewhere.
    #[inline]
    pub(crate) fn settle(&mut self, index: EventIndex, event: E, weigh: Option<fn(&E) -> usize>) {
        let slot = &mut self.events[index as usize];
        if slot.holders > 0 {
            if let Some(weigh) = weigh {
                slot.weight = saturated(weigh(&event));
                self.live_weight += slot.weight as usize;
            }
            slot.event = Some(event);
        } else {
            self.free(index);
        }
    }

    /// Adds a step, which the caller holds.
    pub(crate) fn step(
        &mut self,
        stage: StageIndex,
        event: EventIndex,
        before: StepIndex,
    ) -> StepIndex {
        self.hold(before);
        self.events[event as usize].holders += 1;
        self.live_steps += 1;
        let step = Step {
            event,
            before,
            holders: 1,
            stage,
        };
        if let Some(free) = self.steps.get_mut(self.free_step as usize) {
            let index = self.free_step;
            self.free_step = free.before;
            *free = step;
            return index;
        }
        self.steps.push(step);
        place(self.steps.len())
    }

    #[inline]
    pub(crate) fn hold(&mut self, step: StepIndex) {
        if let Some(step) = self.steps.get_mut(step as usize) {
            step.holders += 1;
        }
    }

    /// Lets go of a step, and of those before it that nothing else holds.
    #[inline]
    pub(crate) fn release(&mut self, mut index: StepIndex) {
        while let Some(step) = self.steps.get_mut(index as usize) {
            step.holders -= 1;
            if step.holders > 0 {
                return;
            }
            let (event, before) = (step.event, step.before);
            step.before = self.free_step;
            self.free_step = index;
            self.live_steps -= 1;
            let slot = &mut self.events[event as usize];
            slot.holders -= 1;
            // The event that is being looked at is given back when it is settled.
            if slot.holders == 0 && slot.event.is_some() {
                self.free(event);
            }
            index = before;
        }
    }

    fn free(&mut self, index: EventIndex) {
        let slot = &mut self.events[index as usize];
        slot.event = None;
        slot.holders = self.free_event;
        self.live_weight -= std::mem::take(&mut slot.weight) as usize;
        self.free_event = index;
        self.live_events -= 1;
    }

    /// Finds out what the events weigh that were loaded.
    #[inline]
    pub(crate) fn weigh_once(&mut self, weigh: fn(&E) -> usize) {
        if !std::mem::replace(&mut self.is_weighed, true) {
            self.live_weight = 0;
            for slot in &mut self.events {
                slot.weight = slot
                    .event
                    .as_ref()
                    .map_or(0, |event| saturated(weigh(event)));
                self.live_weight += slot.weight as usize;
            }
        }
    }

    /// To be weighed: what it holds was loaded.
    pub(super) fn is_loaded(&mut self) {
        self.is_weighed = false;
    }

    /// The steps to this one, in the order in which they were taken.
    pub(crate) fn path(&self, mut index: StepIndex, path: &mut Vec<(StageIndex, EventIndex)>) {
        path.clear();
        while let Some(step) = self.steps.get(index as usize) {
            path.push((step.stage, step.event));
            index = step.before;
        }
        path.reverse();
    }

    /// Sets the stage of the step on the way to `index` that took an event.
    pub(crate) fn set_stage(&mut self, mut index: StepIndex, event: EventIndex, stage: StageIndex) {
        while let Some(step) = self.steps.get_mut(index as usize) {
            if step.event == event {
                step.stage = stage;
            }
            index = step.before;
        }
    }

    /// The time of the event of a step.
    pub(crate) fn timestamp(&self, step: StepIndex) -> Option<i64> {
        let step = self.steps.get(step as usize)?;
        Some(self.events[step.event as usize].timestamp)
    }

    /// Whether something holds each step and each event. A buffer that was just filled has no free places.
    pub(super) fn all_held(&self) -> bool {
        let steps = self.steps.iter().all(|step| step.holders > 0);
        steps && self.events.iter().all(|slot| slot.event.is_some())
    }

    pub(crate) fn live_events(&self) -> usize {
        self.live_events
    }

    /// Bytes that its steps and events take; of what events keep elsewhere, as much as was weighed.
    pub(crate) fn live_bytes(&self) -> usize {
        let places = self.live_steps * size_of::<Step>() + self.live_events * size_of::<Slot<E>>();
        places + self.live_weight
    }

    /// Bytes that it has room for.
    pub(crate) fn capacity_bytes(&self) -> usize {
        let places = self.steps.capacity() * size_of::<Step>()
            + self.events.capacity() * size_of::<Slot<E>>();
        places + self.live_weight
    }

    /// Makes it as good as new, but for the memory that it has.
    pub(crate) fn clear(&mut self) {
        self.steps.clear();
        self.events.clear();
        (self.free_step, self.free_event) = (END, END);
        (self.live_steps, self.live_events) = (0, 0);
        (self.live_weight, self.is_weighed) = (0, true);
    }
}

fn saturated(weight: usize) -> u32 {
    u32::try_from(weight).unwrap_or(u32::MAX)
}

/// The place of the last of so many. What holds 2^32 of them has no memory left.
fn place(length: usize) -> u32 {
    u32::try_from(length - 1).unwrap_or(END)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer with an event taken for a stage after a step.
    fn take(buffer: &mut Buffer<char>, event: char, before: StepIndex) -> StepIndex {
        let index = buffer.reserve(0, 0);
        let step = buffer.step(0, index, before);
        buffer.settle(index, event, None);
        step
    }

    #[test]
    fn what_two_ways_share_stays_until_both_are_gone() {
        let mut buffer = Buffer::default();
        let root = take(&mut buffer, 'a', NO_STEP);
        let (left, right) = (take(&mut buffer, 'b', root), take(&mut buffer, 'c', root));
        buffer.release(root);
        buffer.release(left);
        assert_eq!(buffer.live_events(), 2);
        buffer.release(right);
        assert_eq!(buffer.live_bytes(), 0);
    }

    #[test]
    fn places_are_used_again() {
        let mut buffer = Buffer::default();
        for event in ['a', 'b', 'c'] {
            let step = take(&mut buffer, event, NO_STEP);
            buffer.release(step);
        }
        assert_eq!((buffer.steps.len(), buffer.events.len()), (1, 1));
    }

    #[test]
    fn what_events_weigh_goes_with_them() {
        let mut buffer = Buffer::default();
        let index = buffer.reserve(0, 0);
        let step = buffer.step(0, index, NO_STEP);
        buffer.settle(index, 'a', Some(|_| 1_000));
        assert!(buffer.live_bytes() > 1_000);
        buffer.release(step);
        assert_eq!(buffer.live_bytes(), 0);
    }

    #[test]
    fn an_event_that_nobody_takes_leaves_nothing() {
        let mut buffer = Buffer::default();
        let index = buffer.reserve(0, 0);
        let step = buffer.step(0, index, NO_STEP);
        buffer.release(step);
        buffer.settle(index, 'a', None);
        assert_eq!(buffer.live_bytes(), 0);
    }
}
