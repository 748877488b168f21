//! Random patterns of which it can be said, without states and edges, what matches them.

use std::time::Duration;

use jackfield_cep::{Contiguity, Pattern};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub place: usize,
    /// Milliseconds.
    pub timestamp: i64,
    /// One of three bits.
    pub kind: u8,
}

#[derive(Clone, Debug)]
pub struct Spec {
    pub stages: Vec<Stage>,
    /// Milliseconds.
    pub within: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub link: Contiguity,
    /// The kinds of events that fit.
    pub kinds: u8,
    pub quantifier: Quantifier,
    pub inner: Contiguity,
    pub is_optional: bool,
    /// What is not to happen between the stage before and this one; only where both are single and not optional.
    pub not: Option<Not>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantifier {
    One,
    Range(u32, u32),
    OrMore(u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Not {
    pub is_next: bool,
    pub kinds: u8,
}

impl Event {
    pub fn is_of(self, kinds: u8) -> bool {
        self.kind & kinds != 0
    }
}

impl Quantifier {
    pub fn bounds(self) -> (usize, usize) {
        match self {
            Self::One => (1, 1),
            Self::Range(from, to) => (from as usize, to as usize),
            Self::OrMore(from) => (from as usize, usize::MAX),
        }
    }
}

impl Spec {
    /// The stages are named by their numbers.
    pub fn pattern(&self) -> Pattern<Event> {
        let mut pattern: Option<Pattern<Event>> = None;
        for (number, stage) in self.stages.iter().enumerate() {
            let before = pattern.map(|before| stage.not.iter().fold(before, not));
            pattern = Some(stage.add(before, number));
        }
        let pattern = pattern.unwrap();
        match self.within {
            Some(limit) => pattern.within(Duration::from_millis(limit.unsigned_abs())),
            None => pattern,
        }
    }
}

fn not(before: Pattern<Event>, not: &Not) -> Pattern<Event> {
    let kinds = not.kinds;
    let name = "not";
    let linked = if not.is_next {
        before.not_next(name)
    } else {
        before.not_followed_by(name)
    };
    linked.filter(move |event| event.is_of(kinds))
}

impl Stage {
    fn add(&self, before: Option<Pattern<Event>>, number: usize) -> Pattern<Event> {
        let (name, kinds) = (number.to_string(), self.kinds);
        let linked = match (before, self.link) {
            (None, _) => Pattern::begin(name),
            (Some(before), Contiguity::Strict) => before.next(name),
            (Some(before), Contiguity::Relaxed) => before.followed_by(name),
            (Some(before), Contiguity::NonDeterministicRelaxed) => before.followed_by_any(name),
        };
        let pattern = linked.filter(move |event| event.is_of(kinds));
        let pattern = match self.quantifier {
            Quantifier::One => pattern,
            Quantifier::Range(from, to) => pattern.times_range(from, to),
            Quantifier::OrMore(from) => pattern.times_or_more(from),
        };
        let pattern = match self.inner {
            _ if self.quantifier == Quantifier::One => pattern,
            Contiguity::Strict => pattern.consecutive(),
            Contiguity::Relaxed => pattern,
            Contiguity::NonDeterministicRelaxed => pattern.allow_combinations(),
        };
        if self.is_optional {
            pattern.optional()
        } else {
            pattern
        }
    }
}

pub fn streams(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..3_u8, 0..4_i64), 1..=most).prop_map(|steps| {
        let mut timestamp = 1_000;
        let event = |(place, (kind, later)): (usize, (u8, i64))| {
            timestamp += later;
            let kind = 1 << kind;
            Event {
                place,
                timestamp,
                kind,
            }
        };
        steps.into_iter().enumerate().map(event).collect()
    })
}

pub fn specs() -> impl Strategy<Value = Spec> {
    let stages = prop::collection::vec(stage(), 1..=4);
    (stages, prop::option::weighted(0.3, 1..15_i64)).prop_map(|(mut stages, within)| {
        for number in 0..stages.len() {
            let plain = |stage: &Stage| stage.quantifier == Quantifier::One && !stage.is_optional;
            // Only one not-stage, since all have the same name.
            let is_first_not = stages[..number].iter().all(|stage| stage.not.is_none());
            let before = number.checked_sub(1).map(|before| &stages[before]);
            let may = before.is_some_and(plain) && plain(&stages[number]) && is_first_not;
            stages[number].not = stages[number].not.filter(|_| may);
        }
        Spec { stages, within }
    })
}

fn stage() -> impl Strategy<Value = Stage> {
    let quantifier = prop_oneof![
        4 => Just(Quantifier::One),
        2 => (1..3_u32, 0..3_u32).prop_map(|(from, more)| Quantifier::Range(from, from + more)),
        2 => (1..3_u32).prop_map(Quantifier::OrMore),
    ];
    let not = (any::<bool>(), 1..8_u8).prop_map(|(is_next, kinds)| Not { is_next, kinds });
    let parts = (
        contiguity(),
        1..8_u8,
        quantifier,
        contiguity(),
        prop::bool::weighted(0.25),
        prop::option::weighted(0.4, not),
    );
    parts.prop_map(|(link, kinds, quantifier, inner, is_optional, not)| Stage {
        link,
        kinds,
        quantifier,
        inner,
        is_optional,
        not,
    })
}

fn contiguity() -> impl Strategy<Value = Contiguity> {
    prop_oneof![
        Just(Contiguity::Strict),
        Just(Contiguity::Relaxed),
        Just(Contiguity::NonDeterministicRelaxed),
    ]
}
