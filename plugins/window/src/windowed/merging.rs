//! Sessions: windows that become one when they touch.

use super::separate::OpenOf;
use super::{Firing, Incoming, Placement, StateOf, Windowed, timing_of_record};
use crate::state::Open;
use crate::{Aggregate, Trigger, Window};

impl<A: Aggregate, T: Trigger<A::Input>> Windowed<A, T> {
    /// Adds a record to the session that its own, `alone`, makes with those that it touches.
    pub(super) fn add_merging(
        &self,
        state: &mut StateOf<A, T>,
        alone: Window,
        incoming: Incoming<'_, A::Input>,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) -> Placement {
        // Sessions do not touch each other, so that starts rise where ends do.
        let open = &mut state.open;
        let from = open.partition_point(|other| other.window.end < alone.start);
        let to = open.partition_point(|other| other.window.start <= alone.end);
        let touched = from..to.max(from);
        let mut session = alone;
        for other in open.range(touched.clone()) {
            session = session.cover(other.window);
        }
        if session.is_late(self.lateness, incoming.watermark) {
            return Placement::Late;
        }
        let before = open
            .range(touched.clone())
            .filter_map(|other| self.next_time(other))
            .min();
        if touched.is_empty() {
            open.insert(from, Open::new(session));
        } else if touched.len() > 1 || open[from].window != session {
            let merged = open.drain(touched);
            let merged = self.merge(session, merged, incoming.watermark, emit);
            open.insert(from, merged);
        }
        let session = &mut open[from];
        self.take_in(session, incoming, emit);
        let after = self.next_time(session);
        Placement::Placed {
            timer: after.filter(|after| before.is_none_or(|before| *after < before)),
        }
    }

    /// A session of those that it has in it.
    fn merge(
        &self,
        session: Window,
        parts: impl Iterator<Item = OpenOf<A, T>>,
        watermark: i64,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) -> OpenOf<A, T> {
        let mut whole: OpenOf<A, T> = Open::new(session);
        for mut part in parts {
            let timing = timing_of_record(watermark, part.window);
            self.retract(&mut part, timing, emit);
            whole.accumulator = match (whole.accumulator.take(), part.accumulator) {
                (Some(mut accumulator), Some(part)) => {
                    self.aggregate.merge(&mut accumulator, &part);
                    Some(accumulator)
                }
                (accumulator, part) => accumulator.or(part),
            };
            self.trigger
                .on_merge(session, watermark, &mut whole.trigger, part.trigger);
        }
        whole
    }
}
