//! One run of a job: an instance, on a thread of its own, from where the job begins to where it ends or waits for long.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::slot::{Beginning, Heard, Slot};
use super::{Defined, Engine, random};
use crate::job::JobError;
use crate::job::call::{Answer, Call};
use crate::job::machine::{Ending, Event};
use crate::job::store::Port;
use crate::plugin::job::{Interrupted, JobInput, RunError, Said, Steps};
use crate::plugin::{Breach, Failure};

/// For how long an instance is kept that waits. After that it is cheaper to run the job again up to here.
const SHORT: Duration = Duration::from_secs(1);

/// Records that a client may have to acknowledge at a time, before its job stands still.
const WINDOW: u64 = 64;

/// After a job could not be begun, which is for want of a disk that takes anything.
const BREATH: Duration = Duration::from_secs(1);

/// Answers the steps of a run.
struct Guest {
    engine: Arc<Engine>,
    slot: Arc<Slot>,
    ports: Arc<[Port]>,
    output: u64,
}

/// Runs a job, if there is something to do for it.
pub(super) fn run(engine: &Arc<Engine>, slot: &Arc<Slot>) {
    match slot.begin(engine) {
        Ok(Some(beginning)) => {
            let ending = conduct(engine, slot, &beginning);
            if let Some(ending) = ending
                && let Err(error) = slot.tell(engine, Event::Ended(ending))
            {
                tracing::error!(job = beginning.job, id = slot.id(), %error, "the end of a job could not be written: it will be run again");
            }
            slot.end();
        }
        Ok(None) => {}
        Err(error) => {
            tracing::error!(id = slot.id(), %error, "a job could not be begun");
            thread::sleep(BREATH);
        }
    }
}

/// Lets the guest work; gives how it ended, if it did.
fn conduct(engine: &Arc<Engine>, slot: &Arc<Slot>, beginning: &Beginning) -> Option<Ending> {
    let defined = engine.defined.get(&beginning.job)?;
    let description = defined.definition.component.description();
    if let Some(savepoint) = &beginning.savepoint {
        let (oldest, newest) = (description.oldest_state_version, description.state_version);
        if !(oldest..=newest).contains(&savepoint.version) {
            return Some(Ending::Trapped(format!(
                "its savepoint is of version {}, and the plugin reads versions {oldest} to {newest}",
                savepoint.version
            )));
        }
    }
    let name = format!("{} {}", beginning.job, slot.id());
    let mut instance = match defined.instantiate(&name) {
        Ok(instance) => instance,
        Err(failure) => return Some(ending_of(&failure)),
    };
    let guest = Guest {
        engine: Arc::clone(engine),
        slot: Arc::clone(slot),
        ports: Arc::clone(&defined.ports),
        output: defined.definition.output,
    };
    let input = JobInput {
        input: &beginning.input,
        resume: beginning.savepoint.as_ref(),
    };
    match instance.run(&input, Box::new(guest)) {
        Ok(said) => Some(within(defined, said)),
        Err(RunError::Interrupted) => None,
        Err(RunError::Failed(failure)) => Some(ending_of(&failure)),
    }
}

fn within(defined: &Defined, said: Said) -> Ending {
    let most = defined.definition.output;
    let details = |failure: &crate::job::Failure| failure.details.as_ref().map_or(0, String::len);
    let length = match &said {
        Ok(output) => output.len(),
        Err(failure) => details(failure),
    };
    if length as u64 > most {
        return Ending::Exceeded(format!(
            "it returned {length} bytes; {most} are allowed (output)"
        ));
    }
    Ending::Said(said)
}

fn ending_of(failure: &Failure) -> Ending {
    match &failure.breach {
        Breach::CpuTime(_) | Breach::Memory { .. } => Ending::Exceeded(failure.to_string()),
        _ => Ending::Trapped(failure.to_string()),
    }
}

impl Steps for Guest {
    fn call(&mut self, call: Call) -> Result<Answer, Interrupted> {
        if self.engine.is_stopping() {
            return Err(Interrupted);
        }
        let heard = match self.refuse(&call) {
            // Told here, since the guest is not to hear of it.
            Some(ending) => self
                .slot
                .tell(&self.engine, Event::Ended(ending))
                .map(|_| Heard::Stop),
            None => self.ask(call),
        };
        match heard {
            Ok(Heard::Answer(answer)) => Ok(answer),
            Ok(Heard::Stop) => Err(Interrupted),
            Err(error) => {
                tracing::error!(id = self.slot.id(), %error, "a step could not be written: the job will be run again");
                Err(Interrupted)
            }
        }
    }
}

impl Guest {
    fn ask(&self, call: Call) -> Result<Heard, JobError> {
        let port = match &call {
            Call::Emit { port, .. } => self.ports.get(*port as usize),
            _ => None,
        };
        self.slot
            .tell(&self.engine, Event::Called(call, random()?))?;
        let heard = self.slot.hear(&self.engine, SHORT)?;
        match port.filter(|port| port.is_streamed) {
            // A slow client holds its job.
            Some(port)
                if !self
                    .slot
                    .wait_for_client(&self.engine, &port.name, WINDOW)? =>
            {
                Ok(Heard::Stop)
            }
            _ => Ok(heard),
        }
    }

    /// What no step may ask for.
    fn refuse(&self, call: &Call) -> Option<Ending> {
        let most = self.output;
        match call {
            Call::Emit { port, .. } if *port as usize >= self.ports.len() => {
                let ports = self.ports.len();
                Some(Ending::Trapped(format!(
                    "it emitted to output {port}, and described {ports}"
                )))
            }
            Call::Emit { records, .. } => {
                let longest = records.iter().map(Vec::len).max().unwrap_or_default() as u64;
                (longest > most).then(|| {
                    Ending::Exceeded(format!(
                        "it emitted a record of {longest} bytes; {most} are allowed (output)"
                    ))
                })
            }
            Call::Save { state, .. } if state.len() as u64 > most => {
                Some(Ending::Exceeded(format!(
                    "it saved {} bytes; {most} are allowed (output)",
                    state.len()
                )))
            }
            _ => None,
        }
    }
}
