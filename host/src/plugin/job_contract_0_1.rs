//! Version 0.1 of the contract of jobs: between the host's types and those generated from `wit/`.

use std::time::Duration;

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store};

use super::contract_0_1::refuse_to_wait;
use super::job::{JobDescription, JobInput, Said};
use super::sandbox::Sandbox;
use super::words::presentable;
use crate::job::call::{
    Answer, Call, Expectation, Method, Received, Request, RequestFailure, RequestFailureKind,
};
use crate::job::{Failure, Problem};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "job-plugin",
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: { default: trappable },
        with: { "jackfield:plugin/log@0.1.0": crate::plugin::contract_0_1::log },
    });
}

use bindings::exports::jackfield::plugin::job as exported;
use bindings::jackfield::plugin::{http, workflow};

/// The interface that a job of this version exports.
pub(super) const INTERFACE: &str = "jackfield:plugin/job@0.1.0";

/// What an instance of this version can be asked.
pub(super) struct Job(bindings::JobPlugin);

/// Everything that a guest of this version can call.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    bindings::JobPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |sandbox| sandbox)?;
    refuse_to_wait(&mut linker)?;
    Ok(linker)
}

/// Whether the exports have the contract's types.
pub(super) fn check(pre: &InstancePre<Sandbox>) -> wasmtime::Result<()> {
    bindings::JobPluginPre::new(pre.clone()).map(drop)
}

impl Job {
    pub(super) fn instantiate(
        store: &mut Store<Sandbox>,
        pre: &InstancePre<Sandbox>,
    ) -> wasmtime::Result<Self> {
        bindings::JobPluginPre::new(pre.clone())?
            .instantiate(store)
            .map(Self)
    }

    fn guest(&self) -> &exported::Guest {
        self.0.jackfield_plugin_job()
    }

    pub(super) fn describe(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<JobDescription> {
        let described = self.guest().call_describe(store)?;
        Ok(JobDescription {
            name: described.name,
            version: described.version,
            outputs: described.outputs,
            state_version: described.state_version,
            oldest_state_version: described.oldest_state_version,
            configuration: described.configuration,
        })
    }

    pub(super) fn configure(
        &self,
        store: &mut Store<Sandbox>,
        configuration: &str,
        connected: &[u32],
    ) -> wasmtime::Result<Result<(), String>> {
        self.guest().call_configure(store, configuration, connected)
    }

    pub(super) fn validate(
        &self,
        store: &mut Store<Sandbox>,
        input: &[u8],
    ) -> wasmtime::Result<Result<(), Vec<Problem>>> {
        let lift = |problem: exported::Problem| Problem {
            field: presentable(problem.field),
            code: presentable(problem.code),
            message: presentable(problem.message),
            value: problem.value.map(presentable),
            allowed: problem.allowed.into_iter().map(presentable).collect(),
        };
        let validated = self.guest().call_validate(store, input)?;
        Ok(validated.map_err(|problems| problems.into_iter().map(lift).collect()))
    }

    pub(super) fn run(
        &self,
        store: &mut Store<Sandbox>,
        input: &JobInput<'_>,
    ) -> wasmtime::Result<Said> {
        let resume = input.resume.map(|savepoint| exported::Savepoint {
            version: savepoint.version,
            state: &savepoint.state,
        });
        let said = self.guest().call_run(store, input.input, resume)?;
        Ok(said.map_err(|failure| Failure {
            code: presentable(failure.code),
            message: presentable(failure.message),
            details: failure.details,
            status: failure.status.filter(|status| (400..600).contains(status)),
            retry_after: failure.retry_after.map(Duration::from_millis),
        }))
    }
}

impl http::Host for Sandbox {
    fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Failure>> {
        let mut responses = self.send_all(vec![request], 1)?;
        responses.pop().ok_or_else(unfitting)
    }

    fn send_all(
        &mut self,
        requests: Vec<http::Request>,
        width: u32,
    ) -> wasmtime::Result<Vec<Result<http::Response, http::Failure>>> {
        let requests = requests.into_iter().map(lift_request).collect();
        let width = width.max(1);
        match self.step(Call::Send { requests, width })? {
            Answer::Responses(received) => Ok(received.into_iter().map(lower_received).collect()),
            _ => Err(unfitting()),
        }
    }
}

impl workflow::Host for Sandbox {
    fn now(&mut self) -> wasmtime::Result<i64> {
        match self.step(Call::Now)? {
            Answer::Time(time) => Ok(time),
            _ => Err(unfitting()),
        }
    }

    fn random(&mut self) -> wasmtime::Result<u64> {
        match self.step(Call::Random)? {
            Answer::Number(number) => Ok(number),
            _ => Err(unfitting()),
        }
    }

    fn sleep(&mut self, milliseconds: u64) -> wasmtime::Result<()> {
        self.step(Call::Sleep(milliseconds)).map(drop)
    }

    fn expect(&mut self, trigger: String, correlation: Option<String>) -> wasmtime::Result<()> {
        let expectation = Expectation {
            trigger,
            correlation,
        };
        self.step(Call::Expect(expectation)).map(drop)
    }

    fn await_callback(
        &mut self,
        trigger: String,
        correlation: String,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        let call = Call::Await {
            trigger,
            correlation,
            timeout,
        };
        match self.step(call)? {
            Answer::Callback(payload) => Ok(payload),
            _ => Err(unfitting()),
        }
    }

    fn emit(&mut self, port: u32, records: Vec<Vec<u8>>) -> wasmtime::Result<()> {
        self.step(Call::Emit { port, records }).map(drop)
    }

    fn progress(&mut self, text: String) -> wasmtime::Result<()> {
        self.step(Call::Progress(presentable(text))).map(drop)
    }

    fn save(&mut self, state: Vec<u8>) -> wasmtime::Result<()> {
        let version = self.state_version();
        self.step(Call::Save { version, state }).map(drop)
    }
}

/// Calls and answers are paired by the machine of jobs.
fn unfitting() -> wasmtime::Error {
    wasmtime::Error::msg("the journal holds an answer to another call")
}

fn lift_request(request: http::Request) -> Request {
    Request {
        connection: request.connection,
        method: match request.method {
            http::Method::Get => Method::Get,
            http::Method::Head => Method::Head,
            http::Method::Post => Method::Post,
            http::Method::Put => Method::Put,
            http::Method::Patch => Method::Patch,
            http::Method::Delete => Method::Delete,
        },
        path: request.path,
        headers: request
            .headers
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect(),
        body: request.body,
    }
}

fn lower_received(received: Received) -> Result<http::Response, http::Failure> {
    let header = |(name, value)| http::Header { name, value };
    received
        .map(|response| http::Response {
            status: response.status,
            headers: response.headers.into_iter().map(header).collect(),
            body: response.body,
        })
        .map_err(lower_failure)
}

fn lower_failure(failure: RequestFailure) -> http::Failure {
    use http::FailureKind;
    http::Failure {
        kind: match failure.kind {
            RequestFailureKind::Refused => FailureKind::Refused,
            RequestFailureKind::Unreachable => FailureKind::Unreachable,
            RequestFailureKind::Timeout => FailureKind::Timeout,
            RequestFailureKind::Interrupted => FailureKind::Interrupted,
            RequestFailureKind::TooLarge => FailureKind::TooLarge,
            RequestFailureKind::Unauthorized => FailureKind::Unauthorized,
            RequestFailureKind::CircuitOpen => FailureKind::CircuitOpen,
        },
        message: failure.message,
        retry_after: failure
            .retry_after
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    }
}
