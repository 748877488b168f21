//! What a guest may take of its host, counted where it is taken: memory where it grows, calls where they arrive, CPU time from tick to tick.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::ResourceLimiter;

const SECOND: Duration = Duration::from_secs(1);

/// What an element of a table takes of the host's memory, bytes.
const TABLE_ELEMENT: u64 = 8;

/// Linear memory and tables.
pub(super) struct Memory {
    pub(super) limit: u64,
    used: u64,
    /// What it would have had, where it did not get what it asked for in the call under way.
    pub(super) denied: Option<u64>,
}

/// Calls of the host. The clock is looked at only when as many were counted as a second allows, so that a guest may call up to twice as often
/// for a moment: to count must cost less than what is counted.
pub(super) struct HostCalls {
    pub(super) limit: u32,
    counted: u32,
    since: Instant,
    pub(super) exceeded: bool,
}

/// CPU time of one call.
pub(super) struct CpuTime {
    pub(super) limit: Duration,
    started: Duration,
    pub(super) exceeded: bool,
}

/// CPU time that the calling thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow((desired - current) as u64))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow((desired - current) as u64 * TABLE_ELEMENT))
    }
}

impl CpuTime {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            started: Duration::ZERO,
            exceeded: false,
        }
    }

    /// A call begins on this thread.
    pub(super) fn start(&mut self) {
        self.started = thread_cpu_time();
    }

    /// Looks at the clock of this thread; gives whether there is time left.
    pub(super) fn is_left(&mut self) -> bool {
        self.exceeded = thread_cpu_time().saturating_sub(self.started) >= self.limit;
        !self.exceeded
    }
}

impl HostCalls {
    pub(super) fn new(limit: u32, now: Instant) -> Self {
        Self {
            limit,
            counted: 0,
            since: now,
            exceeded: false,
        }
    }

    pub(super) fn count(&mut self, now: impl FnOnce() -> Instant) {
        self.counted = self.counted.saturating_add(1);
        if self.counted <= self.limit {
            return;
        }
        let now = now();
        if now.saturating_duration_since(self.since) < SECOND {
            self.exceeded = true;
            return;
        }
        self.since = now;
        self.counted = 1;
    }
}

impl Memory {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            used: 0,
            denied: None,
        }
    }

    fn grow(&mut self, bytes: u64) -> bool {
        let wanted = self.used.saturating_add(bytes);
        if wanted > self.limit {
            self.denied = Some(wanted);
            return false;
        }
        self.used = wanted;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_calls_as_allowed_may_be_made_in_each_second() {
        let start = Instant::now();
        let mut calls = HostCalls::new(3, start);
        for second in 1..=4 {
            for _ in 0..3 {
                calls.count(|| start + second * SECOND);
            }
        }
        assert!(!calls.exceeded);
    }

    #[test]
    fn one_call_more_within_a_second_is_one_too_many() {
        let start = Instant::now();
        let mut calls = HostCalls::new(3, start);
        for _ in 0..4 {
            calls.count(|| start + SECOND / 2);
        }
        assert!(calls.exceeded);
    }
}
