//! An export as the document has it, and the answers of a platform that makes it.

use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{Method, Response};
use schedule_report::ScheduleReport;
use serde_json::{Value, json};

pub const SCHEDULES: &str = "/api/v2/reporting/schedules";
pub const EXECUTIONS: &str = "/api/v2/reporting/schedules/schedule_7/executions?limit=1";
pub const WEBHOOK: &str = "/api/v1/refresh/cxone-export";

pub fn request() -> Value {
    json!({
        "reportId": "report_12345678-1234-1234-1234-123456789012",
        "name": "Daily Agent Performance Export",
        "frequency": "daily",
        "time": "02:00",
        "outputFormat": "csv",
        "incremental": true,
        "compression": "gzip",
        "deliveryUrl": "https://bi-platform.example.com/api/v1/callbacks/cxone",
        "expectedRows": 2_500_000,
    })
}

pub fn with(member: &str, value: Value) -> Value {
    let mut request = request();
    request[member] = value;
    request
}

/// A job whose schedule can be made, and whose webhook is heard.
pub fn driver() -> JobDriver<ScheduleReport> {
    driver_of("{}")
}

pub fn driver_of(configuration: &str) -> JobDriver<ScheduleReport> {
    let mut driver = JobDriver::new(configuration).unwrap();
    let created = json!({"id": "schedule_7", "status": "active"});
    driver.respond(Method::Post, SCHEDULES, Response::of_json(201, &created));
    driver.respond(Method::Post, WEBHOOK, Response::of(200));
    driver
}

/// A list with one execution, or none.
pub fn executions(items: Value) -> Response {
    Response::of_json(200, &json!({ "items": items }))
}

pub fn running(status: &str) -> Response {
    executions(json!([{"id": "execution_1", "scheduleId": "schedule_7", "status": status}]))
}

pub fn completed(rows: u64) -> Response {
    let execution = json!({"id": "execution_1", "scheduleId": "schedule_7", "status": "completed", "rowCount": rows});
    executions(json!([execution]))
}

pub fn see(driver: &mut JobDriver<ScheduleReport>, answer: Response) {
    driver.respond(Method::Get, EXECUTIONS, answer);
}

/// The one entry that a job leaves.
pub fn audit(driver: &mut JobDriver<ScheduleReport>) -> Value {
    let entries = driver.take("audit");
    assert_eq!(entries.len(), 1);
    serde_json::from_slice(&entries[0].value).unwrap()
}

/// How many requests of this method were made.
pub fn count(driver: &JobDriver<ScheduleReport>, method: Method) -> usize {
    let requests = driver.requests().iter();
    requests.filter(|request| request.method == method).count()
}
