//! Jobs, natively: what the driver holds them to.

use std::cell::Cell;
use std::time::Duration;

use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{
    Failure, Job, Method, NoConfiguration, Request, RequestFailure, RequestFailureKind, Response,
    Workflow,
};
use serde_json::{Value, json};

/// Adds up the pages of a list, and saves after each.
struct Pages;

impl Job for Pages {
    type Configuration = NoConfiguration;
    type Input = u32;
    type Output = u64;

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn run(&self, pages: u32, workflow: &mut Workflow<'_>) -> Result<u64, Failure> {
        let (mut page, mut sum) = match workflow.savepoint() {
            Some(savepoint) => savepoint.decode()?,
            None => (0, 0),
        };
        while page < pages {
            let number: u64 = workflow
                .connection("list")
                .get("/pages")
                .query("page", page)
                .send()?
                .success()?
                .json()?;
            page += 1;
            sum += number;
            workflow.save(&(page, sum))?;
        }
        Ok(sum)
    }
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// Asks for something else each time that it runs.
struct Fickle;

impl Job for Fickle {
    type Configuration = NoConfiguration;
    type Input = Value;
    type Output = ();

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn run(&self, _: Value, workflow: &mut Workflow<'_>) -> Result<(), Failure> {
        let runs = RUNS.replace(RUNS.get() + 1);
        workflow.sleep(Duration::from_secs(runs.into()));
        Ok(())
    }
}

#[test]
fn a_job_goes_on_from_its_savepoint() {
    let mut driver = JobDriver::<Pages>::new("{}").unwrap();
    driver.serve(|request| {
        Ok(Response::of_json(
            200,
            &u64::from(request.path.ends_with('1')),
        ))
    });
    driver.resume_from(1, &(1_u32, 100_u64));
    assert_eq!(driver.run(&3).unwrap(), json!(101));
    assert_eq!(driver.requests()[0].path, "/pages?page=1");
}

#[test]
fn answers_are_given_in_order_and_the_last_one_stands() {
    let mut driver = JobDriver::<Pages>::new("{}").unwrap();
    driver.respond(Method::Get, "/pages?page=0", Response::of_json(200, &5));
    driver.respond(Method::Get, "/pages?page=1", Response::of(404));
    let failure = driver.run(&2).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("unexpected-status", Some(502))
    );
}

#[test]
fn a_request_that_comes_to_nothing_is_a_failure_with_a_status() {
    let mut driver = JobDriver::<Pages>::new("{}").unwrap();
    let failure = RequestFailure {
        kind: RequestFailureKind::CircuitOpen,
        message: "the breaker is open".to_owned(),
        retry_after: Some(Duration::from_secs(30)),
    };
    driver.fail(Method::Get, "/pages?page=0", failure);
    let failure = driver.run(&2).unwrap_err();
    assert_eq!(failure.status, Some(503));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
}

#[test]
#[should_panic(expected = "asked for something else in step 0")]
fn a_job_that_asks_for_something_else_when_it_is_run_again_is_found_out() {
    let mut driver = JobDriver::<Fickle>::new("{}").unwrap();
    let _ = driver.run(&json!(null));
}

#[test]
#[should_panic(expected = "nothing is scripted that answers GET list:/pages?page=0")]
fn a_request_that_nobody_answers_is_said() {
    let _ = JobDriver::<Pages>::new("{}").unwrap().run(&1);
}

#[test]
fn what_goes_into_a_query_is_escaped() {
    let request = Request::get("c", "/a").query("q", "a b&c").query("ü", 1);
    assert_eq!(request.path, "/a?q=a%20b%26c&%C3%BC=1");
}
