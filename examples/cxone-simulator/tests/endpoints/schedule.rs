use std::time::Duration;

use cxone_simulator::{Fault, Options, Pace};
use reqwest::StatusCode;
use serde_json::{Value, json as object};

use super::platform::{Platform, is_forbidden_without, json, until, usual};

const PATH: &str = "/api/v2/reporting/schedules";

fn schedule() -> Value {
    object!({
        "reportId": "report_12345678-1234-1234-1234-123456789012",
        "name": "Daily Agent Performance Export",
        "frequency": "daily",
        "time": "02:00",
        "outputFormat": "csv",
        "deliveryMethod": "webhook",
        "deliveryUrl": "https://bi-platform.example.com/api/v1/callbacks/cxone",
        "incremental": true,
        "compression": "gzip",
        "partitionBy": "date",
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut schedule = schedule();
    schedule[member] = value;
    schedule
}

/// Makes a schedule and answers where its executions are.
async fn executions(platform: &Platform) -> String {
    let made = json(platform.post(PATH, &schedule()).await).await;
    format!("{PATH}/{}/executions?limit=1", made["id"].as_str().unwrap())
}

/// The statuses that polls see one after the other; "none" where there is no execution.
async fn statuses(platform: &Platform, path: &str, polls: u32) -> Vec<String> {
    let mut statuses = Vec::new();
    for _ in 0..polls {
        let items = platform.read(path).await["items"].take();
        let status = items[0]["status"].as_str().unwrap_or("none");
        statuses.push(status.to_owned());
    }
    statuses
}

#[tokio::test]
async fn a_schedule_is_made() {
    let platform = usual().await;
    let answer = platform.post(PATH, &schedule()).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert!(json(answer).await["id"].is_string());
}

#[tokio::test]
async fn an_execution_goes_on_from_poll_to_poll() {
    let platform = usual().await;
    let path = executions(&platform).await;
    let seen = statuses(&platform, &path, 5).await;
    assert_eq!(
        seen,
        ["none", "queued", "running", "completed", "completed"]
    );
}

#[tokio::test]
async fn an_execution_goes_on_with_the_clock_where_a_step_takes_time() {
    let pace = Pace::Every(Duration::ZERO);
    let platform = Platform::start(Options {
        pace,
        ..Options::default()
    })
    .await;
    let path = executions(&platform).await;
    assert_eq!(statuses(&platform, &path, 1).await, ["completed"]);
}

#[tokio::test]
async fn a_completed_execution_has_nearly_all_rows() {
    let platform = usual().await;
    let path = executions(&platform).await;
    statuses(&platform, &path, 3).await;
    let execution = platform.read(&path).await["items"][0].take();
    let rows = execution["rowCount"].as_u64().unwrap();
    assert!((2_450_000..=2_500_000).contains(&rows), "{rows}");
    assert!(execution["completedAt"].is_string());
}

#[tokio::test]
async fn the_rows_of_a_report_are_as_many_in_every_run() {
    let mut rows = Vec::new();
    for _ in 0..2 {
        let platform = usual().await;
        let path = executions(&platform).await;
        statuses(&platform, &path, 3).await;
        rows.push(platform.read(&path).await["items"][0]["rowCount"].take());
    }
    assert_eq!(rows[0], rows[1]);
}

#[tokio::test]
async fn an_execution_that_is_planned_to_fail_fails() {
    let platform = usual().await;
    platform.simulator.plan(PATH, 1, Fault::Fail);
    let path = executions(&platform).await;
    let seen = statuses(&platform, &path, 4).await;
    assert_eq!(seen.last().unwrap(), "failed");
}

#[tokio::test]
async fn an_execution_that_is_planned_to_stall_never_ends() {
    let platform = usual().await;
    platform.simulator.plan(PATH, 1, Fault::Stall);
    let path = executions(&platform).await;
    let seen = statuses(&platform, &path, 10).await;
    assert_eq!(seen.last().unwrap(), "running");
}

#[tokio::test]
async fn the_delivery_url_is_told_once_of_a_completed_execution() {
    let platform = usual().await;
    let path = executions(&platform).await;
    statuses(&platform, &path, 6).await;
    until(|| !platform.simulator.callbacks().is_empty()).await;
    let callbacks = platform.simulator.callbacks();
    assert_eq!(callbacks.len(), 1);
    assert_eq!(callbacks[0].status, Some(200));
    assert_eq!(callbacks[0].body["status"], "completed");
}

#[tokio::test]
async fn each_rule_is_kept() {
    let platform = usual().await;
    for (member, wrong) in [
        ("frequency", object!("hourly")),
        ("time", object!("24:00")),
        ("outputFormat", object!("pdf")),
        ("compression", object!("zip")),
        ("deliveryMethod", object!("ftp")),
        ("deliveryUrl", object!("http://bi-platform.example.com/")),
        ("partitionBy", object!("agent")),
        ("incremental", object!("yes")),
        ("reportId", object!("")),
        ("name", Value::Null),
    ] {
        let refused = platform.fields_refused(PATH, &with(member, wrong)).await;
        assert_eq!(refused, [member]);
    }
}

#[tokio::test]
async fn all_problems_come_in_one_answer_with_what_would_be_right() {
    let platform = usual().await;
    let mut wrong = with("frequency", object!("hourly"));
    wrong["time"] = object!("2am");
    let answer = json(platform.post(PATH, &wrong).await).await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0]["value"], "hourly");
    assert_eq!(
        errors[0]["allowed"],
        object!(["daily", "weekly", "monthly"])
    );
}

#[tokio::test]
async fn only_reports_that_say_so_can_be_incremental() {
    let platform = usual().await;
    let refused = platform
        .fields_refused(PATH, &with("reportId", object!("agents")))
        .await;
    assert_eq!(refused, ["incremental"]);
}

#[tokio::test]
async fn a_schedule_that_does_not_exist_has_no_executions() {
    let platform = usual().await;
    let path = format!("{PATH}/another/executions");
    let answer = platform.get(&path, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_limit_that_is_none_is_refused() {
    let platform = usual().await;
    let path = executions(&platform).await.replace("limit=1", "limit=0");
    let answer = platform.get(&path, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn each_request_asks_for_its_scope() {
    let schedule = schedule();
    is_forbidden_without("reporting:schedules:write", PATH, Some(&schedule)).await;
    is_forbidden_without("reporting:reports:read", PATH, Some(&schedule)).await;
    let path = format!("{PATH}/any/executions");
    is_forbidden_without("reporting:schedules:read", &path, None).await;
}
