//! The platform for native tests of jobs: what a job sends through its driver arrives here, by no network.

use std::io;
use std::rc::Rc;

use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{Job, RequestFailure, RequestFailureKind, Response};
use tokio::runtime::Runtime;

use crate::{ClientRequest, Options, Simulator};

/// A platform in the process of a test that is not asynchronous.
pub struct JobPlatform {
    runtime: Rc<Runtime>,
    simulator: Simulator,
}

impl JobPlatform {
    /// Starts a platform.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = Rc::new(Runtime::new()?);
        let simulator = runtime.block_on(Simulator::start(options))?;
        Ok(Self { runtime, simulator })
    }

    /// The platform itself.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Has all requests of a job go to the platform, each with an idempotency key, as a host gives one where the job gives none.
    pub fn serve<J: Job>(&self, driver: &mut JobDriver<J>) {
        let (runtime, client) = (Rc::clone(&self.runtime), self.simulator.client());
        let mut sent = 0;
        driver.serve(move |request| {
            sent += 1;
            let mut headers = request.headers.clone();
            if headers.iter().all(|(name, _)| name != "idempotency-key") {
                headers.push(("idempotency-key".into(), format!("job-1/{sent}")));
            }
            let request = ClientRequest {
                method: request.method.to_string(),
                target: request.path.clone(),
                headers,
                body: request.body.clone(),
            };
            match runtime.block_on(client.send(&request)) {
                Ok(answer) => Ok(Response {
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                }),
                Err(message) => Err(RequestFailure {
                    kind: RequestFailureKind::Interrupted,
                    message,
                    retry_after: None,
                }),
            }
        });
    }

    /// How often a path was asked to bring something about, and did.
    pub fn performed(&self, path: &str) -> Vec<u32> {
        let effects = self.simulator.effects().into_iter();
        let effects = effects.filter(|effect| effect.path == path);
        effects.map(|effect| effect.performed).collect()
    }
}
