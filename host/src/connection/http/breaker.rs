//! A service that fails and fails is left alone for a while: requests to it would only wait for their time-outs, and keep it
//! from getting well.
//!
//! *Closed*, requests pass, until so many in a row have failed. *Open*, none does. When that has lasted long enough, one
//! request is let through, the probe, and what becomes of it decides.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::options::CircuitBreakerOptions;

/// The breaker of one connection, on tokio's clock.
#[derive(Debug)]
pub(super) struct Breaker {
    options: CircuitBreakerOptions,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// Leave to make one request. What became of it is to be told; a request that is given up in between tells nothing.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    pub fn new(options: CircuitBreakerOptions) -> Self {
        Self {
            options,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Leave to make a request, or for how long none is given.
    pub fn permit(&self) -> Result<Permit<'_>, Duration> {
        let mut state = self.state();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } => {
                let remaining = until.saturating_duration_since(Instant::now());
                if !remaining.is_zero() {
                    return Err(remaining);
                }
                *state = State::Probing;
                true
            }
            State::Probing => return Err(self.options.open_for),
        };
        Ok(Permit {
            breaker: self,
            is_probe,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No panic can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> State {
        let until = Instant::now() + self.options.open_for;
        State::Open { until }
    }
}

impl Permit<'_> {
    /// The service has answered as it should, or refused on purpose.
    pub fn succeeded(mut self) {
        let mut state = self.breaker.state();
        // A request from before the breaker opened says nothing about now.
        if self.is_probe || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
        }
        self.is_probe = false;
    }

    /// The service has failed.
    pub fn failed(mut self) {
        let mut state = self.breaker.state();
        *state = match *state {
            _ if self.is_probe => self.breaker.open(),
            State::Closed { failures } if failures + 1 >= self.breaker.options.failures.get() => {
                self.breaker.open()
            }
            State::Closed { failures } => State::Closed {
                failures: failures + 1,
            },
            other => other,
        };
        self.is_probe = false;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            // Nobody knows yet: the next request is the probe.
            let until = Instant::now();
            *self.breaker.state() = State::Open { until };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    fn breaker() -> Breaker {
        Breaker::new(CircuitBreakerOptions {
            failures: NonZeroU32::new(3).unwrap(),
            open_for: WINDOW,
        })
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.permit().unwrap().failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn opens_after_so_many_failures_in_a_row() {
        let breaker = breaker();
        fail(&breaker, 2);
        assert!(breaker.permit().is_ok());
        fail(&breaker, 1);
        assert_eq!(breaker.permit().unwrap_err(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_in_between_begins_the_count_anew() {
        let breaker = breaker();
        fail(&breaker, 2);
        breaker.permit().unwrap().succeeded();
        fail(&breaker, 2);
        assert!(breaker.permit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn says_how_long_it_stays_open() {
        let breaker = breaker();
        fail(&breaker, 3);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(breaker.permit().unwrap_err(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn lets_one_probe_through_after_its_window() {
        let breaker = breaker();
        fail(&breaker, 3);
        tokio::time::advance(WINDOW).await;
        let probe = breaker.permit().unwrap();
        assert!(breaker.permit().is_err());
        probe.succeeded();
        assert!(breaker.permit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_opens_it_for_another_window() {
        let breaker = breaker();
        fail(&breaker, 3);
        tokio::time::advance(WINDOW).await;
        fail(&breaker, 1);
        assert_eq!(breaker.permit().unwrap_err(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_leaves_its_place_to_the_next() {
        let breaker = breaker();
        fail(&breaker, 3);
        tokio::time::advance(WINDOW).await;
        drop(breaker.permit().unwrap());
        assert!(breaker.permit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_before_it_opened_does_not_close_it() {
        let breaker = breaker();
        let early = breaker.permit().unwrap();
        fail(&breaker, 3);
        early.succeeded();
        assert!(breaker.permit().is_err());
    }
}
