//! The engine that all plugins of a host share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
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

/// Instances that the pool has room for. Each takes 4 GiB of address space, of which a process has 128 TiB.
const POOLED: u32 = 1000;

/// Core modules in one component: the guest's own, and those by which it is tied to its imports.
const MODULES: u32 = 64;

/// Linear memory that is reserved where address space is short, bytes. An instance that needs more is moved.
const SMALL_RESERVATION: u64 = 64 << 20;

/// The engine, what it offers to guests, and the compiled code it keeps. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) offer: Offer,
    /// Whether its instances come from a pool.
    pub(super) is_pooled: bool,
    /// For what finds no room in the pool of the other.
    unpooled: OnceLock<Offer>,
    profiled: bool,
    pub(super) cache: Option<CodeCache>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// An engine, and everything that guests can call in it.
pub(super) struct Offer {
    pub(super) engine: Engine,
    stages: Linker<Sandbox>,
    jobs: Linker<Sandbox>,
}

/// What a component is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum World {
    /// A stage of a stream.
    Stage,
    /// A job.
    Job,
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
        let (engine, is_pooled) = engine(profiled).map_err(RuntimeError)?;
        let inner = Inner {
            offer: Offer::start(engine).map_err(RuntimeError)?,
            is_pooled,
            unpooled: OnceLock::new(),
            profiled,
            cache: cache.as_deref().and_then(CodeCache::open),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The engine whose instances are allocated each by itself.
    pub(super) fn unpooled(&self) -> wasmtime::Result<&Offer> {
        if let Some(offer) = self.inner.unpooled.get() {
            return Ok(offer);
        }
        tracing::info!(
            pooled = POOLED,
            "the pool of instances is full: further ones are allocated each by itself"
        );
        let mut config = configuration(self.inner.profiled);
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        let offer = Offer::start(Engine::new(&config)?)?;
        Ok(self.inner.unpooled.get_or_init(|| offer))
    }

    /// Reads, checks and compiles a component, or takes its code from the cache.
    ///
    /// # Errors
    /// [`LoadError`] where the file cannot be read, is no component, or asks for or offers what does not fit this host.
    pub fn load(&self, path: &Path) -> Result<Component, LoadError> {
        Component::load(self, path)
    }
}

impl Offer {
    /// Prepares what guests can call, and looks at those that run for as long as there is anything of the engine.
    fn start(engine: Engine) -> wasmtime::Result<Self> {
        let stages = contract_0_1::linker(&engine)?;
        let jobs = job_contract_0_1::linker(&engine)?;
        // Components and instances keep the engine alive, and have to be looked at for as long as they do.
        let ticked = engine.weak();
        thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(move || {
                while let Some(engine) = ticked.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TICK);
                }
            })?;
        Ok(Self {
            engine,
            stages,
            jobs,
        })
    }

    pub(super) fn linker(&self, world: World) -> &Linker<Sandbox> {
        match world {
            World::Stage => &self.stages,
            World::Job => &self.jobs,
        }
    }
}

fn configuration(profiled: bool) -> Config {
    let mut config = Config::new();
    if profiled {
        config.profiler(ProfilingStrategy::PerfMap);
    }
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config
}

/// Instances come from a pool where the machine has the address space for it. Where it has not, each is allocated by itself, and without the 4 GiB of
/// address space that save its code the checks of bounds. Gives whether there is a pool.
fn engine(profiled: bool) -> wasmtime::Result<(Engine, bool)> {
    let mut config = configuration(profiled);
    let mut pool = PoolingAllocationConfig::default();
    pool.max_memory_size(1 << 32);
    pool.total_component_instances(POOLED);
    pool.total_memories(POOLED);
    pool.total_tables(4 * POOLED);
    pool.total_core_instances(8 * POOLED);
    pool.max_core_instances_per_component(MODULES);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let error = match Engine::new(&config) {
        Ok(engine) => return Ok((engine, true)),
        Err(error) => error,
    };
    tracing::warn!(
        reason = format!("{error:#}"),
        "instances are not pooled, for want of address space: plugins work, and more slowly"
    );
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    config.memory_reservation(SMALL_RESERVATION);
    config.memory_reservation_for_growth(SMALL_RESERVATION);
    config.memory_guard_size(1 << 16);
    Ok((Engine::new(&config)?, false))
}
