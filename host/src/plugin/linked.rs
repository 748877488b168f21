//! A component that can be instantiated: in the pool of the engine as long as that has room, and beside it when it has none.
//!
//! A pool makes an instance in microseconds and has a fixed number of places. How many instances there are is said by manifests
//! (stages, parallelism, jobs at a time), so that a full pool is no error: what finds no place in it is allocated by itself, in a second
//! engine that is started when it is first needed.

use std::sync::OnceLock;

use wasmtime::component::{Component, InstancePre};

use super::instance::STARTING;
use super::runtime::{Runtime, World};
use super::sandbox::Sandbox;
use super::{Breach, Failure};

/// A component that fits what the host offers to its world.
pub(super) struct Linked {
    runtime: Runtime,
    world: World,
    pooled: InstancePre<Sandbox>,
    unpooled: OnceLock<InstancePre<Sandbox>>,
}

impl Linked {
    pub(super) fn new(
        runtime: &Runtime,
        world: World,
        component: &Component,
    ) -> wasmtime::Result<Self> {
        let offer = &runtime.inner.offer;
        Ok(Self {
            runtime: runtime.clone(),
            world,
            pooled: offer.linker(world).instantiate_pre(component)?,
            unpooled: OnceLock::new(),
        })
    }

    /// What instances are made of as a rule.
    pub(super) fn pooled(&self) -> &InstancePre<Sandbox> {
        &self.pooled
    }

    /// Makes an instance with `start`, in the pool or beside it.
    pub(super) fn start<I>(
        &self,
        start: impl Fn(&InstancePre<Sandbox>) -> Result<I, Failure>,
    ) -> Result<I, Failure> {
        match start(&self.pooled) {
            Err(Failure {
                breach: Breach::NoRoom(_),
                ..
            }) if self.runtime.inner.is_pooled => {
                let unpooled = self
                    .unpooled()
                    .map_err(|error| Failure::of(Breach::NoRoom(format!("{error:#}")), STARTING))?;
                start(unpooled)
            }
            started => started,
        }
    }

    fn unpooled(&self) -> wasmtime::Result<&InstancePre<Sandbox>> {
        if let Some(unpooled) = self.unpooled.get() {
            return Ok(unpooled);
        }
        let offer = self.runtime.unpooled()?;
        let code = self.pooled.component().serialize()?;
        // SAFETY: the code was compiled, or checked, by this process, and is handed on as it is; both engines are configured
        // alike but for where instances are allocated, which the engine checks again.
        #[expect(
            unsafe_code,
            reason = "loading compiled code is unsafe by nature; this is the engine's own"
        )]
        let component = unsafe { Component::deserialize(&offer.engine, code)? };
        let unpooled = offer.linker(self.world).instantiate_pre(&component)?;
        Ok(self.unpooled.get_or_init(|| unpooled))
    }
}
