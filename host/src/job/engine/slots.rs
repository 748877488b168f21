//! The slots of the jobs that something is done for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use super::locked;
use super::slot::Slot;

/// By the identifier of the job.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<HashMap<String, Taken>>);

#[derive(Debug)]
struct Taken {
    slot: Arc<Slot>,
    /// By so many. References alone would not tell: a response that has just come holds one for a moment.
    times: usize,
}

impl Slots {
    /// The slot of a job, made if there is none. Whoever takes it gives it up by [`leave`](Self::leave).
    pub(super) fn take(&self, id: &str) -> Arc<Slot> {
        let mut slots = locked(&self.0);
        let taken = slots.entry(id.to_owned()).or_insert_with(|| Taken {
            slot: Arc::new(Slot::new(id)),
            times: 0,
        });
        taken.times += 1;
        Arc::clone(&taken.slot)
    }

    /// Gives a slot up; the last one who does takes it away. One that stayed would pass for a run, and keep the job from its next one.
    pub(super) fn leave(&self, slot: Arc<Slot>) {
        if let Entry::Occupied(mut entry) = locked(&self.0).entry(slot.id().to_owned()) {
            let taken = entry.get_mut();
            taken.times = taken.times.saturating_sub(1);
            if taken.times == 0 {
                entry.remove();
            }
        }
    }

    /// The slot of a job, if something is done for it.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Slot>> {
        Some(Arc::clone(&locked(&self.0).get(id)?.slot))
    }

    /// Whether something is done for the job.
    pub(super) fn has(&self, id: &str) -> bool {
        locked(&self.0).contains_key(id)
    }

    /// Lets all of them look again.
    pub(super) fn notify(&self) {
        let slots: Vec<_> = locked(&self.0)
            .values()
            .map(|taken| Arc::clone(&taken.slot))
            .collect();
        slots.iter().for_each(|slot| slot.notify());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn nothing_stays_of_a_slot_that_all_leave_at_once() {
        let (slots, barrier) = (Slots::default(), Barrier::new(2));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 0..20_000 {
                        let slot = slots.take(&round.to_string());
                        barrier.wait();
                        slots.leave(slot);
                    }
                });
            }
        });
        assert!(!(0..20_000).any(|round| slots.has(&round.to_string())));
    }

    #[test]
    fn a_reference_that_nobody_took_keeps_no_slot() {
        let slots = Slots::default();
        let slot = slots.take("a");
        let _by_a_response = Arc::clone(&slot);
        slots.leave(slot);
        assert!(!slots.has("a"));
    }
}
