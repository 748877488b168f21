//! One run of a job: an instance, on a thread of its own, from where the job begins to where it ends or waits for long.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::definition::Defined;
use super::slot::{Beginning, Heard, Slot};
use super::{Engine, random};
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

/// After a job could not be begun, which is for want of a disk that takes anything, or of room for an instance.
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
            if let Some(ending) = conduct(engine, slot, &beginning)
                && let Err(error) = end(engine, slot, ending)
            {
                let job = &beginning.defined.definition.name;
                tracing::error!(job, id = slot.id(), %error, "the end of a job could not be written: it will be run again");
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

/// A job that was moved and comes to nothing before its first step goes back; any other is over.
fn end(engine: &Arc<Engine>, slot: &Arc<Slot>, ending: Ending) -> Result<(), JobError> {
    let is_failure = !matches!(ending, Ending::Said(Ok(_)));
    if is_failure && let Some(version) = slot.go_back(engine)? {
        tracing::warn!(
            id = slot.id(),
            version = format!("{version:.12}"),
            ?ending,
            "a version that a job was moved to does not go on from where it stood: the job goes back"
        );
        return Ok(());
    }
    slot.tell(engine, Event::Ended(ending)).map(drop)
}

/// Lets the guest work; gives how it ended, if it did.
fn conduct(engine: &Arc<Engine>, slot: &Arc<Slot>, beginning: &Beginning) -> Option<Ending> {
    let defined = &*beginning.defined;
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
    let name = format!("{} {}", defined.definition.name, slot.id());
    let mut instance = match defined.instantiate(&name) {
        Ok(instance) => instance,
        // It is due still, and is begun again.
        Err(failure) if matches!(failure.breach, Breach::NoRoom(_)) => {
            tracing::warn!(code = failure.code().id, job = name, "the plugin {failure}");
            thread::sleep(BREATH);
            return None;
        }
        Err(failure) => return Some(ending_of(defined, &failure)),
    };
    let guest = Guest {
        engine: Arc::clone(engine),
        slot: Arc::clone(slot),
        ports: defined.ports(),
        output: defined.definition.output,
    };
    let input = JobInput {
        input: &beginning.input,
        resume: beginning.savepoint.as_ref(),
    };
    match instance.run(&input, Box::new(guest)) {
        Ok(said) => Some(within(defined, said)),
        Err(RunError::Interrupted) => None,
        Err(RunError::Failed(failure)) => Some(ending_of(defined, &failure)),
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

fn ending_of(defined: &Defined, failure: &Failure) -> Ending {
    let component = &defined.definition.component;
    let described = component.description();
    let told = format!(
        "the plugin {} {} (sha256 {:.12}) {failure}",
        described.name,
        described.version,
        component.digest()
    );
    match failure.breach.is_of_limit() {
        true => Ending::Exceeded(told),
        false => Ending::Trapped(told),
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
