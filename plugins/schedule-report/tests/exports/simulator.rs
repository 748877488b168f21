//! The job against the simulator: what it asks for is what a platform understands.

use std::rc::Rc;

use cxone_simulator::{ClientRequest, Fault, FaultRates, Options, Simulator};
use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{RequestFailure, RequestFailureKind, Response};
use schedule_report::ScheduleReport;
use serde_json::json;
use tokio::runtime::Runtime;

use super::scenario::{audit, request};

struct Platform {
    runtime: Rc<Runtime>,
    simulator: Simulator,
}

impl Platform {
    fn start(options: Options) -> Self {
        let runtime = Rc::new(Runtime::new().unwrap());
        let simulator = runtime.block_on(Simulator::start(options)).unwrap();
        Self { runtime, simulator }
    }

    /// A job whose requests all go to the simulator.
    fn driver(&self) -> JobDriver<ScheduleReport> {
        let (runtime, client) = (Rc::clone(&self.runtime), self.simulator.client());
        let mut driver = JobDriver::new("{}").unwrap();
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
        driver
    }

    /// How often a path was asked to bring something about, and did.
    fn performed(&self, path: &str) -> Vec<u32> {
        let effects = self.simulator.effects().into_iter();
        let effects = effects.filter(|effect| effect.path == path);
        effects.map(|effect| effect.performed).collect()
    }
}

#[test]
fn an_export_is_made_and_told_of() {
    let platform = Platform::start(Options::default());
    let mut driver = platform.driver();
    let exported = driver.run(&request()).unwrap();
    let score = exported["dataCompletenessScore"].as_f64().unwrap();
    assert!((0.98..=1.0).contains(&score), "{score}");
    assert_eq!(exported["webhook"], "delivered");
    assert_eq!(audit(&mut driver)["status"], "SUCCESS");
    assert_eq!(platform.performed("/api/v2/reporting/schedules"), [1]);
    assert_eq!(platform.performed("/api/v1/refresh/cxone-export"), [1]);
}

#[test]
fn an_export_that_fails_is_not_told_of() {
    let platform = Platform::start(Options::default());
    platform
        .simulator
        .plan("/api/v2/reporting/schedules", 1, Fault::Fail);
    let mut driver = platform.driver();
    assert_eq!(driver.run(&request()).unwrap_err().code, "export-failed");
    assert_eq!(audit(&mut driver)["status"], "FAILURE");
    assert!(
        platform
            .performed("/api/v1/refresh/cxone-export")
            .is_empty()
    );
}

#[test]
fn whatever_goes_wrong_by_chance_the_schedule_is_made_once() {
    for seed in 1..=20 {
        let platform = Platform::start(Options::default());
        let rates: FaultRates = serde_json::from_value(json!({
            "seed": seed, "server-error": 0.2, "rate-limited": 0.1, "cut": 0.1, "malformed": 0.1, "answer-lost": 0.1, "path": "/api",
        }))
        .unwrap();
        platform.simulator.set_fault_rates(Some(rates)).unwrap();
        let mut driver = platform.driver();
        driver.run(&request()).unwrap();
        assert_eq!(
            platform.performed("/api/v2/reporting/schedules"),
            [1],
            "{seed}"
        );
        assert_eq!(
            platform.performed("/api/v1/refresh/cxone-export"),
            [1],
            "{seed}"
        );
        assert_eq!(audit(&mut driver)["status"], "SUCCESS");
    }
}
