//! What was loaded that former definitions had begun: told once, for whoever keeps account of changes.

use std::collections::BTreeMap;

use jackfield_pattern_language::{Fate, KeyState, PatternSet};
use jackfield_sdk::{Outputs, log};

use crate::CHANGES;

/// Keys and matches by the pattern, the rule that they began under, and what becomes of them.
#[derive(Default)]
pub(crate) struct History {
    begun: BTreeMap<(String, String, Fate), (u64, u64)>,
}

impl History {
    /// Notes what a key brings with it.
    pub(crate) fn note(&mut self, patterns: &PatternSet, state: &KeyState) {
        for begun in patterns.begun_before(state) {
            let place = (begun.pattern.to_owned(), begun.rule.to_string(), begun.fate);
            let (keys, matches) = self.begun.entry(place).or_default();
            *keys += 1;
            *matches += begun.matches as u64;
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
