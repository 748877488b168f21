//! How fast requests are made at most: a token bucket, kept as the time at which it is full again (the generic cell rate
//! algorithm of ATM Forum's Traffic Management 4.0), so that waiting takes neither a timer nor a queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::options::RateLimitOptions;

/// The bucket of one connection, on tokio's clock. It is full at the start.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time in which one token comes.
    interval: Duration,
    /// The time in which an empty bucket fills up, but for one token.
    tolerance: Duration,
    full_at: Mutex<Instant>,
}

impl Pace {
    pub fn new(options: RateLimitOptions) -> Self {
        let interval = Duration::from_secs(1) / options.requests_per_second.get();
        Self {
            interval,
            tolerance: interval * (options.burst.get() - 1),
            full_at: Mutex::new(Instant::now()),
        }
    }

    /// Takes a token, as soon as there is one. Who asks first gets it first; one who gives up has taken his all the same.
    pub async fn token(&self) {
        let at = self.reserve(Instant::now());
        tokio::time::sleep_until(at).await;
    }

    fn reserve(&self, now: Instant) -> Instant {
        // No panic can leave it half changed.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = (*full_at).max(now);
        *full_at = before + self.interval;
        before.checked_sub(self.tolerance).unwrap_or(now).max(now)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn pace(requests_per_second: u32, burst: u32) -> Pace {
        Pace::new(RateLimitOptions {
            requests_per_second: NonZeroU32::new(requests_per_second).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        })
    }

    /// How long it takes to get so many tokens, in tenths of a second.
    async fn time_for(pace: &Pace, tokens: u32) -> u128 {
        let began = Instant::now();
        for _ in 0..tokens {
            pace.token().await;
        }
        began.elapsed().as_millis() / 100
    }

    #[tokio::test(start_paused = true)]
    async fn the_burst_passes_at_once_and_the_rest_at_the_rate() {
        let pace = pace(10, 5);
        assert_eq!(time_for(&pace, 5).await, 0);
        assert_eq!(time_for(&pace, 10).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_fills_the_bucket_to_the_burst_and_no_further() {
        let pace = pace(10, 5);
        time_for(&pace, 5).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(time_for(&pace, 5).await, 0);
        assert_eq!(time_for(&pace, 1).await, 1);
    }
}
