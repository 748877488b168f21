//! The watermark of an origin whose records several tasks make: the least of what each of them has reached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::{EventTime, Mark, START_OF_TIME};

/// Merges the watermarks of tasks that are known by their names. It is kept in checkpoints. A task that has said nothing yet holds all others up, so how many there
/// are has to be known; its own watermark never falls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    tasks: u32,
    heard: BTreeMap<String, Channel>,
    current: EventTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    watermark: EventTime,
    idle: bool,
}

impl Default for Merge {
    fn default() -> Self {
        Self {
            tasks: 0,
            heard: BTreeMap::new(),
            current: START_OF_TIME,
        }
    }
}

impl Merge {
    /// The watermark that all have reached.
    #[must_use]
    pub fn current(&self) -> EventTime {
        self.current
    }

    /// Takes the marks of a batch of one of so many tasks, and gives those that move the whole; before them the one that it has reached, if all were silent, as
    /// [`Gate::advance`](super::gate::Gate::advance) does.
    pub fn advance(&mut self, task: &str, tasks: u32, marks: &[Mark]) -> Vec<Mark> {
        let mut passed = Vec::with_capacity(marks.len());
        if self.is_silent() && self.current > START_OF_TIME {
            passed.push(Mark {
                index: 0,
                watermark: self.current,
            });
        }
        self.channel(task, tasks).idle = false;
        for mark in marks {
            let channel = self.channel(task, tasks);
            channel.watermark = channel.watermark.max(mark.watermark);
            passed.extend(self.step().map(|watermark| Mark {
                index: mark.index,
                watermark,
            }));
        }
        passed
    }

    /// A task, of so many, is silent for now and holds nobody up. Gives the new watermark if that moves the whole.
    pub fn silence(&mut self, task: &str, tasks: u32) -> Option<EventTime> {
        self.channel(task, tasks).idle = true;
        self.step()
    }

    /// Whether all are silent.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.have_all_spoken() && self.heard.values().all(|channel| channel.idle)
    }

    fn channel(&mut self, task: &str, tasks: u32) -> &mut Channel {
        self.tasks = self.tasks.max(tasks);
        self.heard.entry(task.to_owned()).or_insert(Channel {
            watermark: START_OF_TIME,
            idle: false,
        })
    }

    fn have_all_spoken(&self) -> bool {
        self.heard.len() >= self.tasks as usize && !self.heard.is_empty()
    }

    fn step(&mut self) -> Option<EventTime> {
        if !self.have_all_spoken() {
            return None;
        }
        let least = self
            .heard
            .values()
            .filter(|channel| !channel.idle)
            .map(|channel| channel.watermark)
            .min()?;
        (least > self.current).then(|| {
            self.current = least;
            least
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(index: u32, watermark: EventTime) -> Mark {
        Mark { index, watermark }
    }

    #[test]
    fn a_task_that_has_not_spoken_holds_all_up() {
        let mut merge = Merge::default();
        assert_eq!(merge.advance("a", 2, &[mark(0, 10)]), []);
        assert_eq!(
            merge.advance("b", 2, &[mark(1, 5), mark(2, 20)]),
            [mark(1, 5), mark(2, 10)]
        );
    }

    #[test]
    fn a_silent_task_holds_nobody_up_until_it_speaks() {
        let mut merge = Merge::default();
        merge.advance("a", 2, &[mark(0, 10)]);
        assert_eq!(merge.silence("b", 2), Some(10));
        assert!(!merge.is_silent());
        assert_eq!(merge.silence("a", 2), None);
        assert!(merge.is_silent());
        assert_eq!(merge.advance("b", 2, &[mark(0, 3)]), [mark(0, 10)]);
        assert_eq!(merge.current(), 10);
    }

    #[test]
    fn a_task_that_joins_later_is_waited_for_without_turning_time_back() {
        let mut merge = Merge::default();
        merge.advance("a", 1, &[mark(0, 10)]);
        assert_eq!(merge.advance("a", 2, &[mark(0, 20)]), []);
        assert_eq!(merge.advance("b", 2, &[mark(0, 15)]), [mark(0, 15)]);
        assert_eq!(merge.current(), 15);
    }

    #[test]
    fn what_was_heard_survives_a_restart() {
        let mut merge = Merge::default();
        merge.advance("a", 2, &[mark(0, 10)]);
        let stored = serde_json::to_value(&merge).unwrap();
        let mut restored: Merge = serde_json::from_value(stored).unwrap();
        assert_eq!(restored, merge);
        assert_eq!(restored.advance("b", 2, &[mark(0, 12)]), [mark(0, 10)]);
    }
}
