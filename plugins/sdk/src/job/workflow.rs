//! What a job asks for.

use std::time::Duration;

use serde::Serialize;

use super::{
    Callback, Connection, Failure, MALFORMED_RESPONSE, Request, RequestFailure, Response,
    Savepoint, Steps,
};
use crate::Port;

/// The host, as a job sees it. Each call is a *step*: it happens once, and a run that is repeated is given the same answer.
pub struct Workflow<'a> {
    steps: &'a mut dyn Steps,
    /// By port: whether anything reads it.
    connected: &'a [bool],
    savepoint: Option<Savepoint>,
}

/// How often something is asked for whose answer makes no sense.
const TRIES: u32 = 3;

impl<'a> Workflow<'a> {
    /// On these steps.
    pub(crate) fn new(
        steps: &'a mut dyn Steps,
        connected: &'a [bool],
        savepoint: Option<Savepoint>,
    ) -> Self {
        Self {
            steps,
            connected,
            savepoint,
        }
    }

    /// Where an earlier run left off; none in a job that begins, or has saved nothing.
    pub fn savepoint(&self) -> Option<&Savepoint> {
        self.savepoint.as_ref()
    }

    /// A connection of the manifest, to make a request of.
    pub fn connection(&mut self, name: &str) -> Connection<'_, 'a> {
        Connection::new(self, name)
    }

    /// Makes a request.
    ///
    /// # Errors
    /// [`RequestFailure`] where there is no answer, after the tries that the connection allows.
    pub fn send(&mut self, request: Request) -> Result<Response, RequestFailure> {
        match self.send_all(vec![request], 1).pop() {
            Some(response) => response,
            None => panic!("the host answered nothing to a request"),
        }
    }

    /// Makes requests side by side, at most `width` of them at a time, and waits for all; what came of each, in their order. One step.
    pub fn send_all(
        &mut self,
        requests: Vec<Request>,
        width: u32,
    ) -> Vec<Result<Response, RequestFailure>> {
        if requests.is_empty() {
            return Vec::new();
        }
        self.steps.send_all(requests, width.max(1))
    }

    /// The time, milliseconds since the Unix epoch.
    pub fn now(&mut self) -> i64 {
        self.steps.now()
    }

    /// A random number.
    pub fn random(&mut self) -> u64 {
        self.steps.random()
    }

    /// Waits, to the millisecond. A long sleep takes nothing but a row in a database.
    pub fn sleep(&mut self, time: impl Into<Duration>) {
        self.steps.sleep(milliseconds(time.into()));
    }

    /// From now on callbacks of a trigger with this correlation are kept for this job, until it awaits them or ends. To be called before
    /// the request that provokes the callback, which can be faster than its answer.
    pub fn expect_callback(&mut self, trigger: &str, correlation: &str) {
        self.steps.expect(trigger, Some(correlation));
    }

    /// As [`expect_callback`](Self::expect_callback), where the correlation is only known when the service has answered: callbacks of the
    /// trigger that no job expects are kept until this job awaits one of that trigger, or ends.
    pub fn expect_any_callback(&mut self, trigger: &str) {
        self.steps.expect(trigger, None);
    }

    /// Waits for the next callback of a trigger with this correlation. None if it does not come in that time; without a time it waits as long as the job may
    /// take.
    pub fn await_callback(
        &mut self,
        trigger: &str,
        correlation: &str,
        timeout: Option<Duration>,
    ) -> Option<Callback> {
        let timeout = timeout.map(milliseconds);
        let payload = self.steps.await_callback(trigger, correlation, timeout)?;
        Some(Callback { payload })
    }

    /// Emits a record in JSON to an output port, once, whatever happens to the job later.
    ///
    /// # Errors
    /// The code `unwritable-record`, where the record has no JSON form.
    pub fn emit(&mut self, port: Port, record: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        self.emit_all(port, [record])
    }

    /// Emits records in JSON to an output port: all of them or none. One step.
    ///
    /// # Errors
    /// The code `unwritable-record`, where a record has no JSON form.
    pub fn emit_all<T: Serialize>(
        &mut self,
        port: Port,
        records: impl IntoIterator<Item = T>,
    ) -> Result<(), Failure> {
        let records: Result<Vec<_>, _> = records
            .into_iter()
            .map(|record| serde_json::to_vec(&record))
            .collect();
        let records = records.map_err(|error| {
            Failure::new("unwritable-record", format!("a record is no JSON: {error}"))
        })?;
        self.emit_bytes(port, records);
        Ok(())
    }

    /// Emits records as they are: all of them or none. One step.
    pub fn emit_bytes(&mut self, port: Port, records: Vec<Vec<u8>>) {
        self.steps.emit(port.index(), records);
    }

    /// Whether anything of the pipeline reads the port: what would go to another need not be made. It stays so for as long as the manifest does, so that steps must not
    /// depend on it.
    pub fn is_connected(&self, port: Port) -> bool {
        self.connected
            .get(port.index() as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Asks three times at most, where the answer is a [`MALFORMED_RESPONSE`]: one that broke on its way can still be whole as HTTP, which no connection
    /// sees. It is waited for `first_wait`, and then for twice that. What has an effect is to be asked with a key of its own (a header
    /// `Idempotency-Key`), the same for each try.
    ///
    /// # Errors
    /// Those of `ask`, of the last time.
    pub fn ask_again<T>(
        &mut self,
        first_wait: impl Into<Duration>,
        mut ask: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut wait = first_wait.into();
        for _ in 1..TRIES {
            match ask(self) {
                Err(failure) if failure.code == MALFORMED_RESPONSE => self.sleep(wait),
                answered => return answered,
            }
            wait *= 2;
        }
        ask(self)
    }

    /// Says what the job is doing, for people.
    pub fn progress(&mut self, text: impl AsRef<str>) {
        self.steps.progress(text.as_ref());
    }

    /// Makes a savepoint: from now on a run begins with [`savepoint`](Self::savepoint), and the steps before are forgotten. A job that takes many
    /// steps, one a page for example, is kept short by it.
    ///
    /// # Errors
    /// The code `unwritable-savepoint`, where postcard cannot encode the state.
    pub fn save(&mut self, state: &impl Serialize) -> Result<(), Failure> {
        let state = postcard::to_allocvec(state).map_err(|error| {
            let message = format!("a savepoint cannot be written: {error}");
            Failure::new("unwritable-savepoint", message)
        })?;
        self.steps.save(state);
        Ok(())
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
