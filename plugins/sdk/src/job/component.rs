//! The contract of jobs with the host, as a component: everything here is for the macro [`job!`](crate::job!) to use.

use std::cell::RefCell;
use std::time::Duration;

use super::{
    Failure, Job, Method, Problem, Request, RequestFailure, RequestFailureKind, Response,
    Savepoint, Steps, Workflow,
};
use crate::{configuration, log};
use wit::exports::jackfield::plugin::job::{self as contract, Guest};
use wit::jackfield::plugin::{http, workflow};

#[expect(missing_docs, reason = "generated")]
#[allow(
    unsafe_code,
    clippy::all,
    reason = "generated: the canonical ABI is spoken in pointers"
)]
pub mod wit {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "job-plugin",
        pub_export_macro: true,
        default_bindings_module: "jackfield_sdk::job::component::wit",
    });
}

/// What there is of a component: what the author wrote, and which of its outputs are read.
pub struct Configured<J> {
    job: J,
    connected: Vec<bool>,
}

/// The one instance of a component.
pub type Instance<J> = RefCell<Option<Configured<J>>>;

/// A plugin as the macro makes it: where its instance is, and what it is called.
pub trait Plugin {
    /// What the author wrote.
    type Job: Job;
    /// The name of the crate.
    const NAME: &'static str;
    /// The version of the crate.
    const VERSION: &'static str;
    /// Calls `use_instance` with the instance.
    fn with_instance<R>(use_instance: impl FnOnce(&Instance<Self::Job>) -> R) -> R;
}

fn with_job<P: Plugin, R>(use_job: impl FnOnce(&Configured<P::Job>) -> R) -> R {
    P::with_instance(|instance| match instance.borrow().as_ref() {
        Some(configured) => use_job(configured),
        None => panic!("the host has to call `configure` first"),
    })
}

impl<P: Plugin> Guest for P {
    fn describe() -> contract::Description {
        const { assert!(super::are_outputs(<P as Plugin>::Job::OUTPUTS)) };
        contract::Description {
            name: P::NAME.to_owned(),
            version: P::VERSION.to_owned(),
            outputs: P::Job::OUTPUTS
                .iter()
                .map(|port| port.name().to_owned())
                .collect(),
            state_version: P::Job::STATE_VERSION,
            oldest_state_version: P::Job::OLDEST_STATE_VERSION,
            configuration: configuration::schema::<<P::Job as Job>::Configuration>(),
        }
    }

    fn configure(configuration: String, connected: Vec<u32>) -> Result<(), String> {
        std::panic::set_hook(Box::new(|panic| log::error(panic)));
        let configuration = configuration::parse(&configuration)?;
        let configured = Configured {
            job: P::Job::new(configuration)?,
            connected: (0..)
                .take(P::Job::OUTPUTS.len())
                .map(|port| connected.contains(&port))
                .collect(),
        };
        P::with_instance(|instance| *instance.borrow_mut() = Some(configured));
        Ok(())
    }

    fn validate(input: Vec<u8>) -> Result<(), Vec<contract::Problem>> {
        with_job::<P, _>(|configured| super::validate(&configured.job, &input))
            .map(drop)
            .map_err(|problems| problems.into_iter().map(to_problem).collect())
    }

    fn run(
        input: Vec<u8>,
        resume: Option<contract::Savepoint>,
    ) -> Result<Vec<u8>, contract::Failure> {
        let savepoint = resume.map(|from| Savepoint::new(from.version, from.state));
        with_job::<P, _>(|configured| {
            let mut steps = Host;
            let mut workflow = Workflow::new(&mut steps, &configured.connected, savepoint);
            super::run(&configured.job, &input, &mut workflow)
        })
        .map_err(to_failure)
    }
}

/// The steps of the host.
struct Host;

impl Steps for Host {
    fn send_all(
        &mut self,
        requests: Vec<Request>,
        width: u32,
    ) -> Vec<Result<Response, RequestFailure>> {
        let requests: Vec<_> = requests.into_iter().map(to_request).collect();
        let responses = http::send_all(&requests, width);
        responses
            .into_iter()
            .map(|response| response.map(from_response).map_err(from_failure))
            .collect()
    }

    fn now(&mut self) -> i64 {
        workflow::now()
    }

    fn random(&mut self) -> u64 {
        workflow::random()
    }

    fn sleep(&mut self, milliseconds: u64) {
        workflow::sleep(milliseconds);
    }

    fn expect(&mut self, trigger: &str, correlation: Option<&str>) {
        workflow::expect(trigger, correlation);
    }

    fn await_callback(
        &mut self,
        trigger: &str,
        correlation: &str,
        timeout: Option<u64>,
    ) -> Option<Vec<u8>> {
        workflow::await_callback(trigger, correlation, timeout)
    }

    fn emit(&mut self, port: u32, records: Vec<Vec<u8>>) {
        workflow::emit(port, &records);
    }

    fn progress(&mut self, text: &str) {
        workflow::progress(text);
    }

    fn save(&mut self, state: Vec<u8>) {
        workflow::save(&state);
    }
}

fn to_request(request: Request) -> http::Request {
    http::Request {
        connection: request.connection,
        method: match request.method {
            Method::Get => http::Method::Get,
            Method::Head => http::Method::Head,
            Method::Post => http::Method::Post,
            Method::Put => http::Method::Put,
            Method::Patch => http::Method::Patch,
            Method::Delete => http::Method::Delete,
        },
        path: request.path,
        headers: request
            .headers
            .into_iter()
            .map(|(name, value)| http::Header { name, value })
            .collect(),
        body: request.body,
    }
}

fn from_response(response: http::Response) -> Response {
    let header = |header: http::Header| (header.name, header.value);
    Response {
        status: response.status,
        headers: response.headers.into_iter().map(header).collect(),
        body: response.body,
    }
}

fn from_failure(failure: http::Failure) -> RequestFailure {
    use http::FailureKind;
    RequestFailure {
        kind: match failure.kind {
            FailureKind::Refused => RequestFailureKind::Refused,
            FailureKind::Unreachable => RequestFailureKind::Unreachable,
            FailureKind::Timeout => RequestFailureKind::Timeout,
            FailureKind::Interrupted => RequestFailureKind::Interrupted,
            FailureKind::TooLarge => RequestFailureKind::TooLarge,
            FailureKind::Unauthorized => RequestFailureKind::Unauthorized,
            FailureKind::CircuitOpen => RequestFailureKind::CircuitOpen,
        },
        message: failure.message,
        retry_after: failure.retry_after.map(Duration::from_millis),
    }
}

fn to_problem(problem: Problem) -> contract::Problem {
    contract::Problem {
        field: problem.field,
        code: problem.code,
        message: problem.message,
        value: problem.value,
        allowed: problem.allowed,
    }
}

fn to_failure(failure: Failure) -> contract::Failure {
    contract::Failure {
        code: failure.code,
        message: failure.message,
        details: failure.details,
        status: failure.status,
        retry_after: failure
            .retry_after
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    }
}
