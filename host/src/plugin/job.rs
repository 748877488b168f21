//! Jobs as plugins: their code, checked at load, and one copy of it at work for one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::component::{self, LoadError};
use super::instance::STARTING;
use super::job_contract_0_1::{self, Job};
use super::linked::Linked;
use super::runtime::{Runtime, World};
use super::sandbox::Sandbox;
use super::words::presentable;
use super::{Breach, Failure, Limits, description};
use crate::job;
use crate::job::Problem;
use crate::job::call::{Answer, Call};
use crate::job::journal::Savepoint;

/// What a job plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDescription {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: String,
    /// Names of the ports that it emits to.
    pub outputs: Vec<String>,
    /// The version of the savepoints that it writes.
    pub state_version: u32,
    /// The oldest version of savepoints that it can begin from.
    pub oldest_state_version: u32,
    /// JSON Schema of its configuration.
    pub configuration: String,
}

/// A job plugin's code and what it says of itself. Cheap to clone.
#[derive(Clone)]
pub struct JobComponent {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    digest: String,
    size: u64,
    imports: Vec<String>,
    description: JobDescription,
    linked: Linked,
}

/// What answers the steps of a run.
pub trait Steps: Send {
    /// Answers a step, or breaks the run off.
    ///
    /// # Errors
    /// [`Interrupted`]: the run ends here, and another may come to this step again.
    fn call(&mut self, call: Call) -> Result<Answer, Interrupted>;
}

/// A run was broken off by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host broke the run off")]
pub struct Interrupted;

/// How a run ended that came to its end.
pub type Said = Result<Vec<u8>, job::Failure>;

/// Why a run did not come to its end.
#[derive(Debug)]
pub enum RunError {
    /// The host broke it off.
    Interrupted,
    /// The plugin failed.
    Failed(Failure),
}

/// What a run is given.
#[derive(Clone, Copy, Debug)]
pub struct JobInput<'a> {
    /// What the job was started with.
    pub input: &'a [u8],
    /// Where it begins.
    pub resume: Option<&'a Savepoint>,
}

/// One copy of a job plugin. After a [`Failure`] it is to be dropped.
pub struct JobInstance {
    store: Store<Sandbox>,
    job: Job,
    memory: u64,
}

impl Runtime {
    /// Reads, checks and compiles a component that is a job, or takes its code from the cache.
    ///
    /// # Errors
    /// [`LoadError`] where the file cannot be read, is no component, or asks for or offers what does not fit this host.
    pub fn load_job(&self, path: &Path) -> Result<JobComponent, LoadError> {
        let code = component::Code::read(self, path, job_contract_0_1::INTERFACE)?;
        let linked = code.link(World::Job, job_contract_0_1::check)?;
        let description = linked
            .start(|pre| JobInstance::start(pre, "describe", &Limits::default(), 0))
            .and_then(|mut instance| instance.describe())
            .and_then(|description| match description::check_job(&description) {
                Ok(()) => Ok(description),
                Err(found) => Err(Failure::contract("describe", found)),
            })
            .map_err(|failure| code.refused(failure))?;
        Ok(JobComponent {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                digest: code.digest,
                size: code.size,
                imports: code.imports,
                description,
                linked,
            }),
        })
    }
}

impl JobComponent {
    /// Where it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// Bytes of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.size
    }

    /// The contract that it is built for.
    #[must_use]
    pub fn contract(&self) -> &'static str {
        job_contract_0_1::INTERFACE
    }

    /// The interfaces that it imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &JobDescription {
        &self.inner.description
    }

    /// A new instance, configured; `name` stands before what it logs.
    ///
    /// # Errors
    /// [`Failure`] where the component fails as it starts, a [`Breach::Refusal`] where it does not accept the configuration.
    pub fn instantiate(
        &self,
        name: &str,
        limits: &Limits,
        configuration: &str,
        connected: &[u32],
    ) -> Result<JobInstance, Failure> {
        let version = self.inner.description.state_version;
        let mut instance = self
            .inner
            .linked
            .start(|pre| JobInstance::start(pre, name, limits, version))?;
        instance
            .call("configure", |job, store| {
                job.configure(store, configuration, connected)
            })?
            .map_err(|reason| Failure::of(Breach::Refusal(presentable(reason)), "configure"))?;
        Ok(instance)
    }
}

impl std::fmt::Debug for JobComponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobComponent")
            .field("path", &self.inner.path)
            .field("digest", &self.inner.digest)
            .finish_non_exhaustive()
    }
}

impl JobInstance {
    fn start(
        pre: &InstancePre<Sandbox>,
        name: &str,
        limits: &Limits,
        state_version: u32,
    ) -> Result<Self, Failure> {
        let mut sandbox = Sandbox::new(name, limits);
        sandbox.set_state_version(state_version);
        let mut store = sandbox.into_store(pre.engine());
        let job = Job::instantiate(&mut store, pre)
            .map_err(|error| store.data().explain(&error, STARTING))?;
        Ok(Self {
            store,
            job,
            memory: limits.memory,
        })
    }

    fn describe(&mut self) -> Result<JobDescription, Failure> {
        self.call("describe", |job, store| job.describe(store))
    }

    /// What the plugin finds wrong with an input.
    ///
    /// # Errors
    /// [`Failure`] where it breaks off, or asks for a step.
    pub fn validate(&mut self, input: &[u8]) -> Result<Vec<Problem>, Failure> {
        let validated = self.call("validate", |job, store| job.validate(store, input))?;
        Ok(validated.err().unwrap_or_default())
    }

    /// Lets it work; its steps are answered by `steps`.
    ///
    /// # Errors
    /// [`RunError`] where it does not come to its end.
    pub fn run(&mut self, input: &JobInput<'_>, steps: Box<dyn Steps>) -> Result<Said, RunError> {
        Sandbox::start_call(&mut self.store, self.memory);
        self.store.data_mut().set_steps(Some(steps));
        let said = self.job.run(&mut self.store, input);
        self.store.data_mut().set_steps(None);
        if said.as_ref().is_err_and(|error| error.is::<Interrupted>()) {
            return Err(RunError::Interrupted);
        }
        Sandbox::end_call(&self.store, said, "run").map_err(RunError::Failed)
    }

    fn call<R>(
        &mut self,
        function: &'static str,
        call: impl FnOnce(&Job, &mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, Failure> {
        Sandbox::start_call(&mut self.store, self.memory);
        let returned = call(&self.job, &mut self.store);
        Sandbox::end_call(&self.store, returned, function)
    }
}
