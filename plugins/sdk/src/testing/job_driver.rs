//! A host of one job.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::Received;
use super::driver::find;
use super::journal::{Answered, Asked, assert_replayable};
use crate::configuration;
use crate::job::{
    Failure, Job, Method, Problem, Request, RequestFailure, Response, Savepoint, Steps, Workflow,
};

/// 2026-01-01T00:00:00Z, where the clock of a driver begins, milliseconds since the Unix epoch.
const BEGINNING: i64 = 1_767_225_600_000;

/// Answers requests that nothing was scripted for.
type Service = Box<dyn FnMut(&Request) -> Result<Response, RequestFailure>>;

/// Runs one job natively, all of whose outputs are consumed. Its clock jumps where the job sleeps or waits; its services answer what they are told to.
///
/// After each run the job is run again on what it was answered, from the beginning and from each savepoint: a job that then asks for anything else panics here,
/// and would be stopped by the host.
pub struct JobDriver<J: Job> {
    job: J,
    connected: Vec<bool>,
    savepoint: Option<Savepoint>,
    script: Script,
}

struct Script {
    responses: Vec<Scripted>,
    service: Option<Service>,
    callbacks: Vec<ScriptedCallback>,
    now: i64,
    random: u64,
    slept: u64,
    requests: Vec<Request>,
    emitted: Vec<Vec<Received>>,
    progress: Vec<String>,
    journal: Vec<(Asked, Answered)>,
}

struct Scripted {
    method: Method,
    path: String,
    answers: VecDeque<Result<Response, RequestFailure>>,
}

struct ScriptedCallback {
    trigger: String,
    correlation: String,
    at: i64,
    payload: Vec<u8>,
}

impl<J: Job> JobDriver<J> {
    /// A job with this configuration in JSON.
    ///
    /// # Errors
    /// What the job finds wrong with the configuration.
    pub fn new(configuration: &str) -> Result<Self, String> {
        assert!(
            crate::job::are_outputs(J::OUTPUTS),
            "the outputs of a job stand where their index says and carry no keys"
        );
        Ok(Self {
            job: J::new(configuration::parse(configuration)?)?,
            connected: vec![true; J::OUTPUTS.len()],
            savepoint: None,
            script: Script {
                responses: Vec::new(),
                service: None,
                callbacks: Vec::new(),
                now: BEGINNING,
                random: 0,
                slept: 0,
                requests: Vec::new(),
                emitted: vec![Vec::new(); J::OUTPUTS.len()],
                progress: Vec::new(),
                journal: Vec::new(),
            },
        })
    }

    /// Answers the next request of this method and path (with its query) in this way; the one after it by what is scripted next. The last answer stands
    /// for all further requests.
    pub fn respond(&mut self, method: Method, path: &str, response: Response) {
        self.script_answer(method, path, Ok(response));
    }

    /// As [`respond`](Self::respond), with no response.
    pub fn fail(&mut self, method: Method, path: &str, failure: RequestFailure) {
        self.script_answer(method, path, Err(failure));
    }

    /// Answers every request that nothing is scripted for.
    pub fn serve(
        &mut self,
        service: impl FnMut(&Request) -> Result<Response, RequestFailure> + 'static,
    ) {
        self.script.service = Some(Box::new(service));
    }

    /// A callback of a trigger comes when the job has waited for so long, from now on.
    pub fn call_back(
        &mut self,
        trigger: &str,
        correlation: &str,
        after: Duration,
        payload: &(impl Serialize + ?Sized),
    ) {
        let payload = match serde_json::to_vec(payload) {
            Ok(payload) => payload,
            Err(error) => panic!("the callback is no JSON: {error}"),
        };
        self.script.callbacks.push(ScriptedCallback {
            trigger: trigger.to_owned(),
            correlation: correlation.to_owned(),
            at: self.script.now + after.as_millis() as i64,
            payload,
        });
    }

    /// Sets the clock, milliseconds since the Unix epoch.
    pub fn set_now(&mut self, now: i64) {
        self.script.now = now;
    }

    /// Sets what the next call of [`Workflow::random`] gives; each further one gives one more.
    pub fn set_random(&mut self, random: u64) {
        self.script.random = random;
    }

    /// Lets the next run begin from a savepoint of this version, whose state postcard encodes.
    pub fn resume_from(&mut self, version: u32, state: &impl Serialize) {
        match postcard::to_allocvec(state) {
            Ok(state) => self.savepoint = Some(Savepoint::new(version, state)),
            Err(error) => panic!("postcard cannot encode the savepoint: {error}"),
        }
    }

    /// What the job finds wrong with an input.
    ///
    /// # Errors
    /// All of it.
    pub fn validate(&self, input: &(impl Serialize + ?Sized)) -> Result<(), Vec<Problem>> {
        self.validate_bytes(&json(input))
    }

    /// What the job finds wrong with an input that need not be JSON.
    ///
    /// # Errors
    /// All of it.
    pub fn validate_bytes(&self, input: &[u8]) -> Result<(), Vec<Problem>> {
        crate::job::validate(&self.job, input).map(drop)
    }

    /// Validates an input and runs the job on it; gives its output.
    ///
    /// # Errors
    /// How the job failed.
    ///
    /// # Panics
    /// Where the input is refused, something happens that is not scripted, or the job does not ask for the same when it is run again.
    pub fn run(&mut self, input: &(impl Serialize + ?Sized)) -> Result<Value, Failure> {
        let input = json(input);
        if let Err(problems) = self.validate_bytes(&input) {
            panic!("the job refuses its input: {problems:?}");
        }
        self.script.journal.clear();
        let resume = self.savepoint.take();
        let mut workflow = Workflow::new(&mut self.script, &self.connected, resume.clone());
        let ended = crate::job::run(&self.job, &input, &mut workflow);
        let journal = std::mem::take(&mut self.script.journal);
        let resume = resume.as_ref();
        assert_replayable(&self.job, &input, &self.connected, resume, &journal, &ended);
        ended.map(|output| match serde_json::from_slice(&output) {
            Ok(output) => output,
            Err(error) => panic!("the output is no JSON: {error}"),
        })
    }

    /// The requests that were made, in their order.
    pub fn requests(&self) -> &[Request] {
        &self.script.requests
    }

    /// Takes what was emitted to an output since the last time.
    pub fn take(&mut self, output: &str) -> Vec<Received> {
        let port = find(J::OUTPUTS, output);
        std::mem::take(&mut self.script.emitted[port.index() as usize])
    }

    /// What the job said that it is doing.
    pub fn progress(&self) -> &[String] {
        &self.script.progress
    }

    /// How long the job has slept, in all; waiting for callbacks not counted.
    pub fn slept(&self) -> Duration {
        Duration::from_millis(self.script.slept)
    }

    /// The clock, milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.script.now
    }

    fn script_answer(
        &mut self,
        method: Method,
        path: &str,
        answer: Result<Response, RequestFailure>,
    ) {
        let scripted = &mut self.script.responses;
        match scripted
            .iter_mut()
            .find(|known| known.method == method && known.path == path)
        {
            Some(known) => known.answers.push_back(answer),
            None => scripted.push(Scripted {
                method,
                path: path.to_owned(),
                answers: VecDeque::from([answer]),
            }),
        }
    }
}

impl Script {
    fn answer(&mut self, request: &Request) -> Result<Response, RequestFailure> {
        self.requests.push(request.clone());
        let mut scripted = self.responses.iter_mut();
        let known =
            scripted.find(|known| known.method == request.method && known.path == request.path);
        match (known, &mut self.service) {
            (Some(known), _) if known.answers.len() == 1 => known.answers[0].clone(),
            (Some(known), _) => match known.answers.pop_front() {
                Some(answer) => answer,
                None => panic!("nothing answers {request}"),
            },
            (None, Some(service)) => service(request),
            (None, None) => panic!("nothing is scripted that answers {request}"),
        }
    }

    fn note(&mut self, asked: Asked, answered: Answered) {
        self.journal.push((asked, answered));
    }

    /// Takes the earliest callback that has come by then.
    fn take_callback(
        &mut self,
        trigger: &str,
        correlation: &str,
        until: i64,
    ) -> Option<ScriptedCallback> {
        let meant = |callback: &ScriptedCallback| {
            callback.trigger == trigger && callback.correlation == correlation
        };
        let place = (0..self.callbacks.len())
            .filter(|&place| meant(&self.callbacks[place]) && self.callbacks[place].at <= until)
            .min_by_key(|&place| self.callbacks[place].at)?;
        Some(self.callbacks.remove(place))
    }
}

impl Steps for Script {
    fn send_all(
        &mut self,
        requests: Vec<Request>,
        _width: u32,
    ) -> Vec<Result<Response, RequestFailure>> {
        let responses: Vec<_> = requests
            .iter()
            .map(|request| self.answer(request))
            .collect();
        let answered = Answered::Responses(responses.clone());
        self.note(Asked::Send(requests), answered);
        responses
    }

    fn now(&mut self) -> i64 {
        self.note(Asked::Now, Answered::Time(self.now));
        self.now
    }

    fn random(&mut self) -> u64 {
        let random = self.random;
        self.random = random.wrapping_add(1);
        self.note(Asked::Random, Answered::Number(random));
        random
    }

    fn sleep(&mut self, milliseconds: u64) {
        self.now = self.now.saturating_add_unsigned(milliseconds);
        self.slept = self.slept.saturating_add(milliseconds);
        self.note(Asked::Sleep(milliseconds), Answered::Done);
    }

    fn expect(&mut self, trigger: &str, correlation: Option<&str>) {
        let correlation = correlation.map(str::to_owned);
        self.note(
            Asked::Expect(trigger.to_owned(), correlation),
            Answered::Done,
        );
    }

    fn await_callback(
        &mut self,
        trigger: &str,
        correlation: &str,
        timeout: Option<u64>,
    ) -> Option<Vec<u8>> {
        let until = timeout.map_or(i64::MAX, |timeout| {
            self.now.saturating_add_unsigned(timeout)
        });
        let callback = self.take_callback(trigger, correlation, until);
        assert!(
            callback.is_some() || timeout.is_some(),
            "the job waits for ever: nothing is scripted that calls `{trigger}` back with `{correlation}`"
        );
        self.now = match &callback {
            Some(callback) => callback.at.max(self.now),
            None => until,
        };
        let payload = callback.map(|callback| callback.payload);
        let asked = Asked::Await(trigger.to_owned(), correlation.to_owned(), timeout);
        self.note(asked, Answered::Callback(payload.clone()));
        payload
    }

    fn emit(&mut self, port: u32, records: Vec<Vec<u8>>) {
        let received = records.iter().map(|value| Received {
            value: value.clone(),
            key: Vec::new(),
            timestamp: None,
        });
        self.emitted[port as usize].extend(received);
        self.note(Asked::Emit(port, records), Answered::Done);
    }

    fn progress(&mut self, text: &str) {
        self.progress.push(text.to_owned());
        self.note(Asked::Progress(text.to_owned()), Answered::Done);
    }

    fn save(&mut self, state: Vec<u8>) {
        self.note(Asked::Save(state), Answered::Done);
    }
}

fn json(input: &(impl Serialize + ?Sized)) -> Vec<u8> {
    match serde_json::to_vec(input) {
        Ok(input) => input,
        Err(error) => panic!("the input is no JSON: {error}"),
    }
}
