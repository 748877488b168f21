//! Failures that may pass are met with patience that has bounds: exponential waits with full jitter ("Exponential Backoff And
//! Jitter", AWS Architecture Blog, 2015), never shorter than what the service asked for, and never endless.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use super::error::ConnectionFailure;
use super::exchange::Missed;
use super::options::RetryOptions;

/// Calls `attempt` until it succeeds, fails in a way that `is_worth_another` try would not mend, or has had all its tries;
/// with the last failure comes the number of tries. Before each wait, on tokio's clock, `waiting` hears of it.
pub(super) async fn with_retries<T, A, F>(
    options: &RetryOptions,
    mut is_worth_another: impl FnMut(&ConnectionFailure) -> bool,
    mut waiting: impl FnMut(&ConnectionFailure, Duration),
    mut attempt: A,
) -> Result<T, (Missed, u32)>
where
    A: FnMut() -> F,
    F: Future<Output = Result<T, Missed>>,
{
    let waits = ExponentialBuilder::default()
        .with_factor(2.0)
        .with_min_delay(options.first_wait)
        .with_max_delay(options.maximum_wait)
        .with_max_times(options.tries.get() as usize - 1);
    let mut tries = 0;
    let counted = || {
        tries += 1;
        attempt()
    };
    let outcome = counted
        .retry(waits)
        .when(|missed: &Missed| is_worth_another(&missed.failure))
        .adjust(|missed: &Missed, wait| {
            let jittered = wait?.mul_f64(fastrand::f64());
            permitted_wait(&missed.failure, jittered, options.maximum_wait)
        })
        .notify(|missed: &Missed, wait| waiting(&missed.failure, wait))
        .await;
    outcome.map_err(|missed| (missed, tries))
}

/// The wait before the next try; `None` if the service asks for a longer one than there is patience for.
fn permitted_wait(
    failure: &ConnectionFailure,
    wait: Duration,
    maximum: Duration,
) -> Option<Duration> {
    match failure.retry_after() {
        Some(asked) if asked > maximum => None,
        Some(asked) => Some(wait.min(maximum).max(asked)),
        None => Some(wait.min(maximum)),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    const UNREACHABLE: fn() -> ConnectionFailure = || ConnectionFailure::Unreachable("x".into());

    /// Fails with `failure` for the first `failures` tries; returns the outcome and the time it took.
    async fn outcome(
        failures: u32,
        failure: impl Fn() -> ConnectionFailure,
    ) -> (Result<u32, (ConnectionFailure, u32)>, Duration) {
        let tries = Cell::new(0);
        let began = Instant::now();
        let options = RetryOptions::default();
        let outcome = with_retries(
            &options,
            ConnectionFailure::may_pass,
            |_, _| (),
            || {
                tries.set(tries.get() + 1);
                let number = tries.get();
                let answer = if number > failures {
                    Ok(number)
                } else {
                    Err(failure().into())
                };
                async move { answer }
            },
        )
        .await;
        let outcome = outcome.map_err(|(missed, tries)| (missed.failure, tries));
        (outcome, began.elapsed())
    }

    fn limited(seconds: u64) -> ConnectionFailure {
        let retry_after = Some(Duration::from_secs(seconds));
        ConnectionFailure::RateLimited { retry_after }
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_after_three_tries() {
        let (outcome, _) = outcome(9, UNREACHABLE).await;
        assert_eq!(outcome, Err((UNREACHABLE(), 3)));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_up_to_one_second_then_up_to_two() {
        let mut longest = Duration::ZERO;
        for _ in 0..200 {
            let (outcome, took) = outcome(2, UNREACHABLE).await;
            assert_eq!(outcome, Ok(3));
            // The clock of a paused runtime moves in steps of a millisecond.
            assert!(took <= Duration::from_millis(3_002), "{took:?}");
            longest = longest.max(took);
        }
        // Less than one in ten million that 200 sums of both stay below half.
        assert!(longest > Duration::from_millis(1_500), "{longest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_retry_what_will_not_pass() {
        let (outcome, took) = outcome(1, || ConnectionFailure::MissingToken).await;
        assert_eq!(outcome, Err((ConnectionFailure::MissingToken, 1)));
        assert_eq!(took, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_service_asks() {
        let (outcome, took) = outcome(1, || limited(20)).await;
        assert_eq!(outcome, Ok(2));
        // The clock of a paused runtime moves in steps of a millisecond.
        assert!(took >= Duration::from_secs(20) && took < Duration::from_secs(21));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_at_once_when_the_service_asks_for_too_long_a_wait() {
        let (outcome, took) = outcome(1, || limited(3600)).await;
        assert_eq!(outcome, Err((limited(3600), 1)));
        assert_eq!(took, Duration::ZERO);
    }
}
