//! What a guest lives in: fixed clocks, seeded randomness, bounded memory and CPU time, and no way out.
//!
//! The standard library that plugins are built with asks for some of WASI whether it uses it or not. It is given a world in
//! which nothing varies: a replay of the same input gives the same output, which recovery depends on.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::{Breach, Failure, Limits};

/// Interfaces of WASI that a guest may import. None of them leads out of the sandbox as it is set up here.
pub(super) const GRANTED: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "jackfield:plugin/"];

/// How much of what a guest writes to its standard error is kept, bytes.
const LAST_WORDS: usize = 4096;

/// The host's side of one instance.
pub(super) struct Sandbox {
    /// The stage, for the guest's log lines.
    pub(super) name: String,
    wasi: WasiCtx,
    table: ResourceTable,
    stderr: MemoryOutputPipe,
    memory: Memory,
    cpu: CpuTime,
}

struct Memory {
    limit: u64,
    used: u64,
    denied: Option<u64>,
}

struct CpuTime {
    limit: Duration,
    started: Duration,
    exceeded: bool,
}

/// CPU time that the calling thread has used.
pub(super) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Sandbox {
    pub(super) fn new(name: &str, limits: &Limits) -> Self {
        let stderr = MemoryOutputPipe::new(LAST_WORDS);
        let wasi = WasiCtxBuilder::new()
            .stderr(stderr.clone())
            .wall_clock(Stopped)
            .monotonic_clock(Stopped)
            .secure_random(seeded())
            .insecure_random(seeded())
            .insecure_random_seed(0)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Self {
            name: name.to_owned(),
            wasi,
            table: ResourceTable::new(),
            stderr,
            memory: Memory { limit: limits.memory, used: 0, denied: None },
            cpu: CpuTime { limit: limits.cpu_time, started: Duration::ZERO, exceeded: false },
        }
    }

    pub(super) fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }

    /// To be said before each call.
    pub(super) fn start_call(&mut self) -> Duration {
        self.cpu.started = thread_cpu_time();
        self.cpu.started
    }

    /// Called at each tick while the guest runs: epochs pass with the wall clock, which a busy machine steals from, so what
    /// counts is the CPU time of the guest's own thread.
    #[expect(clippy::needless_pass_by_value, reason = "the signature is the store's")]
    pub(super) fn on_tick(mut store: StoreContextMut<'_, Self>) -> wasmtime::Result<UpdateDeadline> {
        let cpu = &mut store.data_mut().cpu;
        if thread_cpu_time().saturating_sub(cpu.started) < cpu.limit {
            return Ok(UpdateDeadline::Continue(1));
        }
        cpu.exceeded = true;
        Err(wasmtime::Error::msg("out of CPU time"))
    }

    /// What an error of a call means.
    pub(super) fn explain(&self, error: &wasmtime::Error, function: &'static str) -> Failure {
        let breach = if self.cpu.exceeded {
            Breach::CpuTime(self.cpu.limit)
        } else if let Some(wanted) = self.memory.denied {
            Breach::Memory { limit: self.memory.limit, wanted }
        } else {
            Breach::Trap(error.root_cause().to_string())
        };
        Failure {
            breach,
            function,
            last_words: String::from_utf8_lossy(&self.stderr.contents()).into_owned(),
            backtrace: error.downcast_ref::<wasmtime::WasmBacktrace>().map(ToString::to_string),
        }
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.used + (desired - current) as u64;
        if wanted > self.limit {
            self.denied = Some(wanted);
            return Ok(false);
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 1 << 20)
    }
}

/// Time that does not pass.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Randomness that is the same for every instance.
fn seeded() -> wasmtime_wasi::Deterministic {
    wasmtime_wasi::Deterministic::new(vec![0x5a; 64])
}
