//! What was loaded that former definitions had begun: told once, for whoever keeps account of changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jackfield_pattern_language::{BegunBefore, Fate, KeyState, PatternSet};
use jackfield_sdk::{Outputs, log};

use crate::CHANGES;

/// A pattern, the rule that matches of it began under, and what becomes of them.
type Place = (String, String, Fate);

/// Keys and matches by their place.
#[derive(Default)]
pub(crate) struct History {
    begun: BTreeMap<Place, (u64, u64)>,
}

fn place(begun: &BegunBefore<'_>) -> Place {
    (begun.pattern.to_owned(), begun.rule.to_string(), begun.fate)
}

impl History {
    /// Notes what a key brings with it.
    pub(crate) fn note(&mut self, patterns: &PatternSet, state: &KeyState) {
        for begun in patterns.begun_before(state) {
            let (keys, matches) = self.begun.entry(place(&begun)).or_default();
            *keys += 1;
            *matches += begun.matches as u64;
        }
    }

    /// Takes back what was noted of a key with this state.
    pub(crate) fn take_back(&mut self, patterns: &PatternSet, state: &KeyState) {
        for begun in patterns.begun_before(state) {
            if let Entry::Occupied(mut noted) = self.begun.entry(place(&begun)) {
                let (keys, matches) = noted.get_mut();
                *keys = keys.saturating_sub(1);
                *matches = matches.saturating_sub(begun.matches as u64);
                if *keys == 0 {
                    noted.remove();
                }
            }
        }
    }

    /// Tells of what was noted, with the time of what is being worked on.
    #[inline]
    pub(crate) fn tell(&mut self, time: i64, outputs: &mut Outputs<'_>) {
        if !self.begun.is_empty() {
            self.tell_all(time, outputs);
        }
    }

    #[cold]
    fn tell_all(&mut self, time: i64, outputs: &mut Outputs<'_>) {
        for ((pattern, rule, fate), (keys, matches)) in std::mem::take(&mut self.begun) {
            let (fate, becomes) = match fate {
                Fate::Finished => ("finish", "are finished under it"),
                Fate::Moved => ("map", "move on to the present one"),
                Fate::Dropped => ("restart", "are dropped"),
            };
            log::info(format!(
                "pattern {pattern:?} has changed: {matches} matches of {keys} keys, begun under the definition {rule}, {becomes}"
            ));
            let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            outputs
                .emit(CHANGES)
                .timestamp(time)
                .object()
                .text("pattern", &pattern)
                .text("rule", &rule)
                .text("fate", fate)
                .integer("matches", count(matches))
                .integer("keys", count(keys))
                .send();
        }
    }
}
