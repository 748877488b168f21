//! Failures that may pass are met with patience that has bounds: exponential waits with jitter, never shorter than what the
//! service asked for, and never endless.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use super::error::ConnectionFailure;
use super::options::RetryOptions;

/// Calls `attempt` until it succeeds, fails for good or has had all its tries; with the last failure comes the number of
/// tries. Before each wait, on tokio's clock, `waiting` hears of it.
pub(super) async fn with_retries<T, A, F>(
    options: &RetryOptions,
    waiting: impl FnMut(&ConnectionFailure, Duration),
    mut attempt: A,
) -> Result<T, (ConnectionFailure, u32)>
where
    A: FnMut() -> F,
    F: Future<Output = Result<T, ConnectionFailure>>,
{
    let waits = ExponentialBuilder::default()
        .with_factor(2.0)
        .with_min_delay(options.first_wait)
        .with_max_delay(options.maximum_wait)
        .with_max_times(options.tries.get() as usize - 1)
        .with_jitter();
    let mut tries = 0;
    let counted = || {
        tries += 1;
        attempt()
    };
    let outcome = counted
        .retry(waits)
        .when(ConnectionFailure::may_pass)
        .adjust(|failure, wait| permitted_wait(failure, wait?, options.maximum_wait))
        .notify(waiting)
        .await;
    outcome.map_err(|failure| (failure, tries))
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
            |_, _| (),
            || {
                tries.set(tries.get() + 1);
                let number = tries.get();
                let answer = if number > failures {
                    Ok(number)
                } else {
                    Err(failure())
                };
                async move { answer }
            },
        )
        .await;
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
    async fn waits_one_second_then_two_with_at_most_as_much_jitter() {
        let (outcome, took) = outcome(2, UNREACHABLE).await;
        assert_eq!(outcome, Ok(3));
        assert!(
            took >= Duration::from_secs(3) && took <= Duration::from_secs(6),
            "{took:?}"
        );
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
