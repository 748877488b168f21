//! The watermark of a stage: the least of the watermarks of the channels that feed it.

use crate::record::{EventTime, Mark, START_OF_TIME};

/// Combines the watermarks of a stage's input channels. Its own never falls.
#[derive(Clone, Debug)]
pub struct Gate {
    channels: Vec<Channel>,
    current: EventTime,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    watermark: EventTime,
    idle: bool,
}

impl Gate {
    /// A gate of so many channels for a stage that had reached `restored`.
    #[must_use]
    pub fn new(channels: usize, restored: EventTime) -> Self {
        Self {
            channels: vec![
                Channel {
                    watermark: START_OF_TIME,
                    idle: false
                };
                channels
            ],
            current: restored,
        }
    }

    /// The watermark that the stage has reached.
    #[must_use]
    pub fn current(&self) -> EventTime {
        self.current
    }

    /// Takes the marks of a batch that came through `channel`, and gives those that move the stage; before them the one that it has reached, if the stage
    /// was silent: its next record goes to one worker, but all of those behind have to wait for it again.
    pub fn advance(&mut self, channel: usize, marks: &[Mark]) -> Vec<Mark> {
        let mut passed = Vec::with_capacity(marks.len());
        if self.is_silent() && self.current > START_OF_TIME {
            passed.push(Mark {
                index: 0,
                watermark: self.current,
            });
        }
        self.channels[channel].idle = false;
        for mark in marks {
            let watermark = &mut self.channels[channel].watermark;
            *watermark = (*watermark).max(mark.watermark);
            passed.extend(self.step().map(|watermark| Mark {
                index: mark.index,
                watermark,
            }));
        }
        passed
    }

    /// The channel is silent for now and holds nobody back. Gives the new watermark if that moves the stage.
    pub fn silence(&mut self, channel: usize) -> Option<EventTime> {
        self.channels[channel].idle = true;
        self.step()
    }

    /// Whether all channels are silent, so that the stage is silent too.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.channels.iter().all(|channel| channel.idle)
    }

    fn step(&mut self) -> Option<EventTime> {
        let least = self
            .channels
            .iter()
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
        assert_eq!(gate.advance(0, &[mark(0, 10), mark(3, 20)]), []);
        assert_eq!(
            gate.advance(1, &[mark(1, 5), mark(2, 15), mark(4, 30)]),
            [mark(1, 5), mark(2, 15), mark(4, 20)]
        );
        assert_eq!(gate.current(), 20);
    }

    #[test]
    fn a_silent_channel_holds_nobody_back() {
        let mut gate = Gate::new(2, START_OF_TIME);
        assert_eq!(gate.advance(0, &[mark(0, 10)]), []);
        assert_eq!(gate.silence(1), Some(10));
        assert!(!gate.is_silent());
        assert_eq!(gate.silence(0), None);
        assert!(gate.is_silent());
    }

    #[test]
    fn a_stage_that_was_silent_begins_by_saying_where_it_is() {
        let mut gate = Gate::new(2, START_OF_TIME);
        gate.silence(0);
        gate.silence(1);
        assert_eq!(gate.advance(0, &[mark(0, 5)]), [mark(0, 5)]);
        assert_eq!(gate.advance(0, &[]), []);
        gate.silence(0);
        let passed = gate.advance(1, &[mark(0, 3), mark(2, 10)]);
        assert_eq!(passed, [mark(0, 5), mark(2, 10)]);
    }

    #[test]
    fn a_channel_that_wakes_up_behind_does_not_turn_time_back() {
        let mut gate = Gate::new(2, START_OF_TIME);
        gate.silence(1);
        gate.advance(0, &[mark(0, 10)]);
        assert_eq!(gate.advance(1, &[mark(0, 3)]), []);
        assert_eq!(gate.current(), 10);
    }

    #[test]
    fn a_restored_stage_goes_on_from_where_it_was() {
        let mut gate = Gate::new(1, 50);
        assert_eq!(gate.advance(0, &[mark(0, 40), mark(1, 60)]), [mark(1, 60)]);
    }
}
