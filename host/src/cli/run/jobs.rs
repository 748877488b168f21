//! The jobs of a pipeline that is run: their store, what drives them, and what starts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Release};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use tokio::runtime::Handle;

use crate::cli::{Exit, LogFormat, pipelines, report};
use crate::config::{Manifest, ProcessEnvironment};
use crate::connection::Services;
use crate::connection::http::HttpTransport;
use crate::job::{Definition, Engine, JobStore, Jobs};
use crate::pipeline::plan::JobsPlan;
use crate::trigger::{JobService, RunningTriggers, Triggers};

/// How often it is looked whether there is anything left to do, where that is the end.
const LOOK: Duration = Duration::from_millis(50);

/// Jobs at work.
pub(super) struct Working {
    engine: Arc<Engine>,
    triggers: Option<RunningTriggers>,
    runtime: Handle,
}

/// Opens the store of the jobs, if there are any.
pub(super) fn store(
    plan: Option<&JobsPlan>,
    pipeline: &str,
    format: LogFormat,
) -> Result<Option<JobStore>, Exit> {
    let opened = plan.map(|plan| JobStore::open(&plan.path, pipeline));
    opened
        .transpose()
        .map_err(|error| report(format, error.code(), &error))
}

impl Working {
    /// Goes on with what was left, and lets triggers start more.
    pub(super) fn start(
        manifest: &Manifest,
        plan: JobsPlan,
        store: JobStore,
        services: &Services,
        former: Vec<Definition>,
        format: LogFormat,
    ) -> Result<Self, Exit> {
        let granted = |name: &str| {
            let mut definitions = plan.definitions.iter();
            definitions.any(|definition| definition.connections.contains_key(name))
        };
        let transport = HttpTransport::of(manifest, &ProcessEnvironment, granted)
            .map_err(|wrong| pipelines::show(&wrong, format))?
            .sharing(|name| services.http(name));
        let runtime = services.runtime().clone();
        let ledger = plan.path.with_extension("schedule");
        let engine = Engine::start(
            store,
            plan.definitions,
            former,
            Arc::new(transport),
            runtime.clone(),
        )
        .map_err(|error| report(format, error.code(), &error))?;
        let jobs: Arc<dyn JobService> = Arc::new(Jobs::of(Arc::clone(&engine)));
        let triggers = Triggers::of(manifest, &ProcessEnvironment, &jobs)
            .map_err(|wrong| pipelines::show(&wrong, format))?;
        let triggers = match triggers.is_empty() {
            true => None,
            false => {
                let started = runtime.block_on(triggers.start(&jobs, ledger));
                Some(started.map_err(|error| report(format, error.code(), &error))?)
            }
        };
        if let Some(address) = triggers.as_ref().and_then(RunningTriggers::address) {
            tracing::info!(%address, "listening");
        }
        Ok(Self {
            engine,
            triggers,
            runtime,
        })
    }

    /// The jobs, for those who ask.
    pub(super) fn jobs(&self) -> Jobs {
        Jobs::of(Arc::clone(&self.engine))
    }

    /// Says to stop when it is said here, or when every job has ended and what it emitted has been read; then what sinks owe is to be delivered first.
    pub(super) fn stop_when_idle(
        &self,
        stop: Receiver<()>,
        delivers_first: Arc<AtomicBool>,
    ) -> Receiver<()> {
        let (tell, told) = bounded(1);
        let engine = Arc::clone(&self.engine);
        thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(LOOK) {
                let drained = engine.store().is_drained();
                if engine.is_idle() && drained.unwrap_or(false) {
                    delivers_first.store(true, Release);
                    break;
                }
            }
            // A pipeline that has ended does not listen any more.
            let _ = tell.send(());
            // To be told once more is for the signals to say.
            let _ = stop.recv().map(|()| tell.send(()));
        });
        told
    }

    /// Takes no more, and leaves what is not finished to the next start.
    pub(super) fn stop(self) {
        if let Some(triggers) = self.triggers {
            self.runtime.block_on(triggers.stop());
        }
        self.engine.stop();
    }
}
