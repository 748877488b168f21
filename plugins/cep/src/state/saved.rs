//! State as it is stored.
//!
//! A tuple of the version of the layout, the events that wait, and what has begun. Events are numbered in the order in which
//! they were taken, steps so that each comes after the one before it, and both are written relative to their neighbours. Where
//! and when a match began follows from its steps and is not written. Numbers of states and stages mean something together
//! with the pattern's fingerprint alone.

use std::collections::VecDeque;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Begun, Buffer, NO_STEP, PartialMatch, PatternState, StepIndex, Waiting};
use crate::automaton::{Fingerprint, StageIndex, StateIndex};

/// Of the layout below.
const VERSION: u8 = 2;

/// Events with the milliseconds since the one before; the first with those since the epoch.
type Events<E> = Vec<(i64, E)>;

#[derive(Serialize, Deserialize)]
struct Saved<E> {
    pattern: Fingerprint,
    events: Events<E>,
    /// Event, stage, and how many steps back the step before it is; 0 for none.
    steps: Vec<(u32, StageIndex, u32)>,
    /// State, and the step plus one; 0 for the match that is about to begin.
    partial: Vec<(StateIndex, u32)>,
    complete: Vec<(StateIndex, u32)>,
    timers: Vec<i64>,
}

impl<E: Serialize> Serialize for PatternState<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let waiting: Events<&E> = differences(self.waiting.iter());
        let begun = self.begun.as_ref().map(|begun| begun.saved());
        (VERSION, waiting, begun).serialize(serializer)
    }
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for PatternState<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Version, waiting, begun) =
            <(Version, Events<E>, Option<Saved<E>>)>::deserialize(deserializer)?;
        let begun = begun.map(Begun::load).transpose();
        let begun =
            begun.map_err(|fault| D::Error::custom(format!("state of a pattern: {fault}")))?;
        let mut waiting: VecDeque<(i64, E)> = sums(waiting).collect();
        let in_order = waiting.iter().is_sorted_by_key(|(timestamp, _)| *timestamp);
        if !in_order {
            return Err(D::Error::custom(
                "state of a pattern: its events are not in order",
            ));
        }
        let waiting = match (waiting.len(), waiting.pop_front()) {
            (_, None) => Waiting::None,
            (1, Some((timestamp, event))) => Waiting::One(timestamp, event),
            (_, Some(first)) => {
                waiting.push_front(first);
                Waiting::Many(waiting)
            }
        };
        Ok(Self {
            waiting,
            begun: begun.map(Box::new),
        })
    }
}

/// Stands first, so that a layout that is not known is refused before it is misread.
struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(D::Error::custom(format!(
                "state of a pattern has version {other}, expected {VERSION}"
            ))),
        }
    }
}

impl<E> Begun<E> {
    fn saved(&self) -> Saved<&E> {
        let slots = self.buffer.events.iter().zip(0_u32..);
        let mut taken: Vec<_> = slots
            .filter_map(|(slot, index)| {
                Some((slot.number, slot.timestamp, index, slot.event.as_ref()?))
            })
            .collect();
        taken.sort_unstable_by_key(|(number, ..)| *number);
        let mut event_places = vec![0; self.buffer.events.len()];
        for ((_, _, index, _), place) in taken.iter().zip(0_u32..) {
            event_places[*index as usize] = place;
        }
        let events = differences(
            taken
                .into_iter()
                .map(|(_, timestamp, _, event)| (timestamp, event)),
        );

        let mut order = Order::new(self.buffer.steps.len());
        let partial = self
            .partial
            .iter()
            .map(|partial| order.save(&self.buffer, partial))
            .collect();
        let complete = self
            .complete
            .iter()
            .map(|complete| order.save(&self.buffer, complete))
            .collect();
        let step = |(place, index): (u32, &StepIndex)| {
            let step = &self.buffer.steps[*index as usize];
            let before = order.places.get(step.before as usize);
            let back = before.map_or(0, |before| place - (before - 1));
            (event_places[step.event as usize], step.stage, back)
        };
        Saved {
            pattern: self.pattern,
            events,
            steps: (0..).zip(&order.steps).map(step).collect(),
            partial,
            complete,
            timers: self.timers.iter().copied().collect(),
        }
    }

    fn load(saved: Saved<E>) -> Result<Self, &'static str> {
        let mut begun = Self::new();
        begun.pattern = saved.pattern;
        begun.timers = saved.timers.into();
        let times = begun.buffer.load(saved.events, &saved.steps)?;
        begun.next_number = times.len() as u64;
        let mut starts: Vec<u32> = Vec::with_capacity(saved.steps.len());
        for (place, (event, _, back)) in (0_usize..).zip(&saved.steps) {
            let before = place.wrapping_sub(*back as usize);
            starts.push(if *back == 0 { *event } else { starts[before] });
        }
        let mut match_of = |(state, step): (StateIndex, u32)| {
            let Some(step) = step.checked_sub(1) else {
                return Ok::<_, &str>(PartialMatch::beginning(state));
            };
            let start = *starts
                .get(step as usize)
                .ok_or("a match has a step that is not there")?;
            begun.buffer.hold(step);
            let (start, started) = (u64::from(start), times[start as usize]);
            Ok(PartialMatch {
                start,
                started,
                step,
                state,
            })
        };
        let partial: Result<Vec<_>, _> = saved.partial.into_iter().map(&mut match_of).collect();
        let complete: Result<Vec<_>, _> = saved.complete.into_iter().map(&mut match_of).collect();
        (begun.partial, begun.complete) = (partial?, complete?);
        begun.check()?;
        Ok(begun)
    }

    /// What the matcher relies on.
    fn check(&self) -> Result<(), &'static str> {
        let beginning =
            |matches: &[PartialMatch]| matches.iter().filter(|entry| entry.is_beginning()).count();
        if beginning(&self.partial) != 1 || beginning(&self.complete) != 0 {
            return Err("exactly one match is about to begin");
        }
        let is_heap = |matches: &[PartialMatch]| {
            (1..matches.len()).all(|place| matches[(place - 1) / 2].start <= matches[place].start)
        };
        if !is_heap(&self.partial) || !is_heap(&self.complete) || !self.timers.iter().is_sorted() {
            return Err("its matches are not in order");
        }
        if !self.buffer.all_held() {
            return Err("it has events that no match has taken");
        }
        Ok(())
    }
}

/// Steps in the order in which they are written.
struct Order {
    /// By the index of a step its place plus one; 0 if it has none yet.
    places: Vec<u32>,
    steps: Vec<StepIndex>,
}

impl Order {
    fn new(steps: usize) -> Self {
        Self {
            places: vec![0; steps],
            steps: Vec::new(),
        }
    }

    /// Writes a match, after its steps.
    fn save<E>(&mut self, buffer: &Buffer<E>, partial: &PartialMatch) -> (StateIndex, u32) {
        let mut way = Vec::new();
        let mut next = partial.step;
        while self.places.get(next as usize) == Some(&0) {
            way.push(next);
            next = buffer.steps[next as usize].before;
        }
        for index in way.into_iter().rev() {
            self.steps.push(index);
            // As many as there are steps, whose number is a `u32`.
            self.places[index as usize] = u32::try_from(self.steps.len()).unwrap_or(NO_STEP);
        }
        let place = self.places.get(partial.step as usize).copied();
        (partial.state, place.unwrap_or(0))
    }
}

impl<E> Buffer<E> {
    /// Fills an empty buffer. Returns the times of its events.
    fn load(
        &mut self,
        events: Events<E>,
        steps: &[(u32, StageIndex, u32)],
    ) -> Result<Vec<i64>, &'static str> {
        let mut times = Vec::with_capacity(events.len());
        let mut taken = Vec::with_capacity(events.len());
        for ((timestamp, event), number) in sums(events).zip(0..) {
            self.reserve(timestamp, number);
            times.push(timestamp);
            taken.push(event);
        }
        if !times.is_sorted() {
            return Err("its events are not in order");
        }
        for (place, (event, stage, back)) in (0_u32..).zip(steps) {
            let before = match back {
                0 => NO_STEP,
                back => place
                    .checked_sub(*back)
                    .ok_or("a step comes before the first")?,
            };
            let after = self.steps.get(before as usize).map(|step| step.event);
            if *event as usize >= times.len() || after.is_some_and(|after| after >= *event) {
                return Err("a step takes an event that is not there, or too early");
            }
            self.step(*stage, *event, before);
        }
        for (event, index) in taken.into_iter().zip(0..) {
            self.settle(index, event, None);
        }
        self.is_loaded();
        // What made a step held it; from here on, the matches do.
        for step in &mut self.steps {
            step.release_maker();
        }
        Ok(times)
    }
}

/// Times as differences. They rise, but for events before and after 1970 further apart than a number can say.
fn differences<E>(events: impl Iterator<Item = (i64, E)>) -> Events<E> {
    let mut last = 0_i64;
    let difference = |(timestamp, event): (i64, E)| {
        let difference = timestamp.wrapping_sub(last);
        last = timestamp;
        (difference, event)
    };
    events.map(difference).collect()
}

fn sums<E>(events: Events<E>) -> impl Iterator<Item = (i64, E)> {
    let mut last = 0_i64;
    events.into_iter().map(move |(difference, event)| {
        last = last.wrapping_add(difference);
        (last, event)
    })
}
