//! How fast a source is read at most: a token bucket.

use std::time::{Duration, Instant};

use crate::config::RateLimit;

/// The share of a second in which tokens are gathered, so that a slow rate does not make batches of one record each.
const GATHERING: Duration = Duration::from_millis(10);

/// Tokens for records; there are as many as the burst allows at the start.
#[derive(Debug)]
pub(super) struct Pace {
    limit: RateLimit,
    tokens: f64,
    filled: Instant,
}

impl Pace {
    pub(super) fn new(limit: RateLimit, now: Instant) -> Self {
        Self {
            limit,
            tokens: f64::from(limit.burst),
            filled: now,
        }
    }

    /// How many records may be read by `now`; 0 until it is worth while.
    pub(super) fn allowance(&mut self, now: Instant) -> usize {
        let elapsed = now.saturating_duration_since(self.filled);
        let gained = elapsed.as_secs_f64() * f64::from(self.limit.records_per_second);
        self.tokens = (self.tokens + gained).min(f64::from(self.limit.burst));
        self.filled = now;
        if self.tokens < self.worth_while() {
            return 0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is at least 1 and at most the burst, which is an u32"
        )]
        let tokens = self.tokens as usize;
        tokens
    }

    /// That many records were read.
    pub(super) fn take(&mut self, records: usize) {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        self.tokens -= f64::from(records);
    }

    /// How long it takes from the last look until there is an allowance.
    pub(super) fn wait(&self) -> Duration {
        let missing = (self.worth_while() - self.tokens).max(0.0);
        Duration::from_secs_f64(missing / f64::from(self.limit.records_per_second))
    }

    fn worth_while(&self) -> f64 {
        let gathered = GATHERING.as_secs_f64() * f64::from(self.limit.records_per_second);
        gathered.min(f64::from(self.limit.burst)).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(records_per_second: u32, burst: u32) -> RateLimit {
        RateLimit {
            records_per_second,
            burst,
        }
    }

    #[test]
    fn over_any_time_no_more_is_read_than_the_burst_and_the_rate_allow() {
        let start = Instant::now();
        let mut pace = Pace::new(limit(500, 200), start);
        let mut read = 0;
        for millisecond in 0..=10_000 {
            let now = start + Duration::from_millis(millisecond);
            let records = pace.allowance(now).min(128);
            pace.take(records);
            read += records;
            let most = 200.0 + 0.5 * f64::from(u32::try_from(millisecond).unwrap());
            assert!(f64::from(u32::try_from(read).unwrap()) <= most);
        }
        assert!((5_190..=5_200).contains(&read), "{read}");
    }

    #[test]
    fn after_the_wait_there_is_an_allowance() {
        let start = Instant::now();
        for limit in [limit(1, 1), limit(3, 1), limit(500, 1), limit(100_000, 500)] {
            let mut pace = Pace::new(limit, start);
            let all = pace.allowance(start);
            pace.take(all);
            assert_eq!(pace.allowance(start), 0);
            let later = start + pace.wait() + Duration::from_micros(1);
            assert!(pace.allowance(later) > 0, "{limit:?}");
        }
    }
}
