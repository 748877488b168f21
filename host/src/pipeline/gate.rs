//! The least of several watermarks: a stage has reached what all channels that feed it have, and an origin whose records several tasks make what all of them have.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::{EventTime, Mark, START_OF_TIME};

/// Combines the watermarks of channels, which are known by their numbers or by the names of those who feed them. A channel that has said nothing yet holds all others
/// up, so how many there are has to be known. The gate's own watermark never falls. A gate of names is kept in checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate<Name: Ord = usize> {
    /// In checkpoints by the name of those who feed the channels there.
    #[serde(rename = "tasks")]
    channels: usize,
    heard: BTreeMap<Name, Channel>,
    current: EventTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    watermark: EventTime,
    idle: bool,
}

/// Nothing is known yet, not even how many channels there are.
impl<Name: Ord> Default for Gate<Name> {
    fn default() -> Self {
        Self::new(0, START_OF_TIME)
    }
}

impl<Name: Ord> Gate<Name> {
    /// A gate of so many channels that had reached `restored`.
    #[must_use]
    pub fn new(channels: usize, restored: EventTime) -> Self {
        Self {
            channels,
            heard: BTreeMap::new(),
            current: restored,
        }
    }

    /// There are so many channels, or more.
    pub fn expect(&mut self, channels: usize) {
        self.channels = self.channels.max(channels);
    }

    /// The watermark that all have reached.
    #[must_use]
    pub fn current(&self) -> EventTime {
        self.current
    }

    /// Takes the marks of a batch that came through `channel`, and gives those that move the whole; before them the one that it has reached, if all were
    /// silent: the next record goes to one worker, but all of those behind have to wait for it again.
    pub fn advance<Q>(&mut self, channel: &Q, marks: &[Mark]) -> Vec<Mark>
    where
        Name: Borrow<Q>,
        Q: ToOwned<Owned = Name> + Ord + ?Sized,
    {
        let mut passed = Vec::with_capacity(marks.len());
        if self.is_silent() && self.current > START_OF_TIME {
            passed.push(Mark {
                index: 0,
                watermark: self.current,
            });
        }
        self.channel(channel).idle = false;
        for mark in marks {
            let watermark = &mut self.channel(channel).watermark;
            *watermark = (*watermark).max(mark.watermark);
            passed.extend(self.step().map(|watermark| Mark {
                index: mark.index,
                watermark,
            }));
        }
        passed
    }

    /// The channel is silent for now and holds nobody up. Gives the new watermark if that moves the whole.
    pub fn silence<Q>(&mut self, channel: &Q) -> Option<EventTime>
    where
        Name: Borrow<Q>,
        Q: ToOwned<Owned = Name> + Ord + ?Sized,
    {
        self.channel(channel).idle = true;
        self.step()
    }

    /// Whether all channels are silent, so that what is behind the gate is silent too.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.have_all_spoken() && self.heard.values().all(|channel| channel.idle)
    }

    fn channel<Q>(&mut self, name: &Q) -> &mut Channel
    where
        Name: Borrow<Q>,
        Q: ToOwned<Owned = Name> + Ord + ?Sized,
    {
        self.heard.entry(name.to_owned()).or_insert(Channel {
            watermark: START_OF_TIME,
            idle: false,
        })
    }

    fn have_all_spoken(&self) -> bool {
        self.heard.len() >= self.channels.max(1)
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
        if least <= self.current {
            return None;
        }
        self.current = least;
        Some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(index: u32, watermark: EventTime) -> Mark {
        Mark { index, watermark }
    }

    #[test]
    fn the_slowest_channel_holds_the_stage() {
        let mut gate = Gate::new(2, START_OF_TIME);
        assert_eq!(gate.advance(&0, &[mark(0, 10), mark(3, 20)]), []);
        assert_eq!(
            gate.advance(&1, &[mark(1, 5), mark(2, 15), mark(4, 30)]),
            [mark(1, 5), mark(2, 15), mark(4, 20)]
        );
        assert_eq!(gate.current(), 20);
    }

    #[test]
    fn a_silent_channel_holds_nobody_back() {
        let mut gate = Gate::new(2, START_OF_TIME);
        assert_eq!(gate.advance(&0, &[mark(0, 10)]), []);
        assert_eq!(gate.silence(&1), Some(10));
        assert!(!gate.is_silent());
        assert_eq!(gate.silence(&0), None);
        assert!(gate.is_silent());
    }

    #[test]
    fn a_stage_that_was_silent_begins_by_saying_where_it_is() {
        let mut gate = Gate::new(2, START_OF_TIME);
        gate.silence(&0);
        gate.silence(&1);
        assert_eq!(gate.advance(&0, &[mark(0, 5)]), [mark(0, 5)]);
        assert_eq!(gate.advance(&0, &[]), []);
        gate.silence(&0);
        let passed = gate.advance(&1, &[mark(0, 3), mark(2, 10)]);
        assert_eq!(passed, [mark(0, 5), mark(2, 10)]);
    }

    #[test]
    fn a_channel_that_wakes_up_behind_does_not_turn_time_back() {
        let mut gate = Gate::new(2, START_OF_TIME);
        gate.silence(&1);
        gate.advance(&0, &[mark(0, 10)]);
        assert_eq!(gate.advance(&1, &[mark(0, 3)]), []);
        assert_eq!(gate.current(), 10);
    }

    #[test]
    fn a_restored_stage_goes_on_from_where_it_was() {
        let mut gate = Gate::new(1, 50);
        assert_eq!(gate.advance(&0, &[mark(0, 40), mark(1, 60)]), [mark(1, 60)]);
    }

    fn of_tasks(tasks: usize) -> Gate<String> {
        let mut gate = Gate::default();
        gate.expect(tasks);
        gate
    }

    #[test]
    fn a_channel_that_has_not_spoken_holds_all_up() {
        let mut gate = of_tasks(2);
        assert_eq!(gate.advance("a", &[mark(0, 10)]), []);
        assert_eq!(
            gate.advance("b", &[mark(1, 5), mark(2, 20)]),
            [mark(1, 5), mark(2, 10)]
        );
    }

    #[test]
    fn a_channel_that_joins_later_is_waited_for_without_turning_time_back() {
        let mut gate = of_tasks(1);
        gate.advance("a", &[mark(0, 10)]);
        gate.expect(2);
        assert_eq!(gate.advance("a", &[mark(0, 20)]), []);
        assert_eq!(gate.advance("b", &[mark(0, 15)]), [mark(0, 15)]);
        assert_eq!(gate.current(), 15);
    }

    #[test]
    fn what_was_heard_survives_a_restart() {
        let mut gate = of_tasks(2);
        gate.advance("a", &[mark(0, 10)]);
        let stored = serde_json::to_value(&gate).unwrap();
        let mut restored: Gate<String> = serde_json::from_value(stored).unwrap();
        assert_eq!(restored, gate);
        assert_eq!(restored.advance("b", &[mark(0, 12)]), [mark(0, 10)]);
    }

    #[test]
    fn checkpoints_keep_a_gate_in_this_form() {
        let mut gate = of_tasks(2);
        gate.advance("a", &[mark(0, 10)]);
        gate.silence("b");
        let stored = serde_json::json!({
            "tasks": 2,
            "heard": {
                "a": { "watermark": 10, "idle": false },
                "b": { "watermark": START_OF_TIME, "idle": true },
            },
            "current": 10,
        });
        assert_eq!(serde_json::to_value(&gate).unwrap(), stored);
        assert_eq!(
            serde_json::from_value::<Gate<String>>(stored).unwrap(),
            gate
        );
    }
}
