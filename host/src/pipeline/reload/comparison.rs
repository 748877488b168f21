//! What two versions of a stage make of the same input, record by record.

mod matching;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::plugin::{Description, Output};
use matching::{Item, emission, items, refused, unmatched};

/// Differences of a kind that are shown of one output.
const SAMPLES: usize = 5;

/// Characters of a record that are shown.
const EXCERPT: usize = 300;

/// The output that stands for the records which a stage refused.
const REJECTED: &str = "(rejected)";

/// How much what the new version makes may differ from what the running one makes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Policy {
    /// As much as it will: people look at the differences.
    #[default]
    Observe,
    /// Not at all.
    RequireEqual,
    /// By this share of the records, from 0 to 1.
    Tolerate(f64),
}

/// What came of comparing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Records of input that both versions worked on.
    pub records: u64,
    /// By stage and output.
    pub outputs: Vec<OutputComparison>,
    /// The first differences of each kind and output.
    pub samples: Vec<Difference>,
    /// CPU time of the running version, nanoseconds.
    pub running_cpu_nanos: u64,
    /// CPU time of the new version, nanoseconds.
    pub new_cpu_nanos: u64,
    /// Why fewer records were compared than there was time for, if that was so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
}

/// Records of an output, counted by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputComparison {
    /// The stage.
    pub stage: String,
    /// Its output; `(rejected)` stands for what it refused.
    pub output: String,
    /// Both versions made it.
    pub same: u64,
    /// Both made a record there, and another one.
    pub changed: u64,
    /// Only the running version made it.
    pub missing: u64,
    /// Only the new version made it.
    pub new: u64,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The stage.
    pub stage: String,
    /// Its output.
    pub output: String,
    /// What kind of difference.
    pub kind: Kind,
    /// The key of the record, as text.
    pub key: String,
    /// Its event time, milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The record of the running version, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// The record of the new version, as text.
    #[serde(default, rename = "new", skip_serializing_if = "Option::is_none")]
    pub made_new: Option<String>,
}

/// The kinds of differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Both versions made a record there, and another one.
    Changed,
    /// Only the running version made it.
    Missing,
    /// Only the new version made it.
    New,
}

/// The outputs of a stage by name, in both versions.
#[derive(Clone, Debug)]
pub struct Sides<'a> {
    /// The stage.
    pub stage: &'a str,
    /// The version that runs.
    pub running: &'a Description,
    /// The new version.
    pub new: &'a Description,
}

impl Comparison {
    /// Records that were made by at least one of the versions.
    #[must_use]
    pub fn made(&self) -> u64 {
        let made = |output: &OutputComparison| output.same + output.differing();
        self.outputs.iter().map(made).sum()
    }

    /// Of those, the ones that are not the same in both.
    #[must_use]
    pub fn differing(&self) -> u64 {
        self.outputs.iter().map(OutputComparison::differing).sum()
    }

    /// How many times the CPU time of the running version the new one takes; none where there was too little to say.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "it is a ratio for people")]
    pub fn slowdown(&self) -> Option<f64> {
        (self.running_cpu_nanos > 0)
            .then(|| self.new_cpu_nanos as f64 / self.running_cpu_nanos as f64)
    }

    /// Whether the differences are as few as the policy wants.
    ///
    /// # Errors
    /// Why they are not.
    #[expect(clippy::cast_precision_loss, reason = "a share of a count of records")]
    pub fn judge(&self, policy: Policy) -> Result<(), String> {
        let (differing, made) = (self.differing(), self.made());
        let tolerated = match policy {
            Policy::Observe => return Ok(()),
            Policy::RequireEqual => 0.0,
            Policy::Tolerate(share) => share,
        };
        if differing as f64 <= tolerated * made as f64 {
            return Ok(());
        }
        Err(format!(
            "{differing} of {made} records differ from those of the running version, and {} may",
            match policy {
                Policy::Tolerate(share) => format!("{} %", share * 100.0),
                _ => "none".to_owned(),
            }
        ))
    }

    /// Adds what both versions made of a batch of so many records.
    pub fn add(&mut self, sides: &Sides<'_>, records: usize, running: &Output, new: &Output) {
        self.records += records as u64;
        for port in &sides.running.outputs {
            let ours = emission(running, sides.running, &port.name);
            let theirs = emission(new, sides.new, &port.name);
            self.compare(sides.stage, &port.name, &items(ours), &items(theirs));
        }
        for port in &sides.new.outputs {
            if sides
                .running
                .outputs
                .iter()
                .all(|known| known.name != port.name)
            {
                let theirs = emission(new, sides.new, &port.name);
                self.compare(sides.stage, &port.name, &[], &items(theirs));
            }
        }
        let (ours, theirs) = (refused(&running.rejections), refused(&new.rejections));
        self.compare(sides.stage, REJECTED, &ours, &theirs);
    }

    fn compare(&mut self, stage: &str, output: &str, running: &[Item<'_>], new: &[Item<'_>]) {
        if running.is_empty() && new.is_empty() {
            return;
        }
        let mut counts = OutputComparison {
            stage: stage.to_owned(),
            output: output.to_owned(),
            ..OutputComparison::default()
        };
        self.match_up(&mut counts, running, new);
        let known = self
            .outputs
            .iter_mut()
            .find(|known| known.stage == stage && known.output == output);
        match known {
            Some(known) => known.count(&counts),
            None => self.outputs.push(counts),
        }
    }

    /// Counts what is the same and what is not, and keeps samples of the latter.
    fn match_up(&mut self, counts: &mut OutputComparison, running: &[Item<'_>], new: &[Item<'_>]) {
        let (missing, added, same) = unmatched(running, new);
        counts.same = same;
        let mut by_place: HashMap<_, Vec<&Item<'_>>> = HashMap::new();
        for item in added {
            by_place.entry(item.place()).or_default().push(item);
        }
        // The first of a place is the first to find its counterpart.
        by_place.values_mut().for_each(|items| items.reverse());
        for ours in missing {
            match by_place.get_mut(&ours.place()).and_then(Vec::pop) {
                Some(theirs) => {
                    counts.changed += 1;
                    self.sample(counts, Kind::Changed, Some(ours), Some(theirs));
                }
                None => {
                    counts.missing += 1;
                    self.sample(counts, Kind::Missing, Some(ours), None);
                }
            }
        }
        let mut left: Vec<&Item<'_>> = by_place.into_values().flatten().collect();
        left.sort_unstable_by_key(|item| item.number);
        for theirs in left {
            counts.new += 1;
            self.sample(counts, Kind::New, None, Some(theirs));
        }
    }

    fn sample(
        &mut self,
        of: &OutputComparison,
        kind: Kind,
        running: Option<&Item<'_>>,
        new: Option<&Item<'_>>,
    ) {
        let alike = |known: &&Difference| {
            known.kind == kind && known.stage == of.stage && known.output == of.output
        };
        let Some(item) = running.or(new) else {
            return;
        };
        if self.samples.iter().filter(alike).count() < SAMPLES {
            self.samples.push(Difference {
                stage: of.stage.clone(),
                output: of.output.clone(),
                kind,
                key: excerpt(item.record.key),
                timestamp: item.record.timestamp,
                running: running.map(|item| excerpt(item.record.value)),
                made_new: new.map(|item| excerpt(item.record.value)),
            });
        }
    }
}

impl OutputComparison {
    fn differing(&self) -> u64 {
        self.changed + self.missing + self.new
    }

    fn count(&mut self, more: &Self) {
        self.same += more.same;
        self.changed += more.changed;
        self.missing += more.missing;
        self.new += more.new;
    }
}

/// The beginning of something, as text that no terminal obeys.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT)]);
    let mut excerpt: String = text
        .chars()
        .take(EXCERPT)
        .map(|character| match character.is_control() {
            true => char::REPLACEMENT_CHARACTER,
            false => character,
        })
        .collect();
    if bytes.len() > excerpt.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Emission, Port, Rejection};
    use crate::record::Batch;

    fn description(outputs: &[&str]) -> Description {
        let port = |name: &&str| Port {
            name: (*name).to_owned(),
            keyed: true,
        };
        Description {
            name: "count".to_owned(),
            version: "1".to_owned(),
            inputs: Vec::new(),
            outputs: outputs.iter().map(port).collect(),
            state_version: 1,
            oldest_state_version: 1,
            configuration: String::new(),
        }
    }

    /// Records as (origin, key, value).
    fn output(records: &[(u32, &str, &str)]) -> Output {
        let mut batch = Batch::default();
        for (_, key, value) in records {
            batch.push(value.as_bytes(), Some(key.as_bytes()), 7);
        }
        Output {
            emissions: vec![Emission {
                port: 0,
                batch,
                origins: records.iter().map(|(origin, ..)| *origin).collect(),
            }],
            rejections: Vec::new(),
        }
    }

    fn compared(running: &Output, new: &Output) -> Comparison {
        let (ours, theirs) = (description(&["results"]), description(&["results"]));
        let sides = Sides {
            stage: "count",
            running: &ours,
            new: &theirs,
        };
        let mut comparison = Comparison::default();
        comparison.add(&sides, 3, running, new);
        comparison
    }

    #[test]
    fn records_are_told_apart_by_what_became_of_them() {
        let running = output(&[(0, "a", "1"), (0, "b", "2"), (1, "c", "3")]);
        let new = output(&[(0, "a", "1"), (0, "b", "two"), (2, "d", "4")]);
        let comparison = compared(&running, &new);
        let counts = &comparison.outputs[0];
        assert_eq!(
            (counts.same, counts.changed, counts.missing, counts.new),
            (1, 1, 1, 1)
        );
        assert_eq!(comparison.samples[0].running.as_deref(), Some("2"));
        assert_eq!(comparison.samples[0].made_new.as_deref(), Some("two"));
    }

    #[test]
    fn equal_records_are_counted_as_often_as_both_sides_have_them() {
        let running = output(&[(0, "a", "1"), (0, "a", "1")]);
        let new = output(&[(0, "a", "1"), (0, "a", "1"), (0, "a", "1")]);
        let counts = &compared(&running, &new).outputs[0];
        assert_eq!((counts.same, counts.new), (2, 1));
    }

    #[test]
    fn what_is_refused_is_compared_too() {
        let refusing = Output {
            rejections: vec![Rejection {
                index: 1,
                code: "late".to_owned(),
                message: String::new(),
            }],
            ..Output::default()
        };
        let comparison = compared(&Output::default(), &refusing);
        assert_eq!(comparison.outputs[0].output, REJECTED);
        assert_eq!(comparison.differing(), 1);
    }

    #[test]
    fn an_output_that_only_the_new_version_has_is_new() {
        let (ours, theirs) = (description(&[]), description(&["results"]));
        let sides = Sides {
            stage: "count",
            running: &ours,
            new: &theirs,
        };
        let mut comparison = Comparison::default();
        comparison.add(&sides, 1, &Output::default(), &output(&[(0, "a", "1")]));
        assert_eq!(comparison.outputs[0].new, 1);
    }

    #[test]
    fn a_policy_tolerates_the_share_that_it_names_and_no_more() {
        let mut comparison = Comparison::default();
        comparison.outputs.push(OutputComparison {
            same: 99,
            changed: 1,
            ..OutputComparison::default()
        });
        assert!(comparison.judge(Policy::Observe).is_ok());
        assert!(comparison.judge(Policy::Tolerate(0.01)).is_ok());
        assert!(comparison.judge(Policy::Tolerate(0.009)).is_err());
        assert!(comparison.judge(Policy::RequireEqual).is_err());
    }

    #[test]
    fn no_sample_says_anything_that_a_terminal_obeys() {
        let comparison = compared(&output(&[]), &output(&[(0, "\x1b[2J", &"x".repeat(1000))]));
        let sample = &comparison.samples[0];
        assert!(!sample.key.contains('\x1b'));
        assert!(
            sample
                .made_new
                .as_ref()
                .is_some_and(|made| made.ends_with('…'))
        );
    }
}
