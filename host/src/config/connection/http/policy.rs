//! How a service is treated that fails, or that asks not to be asked too often.

use std::num::NonZeroU32;
use std::time::Duration;

use super::counted;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::TableReader;

const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);

/// How often a request is tried: `retry = { tries = 3, first-wait = "1s", maximum-wait = "30s" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpRetry {
    /// Tries in all; 3 by default.
    pub tries: NonZeroU32,
    /// The longest wait before the second; it doubles. 1 s by default.
    pub first_wait: Duration,
    /// The longest wait of all; a service that asks for a longer one is not asked again. 30 s by default.
    pub maximum_wait: Duration,
}

impl Default for HttpRetry {
    fn default() -> Self {
        Self {
            tries: const { NonZeroU32::new(3).unwrap() },
            first_wait: Duration::from_secs(1),
            maximum_wait: Duration::from_secs(30),
        }
    }
}

impl HttpRetry {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let tries = counted(table, "tries", 100);
        let first_wait = table.optional_within("first-wait", SHORTEST_WAIT..=HOUR);
        let maximum_wait = table.optional_within("maximum-wait", SHORTEST_WAIT..=HOUR);
        let default = Self::default();
        if let (Some(first), Some(maximum)) = (&first_wait, &maximum_wait)
            && first.value > maximum.value
        {
            table.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    first.place.clone(),
                    "the first wait may not be longer than the longest",
                )
                .related(maximum.place.clone(), "the longest"),
            );
        }
        let first_wait = first_wait.map_or(default.first_wait, |found| found.value);
        let maximum_wait = maximum_wait.map(|found| found.value);
        Some(Self {
            tries: tries.map_or(default.tries, |found| found.value),
            first_wait,
            maximum_wait: maximum_wait.unwrap_or(default.maximum_wait.max(first_wait)),
        })
    }
}

/// How fast requests are made at most: `rate-limit = { requests-per-second = 10, burst = 20 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    /// Requests a second, on average.
    pub requests_per_second: NonZeroU32,
    /// Requests that may be made at once after a pause; those of a second by default.
    pub burst: NonZeroU32,
}

const MOST_REQUESTS: u32 = 1_000_000;

impl RequestRate {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        table.required_node("requests-per-second");
        let requests_per_second = counted(table, "requests-per-second", MOST_REQUESTS);
        let burst = counted(table, "burst", MOST_REQUESTS);
        let requests_per_second = requests_per_second?.value;
        Some(Self {
            requests_per_second,
            burst: burst.map_or(requests_per_second, |burst| burst.value),
        })
    }
}

/// When a service that fails is left alone: `circuit-breaker = { failures = 5, open-for = "30s" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// Failures in a row after which no request is made; 5 by default.
    pub failures: NonZeroU32,
    /// How long none is made before one is tried; 30 s by default.
    pub open_for: Duration,
}

impl CircuitBreaker {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let failures = counted(table, "failures", 10_000);
        let open_for = table.optional_within("open-for", SHORTEST_WAIT..=HOUR);
        Some(Self {
            failures: failures.map_or(const { NonZeroU32::new(5).unwrap() }, |found| found.value),
            open_for: open_for.map_or(Duration::from_secs(30), |found| found.value),
        })
    }
}
