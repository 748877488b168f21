//! Complete matches leave, and what a skip strategy drops goes with them.

use super::{AdvanceError, MatchError, Matcher, Output, Scratch};
use crate::automaton::StageIndex;
use crate::skip::SkipTarget;
use crate::state::{Begun, Buffer, EventIndex, PartialMatch, heap};
use crate::{Match, SkipStrategy};

/// What is dropped: matches that began up to an event.
#[derive(Clone, Copy)]
struct Cut {
    number: u64,
    /// Whether those go too that began with the event itself.
    including: bool,
}

impl<E> Matcher<E> {
    /// Hands on what is complete. Under a skip strategy a match waits for all that began before it, since one of those might
    /// be what drops it.
    pub(super) fn hand_on<X>(
        &self,
        begun: &mut Begun<E>,
        scratch: &mut Scratch,
        now: i64,
        on_output: &mut impl FnMut(Output<'_, E>) -> Result<(), X>,
    ) -> Result<(), AdvanceError<X>> {
        if begun.complete.is_empty() {
            return Ok(());
        }
        // What comes of one event leaves together: not at all if something is wrong with one of them.
        let mut leaving = std::mem::take(&mut scratch.leaving);
        while let Some(complete) = self.next_to_leave(begun) {
            if self.skip != SkipStrategy::NoSkip {
                begun.path(complete, &mut scratch.path);
                if let Some(cut) = self.cut(&begun.buffer, &scratch.path)? {
                    cut.apply(begun);
                }
            }
            leaving.push(complete);
        }
        for complete in leaving.drain(..) {
            begun.path(complete, &mut scratch.path);
            on_output(Output::Match(self.matched(begun, scratch, now)))
                .map_err(AdvanceError::Output)?;
            begun.buffer.release(complete.step);
        }
        scratch.leaving = leaving;
        Ok(())
    }

    fn next_to_leave(&self, begun: &mut Begun<E>) -> Option<PartialMatch> {
        let first = begun.complete.first()?;
        let earliest = begun.partial.first();
        let waits = earliest.is_some_and(|partial| partial.start < first.start);
        if self.skip != SkipStrategy::NoSkip && waits {
            return None;
        }
        heap::pop(&mut begun.complete)
    }

    /// Gives up the matches that began first, until the rest is within the limits.
    pub(super) fn keep_limits<X>(
        &self,
        begun: &mut Begun<E>,
        scratch: &mut Scratch,
        now: i64,
        on_output: &mut impl FnMut(Output<'_, E>) -> Result<(), X>,
    ) -> Result<(), AdvanceError<X>> {
        let most = self.limits.partial_matches.saturating_add(1);
        while begun.partial.len() > most || begun.live_bytes() > self.limits.bytes {
            if begun.earliest().is_none() {
                break;
            }
            let Some(evicted) = heap::pop(&mut begun.partial) else {
                break;
            };
            begun.path(evicted, &mut scratch.path);
            on_output(Output::Evicted(self.matched(begun, scratch, now)))
                .map_err(AdvanceError::Output)?;
            begun.buffer.release(evicted.step);
            // What waited for it need not any more.
            self.hand_on(begun, scratch, now, on_output)?;
        }
        Ok(())
    }

    /// The match whose path is in `scratch`.
    pub(super) fn matched<'m>(
        &'m self,
        begun: &'m Begun<E>,
        scratch: &'m Scratch,
        timestamp: i64,
    ) -> Match<'m, E> {
        Match {
            stages: &self.automaton.stages,
            path: &scratch.path,
            slots: &begun.buffer.events,
            timestamp,
        }
    }

    /// What a match drops; nothing if there is nothing to skip to.
    fn cut(
        &self,
        buffer: &Buffer<E>,
        path: &[(StageIndex, EventIndex)],
    ) -> Result<Option<Cut>, MatchError> {
        let number = |(_, event): &(StageIndex, EventIndex)| buffer.events[*event as usize].number;
        let cut =
            |step: Option<_>, including| step.map(number).map(|number| Cut { number, including });
        let of_stage = |target: &SkipTarget| {
            let stage = self
                .automaton
                .stages
                .iter()
                .position(|stage| *stage == target.stage);
            let of_stage = move |step: &&(StageIndex, _)| Some(usize::from(step.0)) == stage;
            path.iter().filter(of_stage)
        };
        let (target, cut) = match &self.skip {
            SkipStrategy::NoSkip => return Ok(None),
            SkipStrategy::ToNext => return Ok(cut(path.first(), true)),
            SkipStrategy::PastLastEvent => return Ok(cut(path.last(), true)),
            SkipStrategy::ToFirst(target) => (target, cut(of_stage(target).next(), false)),
            SkipStrategy::ToLast(target) => (target, cut(of_stage(target).next_back(), false)),
        };
        if !target.error_on_miss {
            return Ok(cut);
        }
        let Some(found) = cut else {
            let stage = target.stage.clone();
            return Err(MatchError::NothingToSkipTo { stage });
        };
        if path.first().map(number) == Some(found.number) {
            return Err(MatchError::SkipsToItself);
        }
        Ok(cut)
    }
}

impl Cut {
    fn apply<E>(self, begun: &mut Begun<E>) {
        let Begun {
            partial,
            complete,
            buffer,
            ..
        } = begun;
        for matches in [partial, complete] {
            heap::retain(matches, |entry| {
                let stays = entry.is_beginning()
                    || entry.start > self.number
                    || entry.start == self.number && !self.including;
                if !stays {
                    buffer.release(entry.step);
                }
                stays
            });
        }
    }
}
