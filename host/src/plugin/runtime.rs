//! The engine that all plugins of a host share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ProfilingStrategy,
};

use super::cache::CodeCache;
use super::component::{Component, LoadError};
use super::sandbox::Sandbox;
use super::{contract_0_1, job_contract_0_1};

/// How often running guests are looked at, so how exactly CPU time is bounded.
const TICK: Duration = Duration::from_millis(10);

/// The engine, what it offers to guests, and the compiled code it keeps. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) linker: Linker<Sandbox>,
    pub(super) job_linker: Linker<Sandbox>,
    pub(super) cache: Option<CodeCache>,
}

/// The machine does not let the engine start.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine does not start: {0:#}")]
pub struct RuntimeError(wasmtime::Error);

impl Runtime {
    /// Starts the engine; compiled code is kept in `cache` where one is given and it is this user's alone.
    ///
    /// # Errors
    /// [`RuntimeError`] where the machine lacks what the engine needs.
    pub fn new(cache: Option<PathBuf>) -> Result<Self, RuntimeError> {
        Self::start(cache, false)
    }

    /// As [`new`](Self::new); and `/tmp/perf-PID.map` tells the Linux profiler which function of a plugin is where.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn profiled(cache: Option<PathBuf>) -> Result<Self, RuntimeError> {
        Self::start(cache, true)
    }

    fn start(cache: Option<PathBuf>, profiled: bool) -> Result<Self, RuntimeError> {
        let engine = engine(profiled).map_err(RuntimeError)?;
        let linker = contract_0_1::linker(&engine).map_err(RuntimeError)?;
        let job_linker = job_contract_0_1::linker(&engine).map_err(RuntimeError)?;
        let cache = cache.as_deref().and_then(CodeCache::open);
        // Components and instances keep the engine alive, and have to be looked at for as long as they do.
        let ticked = engine.weak();
        let inner = Arc::new(Inner {
            engine,
            linker,
            job_linker,
            cache,
        });
        thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(move || {
                while let Some(engine) = ticked.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TICK);
                }
            })
            .map_err(|error| RuntimeError(error.into()))?;
        Ok(Self { inner })
    }

    /// Reads, checks and compiles a component, or takes its code from the cache.
    ///
    /// # Errors
    /// [`LoadError`] where the file cannot be read, is no component, or asks for or offers what does not fit this host.
    pub fn load(&self, path: &Path) -> Result<Component, LoadError> {
        Component::load(self, path)
    }
}

/// Instances come from a pool where the machine has the address space for it, else each is allocated by itself.
fn engine(profiled: bool) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    if profiled {
        config.profiler(ProfilingStrategy::PerfMap);
    }
    config.concurrency_support(false);
    config.epoch_interruption(true);
    let mut pool = PoolingAllocationConfig::default();
    pool.max_memory_size(1 << 32);
    pool.max_core_instances_per_component(64);
    pool.total_core_instances(4096);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).or_else(|error| {
        tracing::debug!(%error, "instances are not pooled");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&config)
    })
}
