//! What was loaded that former definitions had begun: told once, for whoever keeps account of changes.

use std::collections::BTreeMap;

use jackfield_pattern_language::{Fate, KeyState, PatternSet};
use jackfield_sdk::log;

/// Keys and matches by the pattern, the rule that they began under, and what becomes of them.
#[derive(Default)]
pub(crate) struct History {
    begun: BTreeMap<(String, String, &'static str), (u64, u64)>,
}

impl History {
    /// Notes what a key brings with it.
    pub(crate) fn note(&mut self, patterns: &PatternSet, state: &KeyState) {
        for begun in patterns.begun_before(state) {
            let fate = match begun.fate {
                Fate::Finished => "are finished under it",
                Fate::Moved => "move on to the present one",
                Fate::Dropped => "are dropped",
            };
            let place = (begun.pattern.to_owned(), begun.rule.to_string(), fate);
            let (keys, matches) = self.begun.entry(place).or_default();
            *keys += 1;
            *matches += begun.matches as u64;
        }
    }

    /// Tells of what was noted.
    #[inline]
    pub(crate) fn tell(&mut self) {
        if !self.begun.is_empty() {
            self.tell_all();
        }
    }

    #[cold]
    fn tell_all(&mut self) {
        for ((pattern, rule, fate), (keys, matches)) in std::mem::take(&mut self.begun) {
            log::info(format!(
                "pattern {pattern:?} has changed: {matches} matches of {keys} keys, begun under the definition {rule}, {fate}"
            ));
        }
    }
}
