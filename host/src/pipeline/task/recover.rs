//! Between two attempts: whether there is to be another one, when, and without whom.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::Task;
use crate::error::Code;
use crate::pipeline::attention::Attention;
use crate::pipeline::breaker::Exhausted;
use crate::pipeline::channel::{Fault, PluginFault};
use crate::pipeline::error::TaskError;
use crate::pipeline::halt::Halt;
use crate::pipeline::progress::TaskState;
use crate::pipeline::recovery::Decision;

impl Task {
    /// Something outside failed that may be well again soon. Gives false if the pipeline is told to stop instead.
    pub(super) fn wait_to_try_again(&mut self, fault: &Fault, attention: &mut Attention) -> bool {
        let pause = self.backoff.next();
        let (code, epoch) = (fault.code().id, self.last.epoch);
        tracing::warn!(
            code,
            ?pause,
            "{fault}; going back to checkpoint {epoch} after a pause"
        );
        self.rest("pipeline", &fault.to_string(), pause, attention)
    }

    /// Waits, and says why. Gives false if the pipeline is told to stop meanwhile.
    fn rest(&mut self, who: &str, why: &str, pause: Duration, attention: &mut Attention) -> bool {
        self.progress.waits.begin(who, why);
        let halt = Halt::default();
        let told = attention.during(&halt, 1, || halt.sleep(pause));
        self.progress.waits.end(who);
        !told
    }

    /// Decides whether another attempt is worth while, and waits until then. Gives false if the pipeline is told to stop meanwhile.
    pub(super) fn recover(
        &mut self,
        fault: Fault,
        attention: &mut Attention,
    ) -> Result<bool, TaskError> {
        let Fault::Plugin(by_plugin) = &fault else {
            return Err(TaskError::Failed(fault));
        };
        let PluginFault {
            site,
            suspect,
            failure,
            stage,
            digest,
            ..
        } = &**by_plugin;
        if failure.breach.is_of_limit() {
            let stages = self.progress.stages();
            stages[site.stage].breaches.fetch_add(1, Relaxed);
        }
        if let Some(backtrace) = &failure.backtrace {
            tracing::debug!(stage, "{backtrace}");
        }
        let now = Instant::now();
        let decision = self
            .recovery
            .on_failure(now, *site, suspect.clone(), failure);
        let (code, epoch) = (fault.code().id, self.last.epoch);
        match decision {
            Decision::Restart => tracing::warn!(
                code,
                stage,
                plugin = digest,
                "{fault}; going back to checkpoint {epoch}"
            ),
            Decision::Pause(after, pause) => {
                tell_of_breaker(by_plugin, after, pause, "nothing is read");
                let why = format!("its breaker is open after {after}: {fault}");
                self.progress.state.enter(TaskState::Waiting);
                return Ok(self.rest(&format!("stage {stage}"), &why, pause, attention));
            }
            Decision::Bypass(after, pause) => {
                tell_of_breaker(by_plugin, after, pause, "its records are set aside");
            }
            Decision::Stop(after) => {
                let fault = Box::new(fault);
                return Err(TaskError::GivenUp { fault, after });
            }
        }
        Ok(true)
    }

    /// Whoever looks at the pipeline sees which stages are left out, and why.
    pub(super) fn tell_what_is_bypassed(&self) {
        let bypassed = &self.recovery.precautions().bypassed;
        for (index, stage) in self.plan.stages.iter().enumerate() {
            let who = format!("stage {}", stage.name);
            match bypassed.get(&index) {
                Some(reason) => {
                    let why = format!("its breaker is open, its records are set aside: {reason}");
                    self.progress.waits.begin(&who, &why);
                }
                None => self.progress.waits.end(&who),
            }
        }
    }

    /// Whether a stage that is left out is to be tried again.
    pub(super) fn is_trial_due(&self) -> bool {
        self.until_trial().is_zero()
    }

    /// How long it is until then.
    pub(super) fn until_trial(&self) -> Duration {
        let trial = self.recovery.next_trial();
        trial.map_or(Duration::MAX, |trial| {
            trial.saturating_duration_since(Instant::now())
        })
    }
}

fn tell_of_breaker(fault: &PluginFault, after: Exhausted, pause: Duration, meanwhile: &str) {
    let (stage, plugin) = (&fault.stage, &fault.digest);
    tracing::error!(
        code = Code::BREAKER_OPEN.id,
        stage,
        plugin,
        ?pause,
        "the breaker of the stage opens after {after}: {fault}; {meanwhile} until it is tried again"
    );
}
