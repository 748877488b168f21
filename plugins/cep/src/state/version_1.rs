//! State as version 1 of the library laid it out: the events of each match in a list of its own.

use serde::Deserialize;

use super::{Begun, NO_STEP, PartialMatch, PatternState, UNPLACED, Waiting, heap};

/// A state of version 1, for plugins that have stored some. It becomes a [`PatternState`] that finds its place in the pattern
/// when it is advanced first.
#[derive(Deserialize)]
pub struct Version1<E> {
    waiting: OldWaiting<E>,
    begun: Option<OldBegun<E>>,
}

#[derive(Deserialize)]
enum OldWaiting<E> {
    None,
    One(i64, E),
    Many(Vec<(i64, E)>),
}

#[derive(Deserialize)]
struct OldBegun<E> {
    matches: Vec<OldMatch>,
    taken: Vec<(u64, E)>,
    #[expect(dead_code, reason = "events are numbered anew")]
    next_number: u64,
}

#[derive(Deserialize)]
struct OldMatch {
    started: i64,
    events: OldNumbers,
}

#[derive(Deserialize)]
enum OldNumbers {
    Few(u8, [u64; 4]),
    Many(Vec<u64>),
}

impl OldNumbers {
    fn as_slice(&self) -> &[u64] {
        match self {
            Self::Few(length, numbers) => &numbers[..usize::from(*length).min(numbers.len())],
            Self::Many(numbers) => numbers,
        }
    }
}

impl<E> From<Version1<E>> for PatternState<E> {
    fn from(old: Version1<E>) -> Self {
        let mut waiting = Waiting::None;
        let events = match old.waiting {
            OldWaiting::None => Vec::new(),
            OldWaiting::One(timestamp, event) => vec![(timestamp, event)],
            OldWaiting::Many(events) => events,
        };
        for (timestamp, event) in events {
            waiting.add(timestamp, event, |_, _| std::cmp::Ordering::Equal);
        }
        let begun = old.begun.map(Begun::from).map(Box::new);
        Self { waiting, begun }
    }
}

impl<E> From<OldBegun<E>> for Begun<E> {
    fn from(old: OldBegun<E>) -> Self {
        let mut begun = Self::new();
        begun.begin(UNPLACED, 0);
        begun.next_number = old.taken.len() as u64;
        // Only the time of a match's first event was kept: that of the others does not matter to patterns of version 1.
        let started = |number: u64| {
            let begins = |one: &&OldMatch| one.events.as_slice().first() == Some(&number);
            old.matches
                .iter()
                .find(begins)
                .map_or(i64::MIN, |one| one.started)
        };
        let times: Vec<i64> = old
            .taken
            .iter()
            .map(|(number, _)| started(*number))
            .collect();
        let mut numbers = Vec::with_capacity(times.len());
        let mut events = Vec::with_capacity(times.len());
        for ((number, event), timestamp) in old.taken.into_iter().zip(times) {
            begun.buffer.reserve(timestamp, numbers.len() as u64);
            numbers.push(number);
            events.push(event);
        }
        for one in old.matches {
            let place = |number: &u64| numbers.binary_search(number).ok();
            let places: Option<Vec<usize>> = one.events.as_slice().iter().map(place).collect();
            let Some(places) = places.filter(|places| !places.is_empty()) else {
                continue;
            };
            let mut step = NO_STEP;
            for place in &places {
                let event = u32::try_from(*place).unwrap_or_default();
                let next = begun.buffer.step(0, event, step);
                begun.buffer.release(step);
                step = next;
            }
            let (start, started, state) = (places[0] as u64, one.started, 0);
            let partial = PartialMatch {
                start,
                started,
                step,
                state,
            };
            heap::push(&mut begun.partial, partial);
        }
        for (event, index) in events.into_iter().zip(0..) {
            begun.buffer.settle(index, event, None);
        }
        begun
    }
}
