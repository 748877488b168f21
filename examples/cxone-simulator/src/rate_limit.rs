//! The platform's rate limit: a bucket that holds one second's worth of requests and fills steadily.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct RateLimit {
    /// What one request costs of the bucket.
    interval: Duration,
    /// When the bucket will be full again; each admitted request moves it by `interval`. At most a second from now.
    full_at: Mutex<Instant>,
}

impl RateLimit {
    pub fn new(requests_a_second: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / requests_a_second.get(),
            full_at: Mutex::new(Instant::now()),
        }
    }

    /// Takes one request from the bucket, or says how long to wait until it holds one.
    pub fn admit(&self) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let after = (*full_at).max(now) + self.interval;
        let excess = after.saturating_duration_since(now + Duration::from_secs(1));
        if excess.is_zero() {
            *full_at = after;
            Ok(())
        } else {
            Err(excess)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

    #[tokio::test(start_paused = true)]
    async fn admits_a_seconds_worth_at_once_and_no_more() {
        let limit = RateLimit::new(TWO);
        assert_eq!(limit.admit(), Ok(()));
        assert_eq!(limit.admit(), Ok(()));
        assert_eq!(limit.admit(), Err(Duration::from_millis(500)));
    }

    #[tokio::test(start_paused = true)]
    async fn admits_again_after_the_wait_it_named() {
        let limit = RateLimit::new(TWO);
        while limit.admit().is_ok() {}
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(limit.admit(), Ok(()));
    }
}
