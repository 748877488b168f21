//! A query as the document has it, and the answers of an engine.

use jackfield_sdk::testing::{JobDriver, Received};
use jackfield_sdk::{Failure, Method, Response};
use query_journeys::QueryJourneys;
use serde_json::{Value, json};

pub const ANALYTICS: &str = "/api/v2/reporting/analytics";
pub const RESULT: &str = "/api/v2/reporting/analytics/query_7";
pub const WEBHOOK: &str = "/webhook/bi";

pub fn query() -> Value {
    json!({
        "reportType": "journey",
        "metric": ["journeyCompletionRate", "journeyDropOffRate"],
        "dimension": ["journeyId", "date"],
        "filter": {"channel": ["chat", "voice"]},
        "timeGroupBy": "day",
        "dateFrom": "2025-01-01",
        "dateTo": "2025-01-03",
        "limit": 1000,
    })
}

pub fn with(member: &str, value: Value) -> Value {
    let mut query = query();
    query[member] = value;
    query
}

pub fn driver_of(configuration: &Value) -> JobDriver<QueryJourneys> {
    JobDriver::new(&configuration.to_string()).unwrap()
}

/// A job whose query is taken, with a result at [`RESULT`], and whose webhook is heard.
pub fn driver() -> JobDriver<QueryJourneys> {
    taking(driver_of(&json!({"webhook-path": WEBHOOK})))
}

pub fn taking(mut driver: JobDriver<QueryJourneys>) -> JobDriver<QueryJourneys> {
    driver.respond(Method::Post, ANALYTICS, accepted(RESULT));
    driver.respond(Method::Post, WEBHOOK, Response::of(200));
    driver
}

pub fn accepted(location: &str) -> Response {
    Response::of(202).with_header("Location", location)
}

pub fn row(day: &str, completion: impl Into<Value>, drop_off: impl Into<Value>) -> Value {
    json!({"journeyId": "j1", "date": day, "journeyCompletionRate": completion.into(), "journeyDropOffRate": drop_off.into()})
}

/// One row for each day of the query.
pub fn rows() -> Vec<Value> {
    let days = ["2025-01-01", "2025-01-02", "2025-01-03"];
    days.map(|day| row(day, 0.5, 0.2)).into()
}

/// A page with these rows, and the token of the next.
pub fn page(rows: &[Value], next: Option<&str>) -> Response {
    let mut page = json!({"queryId": "query_7", "status": "completed", "data": rows});
    if let Some(next) = next {
        page["nextPageToken"] = next.into();
    }
    Response::of_json(200, &page)
}

pub fn see(driver: &mut JobDriver<QueryJourneys>, answer: Response) {
    driver.respond(Method::Get, RESULT, answer);
}

/// What a job fails with whose polls are answered so.
pub fn failing(answers: impl IntoIterator<Item = Response>) -> (Failure, JobDriver<QueryJourneys>) {
    let mut driver = driver();
    for answer in answers {
        see(&mut driver, answer);
    }
    (driver.run(&query()).unwrap_err(), driver)
}

/// The one record of a port.
pub fn only(driver: &mut JobDriver<QueryJourneys>, port: &str) -> Value {
    let records = driver.take(port);
    assert_eq!(records.len(), 1, "{port}");
    Received::json(&records[0])
}

/// The body of the request to the webhook.
pub fn handed_on(driver: &JobDriver<QueryJourneys>) -> Value {
    let mut requests = driver.requests().iter();
    let told = requests.find(|request| request.connection == "bi");
    told.unwrap().body_json()
}

/// How many polls were made.
pub fn polls(driver: &JobDriver<QueryJourneys>) -> usize {
    let requests = driver.requests().iter();
    requests
        .filter(|request| request.method == Method::Get)
        .count()
}
