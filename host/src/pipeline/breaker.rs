//! A stage whose plugin fails and fails is not tried without end: each failure costs what was done since the last checkpoint.
//!
//! *Closed*, failures are counted over a time, checkpoints or not. *Open*, the stage is not tried until a pause is over. Then it is *half-open*: a
//! checkpoint closes the breaker, a failure opens it again for twice as long. What was counted stays counted, so that a breaker which a lucky checkpoint
//! has closed opens with the next failure.
//!
//! Pure: what time it is is said by the caller.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::config;

/// The first pause.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: pauses double up to it.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Why a breaker opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The stage fails again and again, and no single record is to blame.
    Restarts(u32),
    /// It has failed so often in so short a time.
    Failures(u32, Duration),
    /// It fails on so many records that records cannot be what is wrong.
    Poison(usize),
    /// It failed again when it was tried again.
    Trial,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restarts(failures) => {
                write!(f, "{failures} failures with no checkpoint between them")
            }
            Self::Failures(1, within) => write!(f, "1 failure within {within:?}"),
            Self::Failures(failures, within) => write!(f, "{failures} failures within {within:?}"),
            Self::Poison(records) => {
                write!(
                    f,
                    "{records} records were set aside with no checkpoint between them"
                )
            }
            Self::Trial => f.write_str("another failure when it was tried again"),
        }
    }
}

/// What a failure had to say of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A single record was found, and so many are to be left out now: the next attempt comes further.
    Record(usize),
    /// Nothing that the next attempt could do without.
    Nothing,
}

/// The breaker of a stage.
#[derive(Debug)]
pub struct Breaker {
    settings: config::Recovery,
    /// The latest, at most as many as open it.
    failures: VecDeque<Instant>,
    /// With no checkpoint between them, since a record was found.
    in_a_row: u32,
    state: State,
    /// The last pause, and when it had led to a checkpoint.
    pause: Option<Duration>,
    closed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen,
}

impl Breaker {
    /// Closed.
    #[must_use]
    pub fn new(settings: config::Recovery) -> Self {
        Self {
            settings,
            failures: VecDeque::new(),
            in_a_row: 0,
            state: State::Closed,
            pause: None,
            closed: None,
        }
    }

    /// The stage has failed. Gives why the breaker opens and for how long, if it does.
    pub fn on_failure(&mut self, now: Instant, finding: Finding) -> Option<(Exhausted, Duration)> {
        self.count(now);
        self.in_a_row = match finding {
            Finding::Record(_) => 0,
            Finding::Nothing => self.in_a_row.saturating_add(1),
        };
        let exhausted = self.exhausted(finding)?;
        let pause = self.next_pause(now);
        self.pause = Some(pause);
        self.in_a_row = 0;
        self.state = State::Open { until: now + pause };
        Some((exhausted, pause))
    }

    /// What was done since the last checkpoint is committed.
    pub fn on_checkpoint(&mut self, now: Instant) {
        self.in_a_row = 0;
        if self.state == State::HalfOpen {
            self.state = State::Closed;
            self.closed = Some(now);
        }
    }

    /// An attempt begins. Gives whether the stage may take part.
    pub fn admits(&mut self, now: Instant) -> bool {
        if self.open_until().is_some_and(|until| until <= now) {
            self.state = State::HalfOpen;
        }
        self.open_until().is_none()
    }

    /// Until when it is open, if it is.
    #[must_use]
    pub fn open_until(&self) -> Option<Instant> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed | State::HalfOpen => None,
        }
    }

    fn count(&mut self, now: Instant) {
        let window = self.settings.breaker_window;
        self.failures
            .retain(|&failure| now.saturating_duration_since(failure) < window);
        self.failures.push_back(now);
        if self.failures.len() > self.settings.breaker_failures as usize {
            self.failures.pop_front();
        }
    }

    fn exhausted(&self, finding: Finding) -> Option<Exhausted> {
        let settings = &self.settings;
        let most = settings.breaker_failures;
        match finding {
            Finding::Record(poison) if poison > most as usize => Some(Exhausted::Poison(poison)),
            _ if self.state == State::HalfOpen => Some(Exhausted::Trial),
            _ if self.failures.len() >= most as usize => {
                Some(Exhausted::Failures(most, settings.breaker_window))
            }
            Finding::Nothing if self.in_a_row > settings.maximum_restarts => {
                Some(Exhausted::Restarts(self.in_a_row))
            }
            _ => None,
        }
    }

    /// Pauses grow until the stage has been well for as long as failures are counted.
    fn next_pause(&self, now: Instant) -> Duration {
        let was_well = |closed: Instant| {
            self.state == State::Closed
                && now.saturating_duration_since(closed) >= self.settings.breaker_window
        };
        match self.pause {
            Some(last) if !self.closed.is_some_and(was_well) => (last * 2).min(LONGEST_PAUSE),
            _ => FIRST_PAUSE,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn breaker(maximum_restarts: u32, breaker_failures: u32) -> Breaker {
        Breaker::new(config::Recovery {
            maximum_restarts,
            breaker_failures,
            breaker_window: WINDOW,
            ..config::Recovery::default()
        })
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn failures_that_no_record_is_to_blame_for_open_it_unless_a_checkpoint_lies_between() {
        let (mut breaker, now) = (breaker(2, 100), Instant::now());
        assert_eq!(breaker.on_failure(now, Finding::Nothing), None);
        assert_eq!(breaker.on_failure(now, Finding::Nothing), None);
        breaker.on_checkpoint(now);
        assert_eq!(breaker.on_failure(now, Finding::Nothing), None);
        assert_eq!(breaker.on_failure(now, Finding::Nothing), None);
        assert_eq!(
            breaker.on_failure(now, Finding::Nothing),
            Some((Exhausted::Restarts(3), FIRST_PAUSE))
        );
        assert!(!breaker.admits(now));
    }

    #[test]
    fn a_failure_of_the_trial_opens_it_for_twice_as_long_and_a_checkpoint_closes_it() {
        let (mut breaker, mut now) = (breaker(0, 100), Instant::now());
        breaker.on_failure(now, Finding::Nothing);
        now += FIRST_PAUSE;
        assert!(breaker.admits(now));
        assert_eq!(
            breaker.on_failure(now, Finding::Record(1)),
            Some((Exhausted::Trial, FIRST_PAUSE * 2))
        );
        breaker.on_checkpoint(now);
        assert!(
            !breaker.admits(now),
            "others' checkpoints say nothing of it"
        );
        now += FIRST_PAUSE * 2;
        assert!(breaker.admits(now));
        breaker.on_checkpoint(now);
        assert_eq!(breaker.on_failure(now, Finding::Record(1)), None);
    }

    #[test]
    fn pauses_begin_anew_when_the_stage_has_been_well_for_the_window() {
        let (mut breaker, mut now) = (breaker(0, 100), Instant::now());
        let mut open_after = |well: Duration| {
            now += well;
            let (_, pause) = breaker.on_failure(now, Finding::Nothing).unwrap();
            now += pause;
            assert!(breaker.admits(now));
            breaker.on_checkpoint(now);
            pause
        };
        assert_eq!(open_after(seconds(0)), FIRST_PAUSE);
        assert_eq!(open_after(seconds(59)), FIRST_PAUSE * 2);
        assert_eq!(open_after(seconds(60)), FIRST_PAUSE);
    }

    #[test]
    fn more_poison_than_failures_are_allowed_opens_it_however_slowly_it_is_found() {
        let (mut breaker, mut now) = (breaker(3, 5), Instant::now());
        for poison in 1..=5 {
            now += WINDOW;
            assert_eq!(breaker.on_failure(now, Finding::Record(poison)), None);
        }
        now += WINDOW;
        let opened = breaker.on_failure(now, Finding::Record(6));
        assert_eq!(opened, Some((Exhausted::Poison(6), FIRST_PAUSE)));
    }

    proptest! {
        /// However many checkpoints lie between: it is time alone that makes a failure forgotten.
        #[test]
        fn it_opens_with_the_failure_that_is_one_too_many_in_the_window(
            steps in vec((0u64..30, any::<bool>()), 1..200),
            most in 1u32..20,
        ) {
            let (mut breaker, mut now) = (breaker(1000, most), Instant::now());
            let mut all: Vec<Instant> = Vec::new();
            for (pause, checkpoint) in steps {
                now += seconds(pause);
                if checkpoint {
                    breaker.on_checkpoint(now);
                }
                all.push(now);
                let counted = all.iter().filter(|&&failure| now - failure < WINDOW).count();
                let opened = breaker.on_failure(now, Finding::Record(1));
                prop_assert_eq!(opened.is_some(), counted >= most as usize);
                if opened.is_some() {
                    break;
                }
            }
        }

        #[test]
        fn pauses_grow_and_are_bounded_and_are_kept_to(failures in 1usize..30, early in 1u64..1000) {
            let (mut breaker, mut now) = (breaker(0, 100), Instant::now());
            let mut last = Duration::ZERO;
            for _ in 0..failures {
                let (_, pause) = breaker.on_failure(now, Finding::Nothing).unwrap();
                prop_assert!(pause >= last && (FIRST_PAUSE..=LONGEST_PAUSE).contains(&pause));
                prop_assert!(!breaker.admits(now + pause.saturating_sub(Duration::from_micros(early))));
                now += pause;
                prop_assert!(breaker.admits(now));
                last = pause;
            }
        }
    }
}
