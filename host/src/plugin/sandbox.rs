//! What a guest lives in: fixed clocks, seeded randomness, bounded memory and CPU time, and no way out.
//!
//! The standard library that plugins are built with asks for some of WASI whether it uses it or not. It is given a world in
//! which nothing varies: a replay of the same input gives the same output, which recovery depends on.

use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use wasmtime::{
    Engine, PoolConcurrencyLimitError, ResourceLimiter, Store, StoreContextMut, Trap,
    UpdateDeadline, WasmBacktrace,
};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, I32Exit, ResourceTable, WasiCtx, WasiCtxBuilder,
    WasiCtxView, WasiView,
};

use super::allowance::{CpuTime, HostCalls, Memory};
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

/// By which the engine's error is known that a guest returned more than was set; it has no type that others can name.
const TOO_MUCH: &str = "fuel allocated for hostcalls";

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
    calls: HostCalls,
    /// Bytes that the call under way may return.
    returnable: u64,
    /// In a run of a job: what answers its steps.
    steps: Option<Box<dyn Steps>>,
    /// The version that savepoints are written in.
    state_version: u32,
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
            memory: Memory::new(limits.memory),
            cpu: CpuTime::new(limits.cpu_time),
            calls: HostCalls::new(limits.host_calls, Instant::now()),
            returnable: limits.memory,
            steps: None,
            state_version: 0,
        }
    }

    /// A store for one instance, which is held to its limits from its start on.
    pub(super) fn into_store(self, engine: &Engine) -> Store<Self> {
        let mut store = Store::new(engine, self);
        store.limiter(Self::limiter);
        store.epoch_deadline_callback(Self::on_tick);
        let everything = store.data().memory.limit;
        Self::start_call(&mut store, everything);
        store
    }

    /// To be called before each call of a guest, which may return at most so many bytes; in all cases no more than it can return
    /// honestly, which is what its memory holds. Lists may overlap, and without this bound one byte of the guest's could become any
    /// number of the host's.
    pub(super) fn start_call(store: &mut Store<Self>, returnable: u64) {
        store.set_epoch_deadline(1);
        let sandbox = store.data_mut();
        sandbox.cpu.start();
        sandbox.memory.denied = None;
        sandbox.last_words.clear();
        sandbox.returnable = returnable.min(sandbox.memory.limit);
        let fuel = usize::try_from(sandbox.returnable).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(fuel);
    }

    /// What a call came to, once it is over: a guest that called the host too often may have returned before anybody looked.
    pub(super) fn end_call<R>(
        store: &Store<Self>,
        returned: wasmtime::Result<R>,
        function: &'static str,
    ) -> Result<R, Failure> {
        let sandbox = store.data();
        match returned {
            Ok(_) if sandbox.calls.exceeded => {
                Err(sandbox.failure(Breach::HostCalls(sandbox.calls.limit), function, None))
            }
            Ok(returned) => Ok(returned),
            Err(error) => Err(sandbox.explain(&error, function)),
        }
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

    /// A line for the operator; errors are also kept for the case that the guest breaks off, as a panic does.
    pub(super) fn write_log(&mut self, level: tracing::Level, message: String) {
        self.calls.count(Instant::now);
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
        let sandbox = store.data_mut();
        if sandbox.calls.exceeded {
            return Err(wasmtime::Error::msg("too many calls of the host"));
        }
        match sandbox.cpu.is_left() {
            true => Ok(UpdateDeadline::Continue(1)),
            false => Err(wasmtime::Error::msg("out of CPU time")),
        }
    }

    /// What an error of a call means.
    pub(super) fn explain(&self, error: &wasmtime::Error, function: &'static str) -> Failure {
        let breach = if self.cpu.exceeded {
            Breach::CpuTime(self.cpu.limit)
        } else if self.calls.exceeded {
            Breach::HostCalls(self.calls.limit)
        } else if let Some(wanted) = self.memory.denied {
            Breach::Memory {
                limit: self.memory.limit,
                wanted,
            }
        } else if lacks_room(error) {
            Breach::NoRoom(format!("{error:#}"))
        } else if error.is::<Trap>() || error.is::<I32Exit>() {
            Breach::Trap(presentable(error.root_cause().to_string()))
        } else {
            let reason = error.root_cause().to_string();
            match reason.contains(TOO_MUCH) {
                true => Breach::OutputBytes(self.returnable),
                // What the guest returned or asked for cannot be taken.
                false => Breach::Contract(presentable(reason)),
            }
        };
        self.failure(breach, function, error.downcast_ref())
    }

    fn failure(
        &self,
        breach: Breach,
        function: &'static str,
        backtrace: Option<&WasmBacktrace>,
    ) -> Failure {
        Failure {
            breach,
            function,
            last_words: self.last_words.text(),
            backtrace: backtrace.map(ToString::to_string),
        }
    }
}

/// Whether an instance could not be made because the pool, or the machine, has nothing left for it.
fn lacks_room(error: &wasmtime::Error) -> bool {
    let is_exhausted = |cause: &(dyn std::error::Error + 'static)| {
        let memory = cause.downcast_ref::<io::Error>();
        let mapping = cause.downcast_ref::<Errno>();
        memory.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
            || mapping.is_some_and(|&error| error == Errno::NOMEM)
    };
    error.is::<PoolConcurrencyLimitError>() || error.chain().any(is_exhausted)
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tell_of_left_out(self.log.left_out());
    }
}

impl WasiView for Sandbox {
    /// Every import of WASI begins here. None of them can be refused at this place: the next tick ends a guest that calls too often, or
    /// the end of the call does.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.calls.count(Instant::now);
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
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
