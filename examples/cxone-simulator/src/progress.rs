//! Work that takes time, as those see it who ask for it again and again.

use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Outcome;
use crate::options::Pace;

/// How far a piece of work has come.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    looks: u32,
}

impl Progress {
    pub fn begin() -> Self {
        Self {
            begun: Instant::now(),
            looks: 0,
        }
    }

    /// The steps that are done; where each poll is a step, this look counts for the next.
    pub fn look(&mut self, pace: Pace) -> u32 {
        match pace {
            Pace::EachPoll => {
                self.looks = self.looks.saturating_add(1);
                self.looks - 1
            }
            Pace::Every(Duration::ZERO) => u32::MAX,
            Pace::Every(step) => {
                let steps = self.begun.elapsed().as_nanos() / step.as_nanos();
                u32::try_from(steps).unwrap_or(u32::MAX)
            }
        }
    }
}

/// Where work stands that goes through these states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Queued,
    Running,
    Completed,
    Failed,
}

impl Standing {
    /// After `done` steps of the `needed` ones, of which the first is spent in the queue.
    pub fn after(done: u32, needed: u32, outcome: Outcome) -> Self {
        match outcome {
            _ if done == 0 && needed > 0 => Self::Queued,
            _ if done < needed => Self::Running,
            Outcome::Stalls => Self::Running,
            Outcome::Succeeds => Self::Completed,
            Outcome::Fails => Self::Failed,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_is_a_step_where_polls_are_the_pace() {
        let mut progress = Progress::begin();
        let looks: Vec<u32> = (0..3).map(|_| progress.look(Pace::EachPoll)).collect();
        assert_eq!(looks, [0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn steps_take_their_time_where_the_clock_is_the_pace() {
        let mut progress = Progress::begin();
        let pace = Pace::Every(Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(progress.look(pace), 2);
        assert_eq!(progress.look(pace), 2);
    }

    #[test]
    fn what_stalls_runs_for_ever() {
        assert_eq!(Standing::after(9, 2, Outcome::Stalls), Standing::Running);
    }
}
