//! What a guest lives in: fixed clocks, seeded randomness, bounded memory and CPU time, and no way out.
//!
//! The standard library that plugins are built with asks for some of WASI whether it uses it or not. It is given a world in
//! which nothing varies: a replay of the same input gives the same output, which recovery depends on.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, Trap, UpdateDeadline};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, I32Exit, ResourceTable, WasiCtx, WasiCtxBuilder,
    WasiCtxView, WasiView,
};

use super::job::Steps;
use super::words::{LastWords, LogAllowance, Stream, presentable};
use super::{Breach, Failure, Limits};
use crate::job::call::{Answer, Call};

/// Interfaces of WASI that a guest may import. None of them leads out of the sandbox as it is set up here.
pub(super) const GRANTED: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "jackfield:plugin/",
];

/// Of those, what only jobs are granted.
pub(super) const JOBS_ONLY: [&str; 2] = ["jackfield:plugin/http", "jackfield:plugin/workflow"];

/// Things of the host (streams, pollables) that a guest may hold at once. The standard library holds three.
const HANDLES: usize = 256;

/// What an element of a table takes of the host's memory, bytes.
const TABLE_ELEMENT: u64 = 8;

/// The host's side of one instance.
pub(super) struct Sandbox {
    /// The stage, for the guest's log lines.
    pub(super) name: String,
    wasi: WasiCtx,
    table: ResourceTable,
    last_words: LastWords,
    log: LogAllowance,
    memory: Memory,
    cpu: CpuTime,
    /// In a run of a job: what answers its steps.
    steps: Option<Box<dyn Steps>>,
    /// The version that savepoints are written in.
    state_version: u32,
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
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

impl Sandbox {
    pub(super) fn new(name: &str, limits: &Limits) -> Self {
        let last_words = LastWords::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let wasi = WasiCtxBuilder::new()
            .stdout(Stream::default())
            .stderr(Stream {
                kept: Some(last_words.clone()),
            })
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
            table,
            last_words,
            log: LogAllowance::new(Instant::now()),
            memory: Memory {
                limit: limits.memory,
                used: 0,
                denied: None,
            },
            cpu: CpuTime {
                limit: limits.cpu_time,
                started: Duration::ZERO,
                exceeded: false,
            },
            steps: None,
            state_version: 0,
        }
    }

    /// A store for one instance, which is held to its limits from its start on.
    pub(super) fn into_store(self, engine: &Engine) -> Store<Self> {
        let mut store = Store::new(engine, self);
        store.limiter(Self::limiter);
        store.epoch_deadline_callback(Self::on_tick);
        store.set_epoch_deadline(1);
        store.data_mut().start_call();
        let returnable = store.data().returnable();
        store.set_hostcall_fuel(returnable);
        store
    }

    pub(super) fn set_steps(&mut self, steps: Option<Box<dyn Steps>>) {
        self.steps = steps;
    }

    pub(super) fn set_state_version(&mut self, version: u32) {
        self.state_version = version;
    }

    pub(super) fn state_version(&self) -> u32 {
        self.state_version
    }

    /// Answers a step of a job.
    pub(super) fn step(&mut self, call: Call) -> wasmtime::Result<Answer> {
        let Some(steps) = &mut self.steps else {
            return Err(wasmtime::Error::msg(
                "a step was asked for outside of `run`",
            ));
        };
        Ok(steps.call(call)?)
    }

    pub(super) fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }

    /// To be said before each call.
    pub(super) fn start_call(&mut self) {
        self.cpu.started = thread_cpu_time();
        self.memory.denied = None;
        self.last_words.clear();
    }

    /// The most that a guest can return honestly, bytes: what its memory holds. Lists may overlap, and without this bound
    /// one byte of the guest's could become any number of the host's.
    pub(super) fn returnable(&self) -> usize {
        usize::try_from(self.memory.limit).unwrap_or(usize::MAX)
    }

    /// A line for the operator; errors are also kept for the case that the guest breaks off, as a panic does.
    pub(super) fn write_log(&mut self, level: tracing::Level, message: String) {
        if level == tracing::Level::ERROR {
            self.last_words.hear(message.as_bytes());
        }
        let Some(left_out) = self.log.take(Instant::now()) else {
            return;
        };
        self.tell_of_left_out(left_out);
        let (stage, message) = (self.name.as_str(), presentable(message));
        match level {
            tracing::Level::ERROR => tracing::error!(stage, "{message}"),
            tracing::Level::WARN => tracing::warn!(stage, "{message}"),
            tracing::Level::INFO => tracing::info!(stage, "{message}"),
            _ => tracing::debug!(stage, "{message}"),
        }
    }

    fn tell_of_left_out(&self, lines: u64) {
        if lines > 0 {
            tracing::warn!(
                stage = self.name.as_str(),
                lines,
                "the plugin logs too much: lines were left out"
            );
        }
    }

    /// Called at each tick while the guest runs: epochs pass with the wall clock, which a busy machine steals from, so what
    /// counts is the CPU time of the guest's own thread.
    pub(super) fn on_tick(
        mut store: StoreContextMut<'_, Self>,
    ) -> wasmtime::Result<UpdateDeadline> {
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
            Breach::Memory {
                limit: self.memory.limit,
                wanted,
            }
        } else if error.is::<Trap>() || error.is::<I32Exit>() {
            Breach::Trap(presentable(error.root_cause().to_string()))
        } else {
            // What the guest returned or asked for cannot be taken.
            Breach::Contract(presentable(error.root_cause().to_string()))
        };
        Failure {
            breach,
            function,
            last_words: self.last_words.text(),
            backtrace: error
                .downcast_ref::<wasmtime::WasmBacktrace>()
                .map(ToString::to_string),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tell_of_left_out(self.log.left_out());
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
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

impl Memory {
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
