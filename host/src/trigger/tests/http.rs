use std::time::Duration;

use serde_json::json;

use super::{FakeJobs, Host, problem, read};
use crate::job::{Failure, Outcome, Problem, SubmitError};

const AGGREGATE: &str = r#"
[triggers.aggregate]
type = "http"
job = "aggregate"
path = "/aggregate"
"#;

fn with(options: &str) -> String {
    format!("{AGGREGATE}{options}")
}

fn failing(code: &str, status: Option<u16>, retry_after: Option<Duration>) -> FakeJobs {
    FakeJobs::ending(Outcome::Failed(Failure {
        code: code.into(),
        message: "the engine gave no result".into(),
        details: Some(r#"{"polls":15}"#.into()),
        status,
        retry_after,
    }))
}

#[tokio::test]
async fn a_request_is_answered_with_what_the_job_returns() {
    let jobs = FakeJobs::returning(r#"{"status":"success","rows":7}"#);
    let host = Host::start_with(AGGREGATE, jobs).await;
    let response = host
        .post("/aggregate", r#"{"limit":7}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["location"], "/jobs/job-1");
    assert_eq!(
        read(response).await,
        (200, json!({ "status": "success", "rows": 7 }))
    );
    let submissions = host.jobs.submissions();
    assert_eq!(submissions[0].job, "aggregate");
    assert_eq!(submissions[0].input, r#"{"limit":7}"#);
}

#[tokio::test]
async fn a_job_that_takes_longer_is_answered_with_its_url() {
    let host = Host::start(&with("wait = \"20ms\"")).await;
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(response.headers()["location"], "/jobs/job-1");
    assert_eq!(response.headers()["retry-after"], "1");
    let expected = json!({ "id": "job-1", "url": "/jobs/job-1" });
    assert_eq!(read(response).await, (202, expected));
}

#[tokio::test]
async fn the_url_of_a_job_shows_its_state_progress_and_output() {
    let host = Host::start(&with("answer = \"async\"")).await;
    host.post("/aggregate", "{}").send().await.unwrap();
    host.jobs.progress("job-1", "page 3 of 9");
    let response = host.get("/jobs/job-1").await;
    assert_eq!(response.headers()["retry-after"], "1");
    let (_, running) = read(response).await;
    assert_eq!(
        (&running["state"], &running["progress"]),
        (&json!("ready"), &json!("page 3 of 9"))
    );
    host.jobs
        .end("job-1", Outcome::Returned(br#"{"rows":7}"#.into()));
    let (status, done) = read(host.get("/jobs/job-1").await).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&done["state"], &done["output"]),
        (&json!("done"), &json!({ "rows": 7 }))
    );
}

#[tokio::test]
async fn a_caller_may_prefer_not_to_wait() {
    let host = Host::start(AGGREGATE).await;
    let request = host
        .post("/aggregate", "{}")
        .header("prefer", "respond-async");
    assert_eq!(request.send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn all_problems_of_an_input_are_in_one_answer() {
    let host = Host::start(AGGREGATE).await;
    let wrong = |field: &str, value: &str, allowed: &[&str]| Problem {
        field: field.into(),
        code: "out-of-range".into(),
        message: format!("{field} is out of range"),
        value: Some(value.into()),
        allowed: allowed.iter().map(|one| (*one).to_owned()).collect(),
    };
    host.jobs.refuse(SubmitError::Invalid(vec![
        wrong("limit", "0", &[]),
        wrong("metric[0]", "\"speed\"", &["journeyCompletionRate"]),
    ]));
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let (status, body) = read(response).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid-input")));
    assert_eq!(body["problems"][0]["value"], 0);
    assert_eq!(
        body["problems"][1],
        json!({
            "field": "metric[0]", "code": "out-of-range", "message": "metric[0] is out of range", "value": "speed",
            "allowed": ["journeyCompletionRate"],
        })
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_before_a_job_sees_it() {
    let host = Host::start(AGGREGATE).await;
    for body in ["", "{\"limit\": 7", "limit=7"] {
        let response = host.post("/aggregate", body).send().await.unwrap();
        assert_eq!(
            problem(response).await,
            (400, "malformed-json".into()),
            "{body}"
        );
    }
    let request = host.client.post(host.url("/aggregate")).body("limit=7");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        problem(request.send().await.unwrap()).await,
        (415, "not-json".into())
    );
    assert!(host.jobs.submissions().is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let host = Host::start(&with("maximum-body-bytes = 10")).await;
    let announced = host.post("/aggregate", r#"{"limit":7000}"#);
    assert_eq!(
        problem(announced.send().await.unwrap()).await,
        (413, "too-large".into())
    );
    let whole = host.post("/aggregate", r#"{"limit":7}"#);
    assert_eq!(whole.send().await.unwrap().status(), 413);
    let fits = host.post("/aggregate", r#"{"limit":}"#);
    assert_eq!(fits.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn other_methods_and_paths_are_told_apart() {
    let host = Host::start(AGGREGATE).await;
    let response = host.get("/aggregate").await;
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(problem(response).await, (405, "method-not-allowed".into()));
    assert_eq!(
        problem(host.get("/aggregated").await).await,
        (404, "not-found".into())
    );
    assert_eq!(
        problem(host.get("/jobs/job-9").await).await,
        (404, "unknown-job".into())
    );
}

#[tokio::test]
async fn a_key_makes_a_repeated_request_the_same_job() {
    let host = Host::start(&with("answer = \"async\"")).await;
    let keyed = |body| {
        host.post("/aggregate", body)
            .header("idempotency-key", "k-1")
    };
    assert_eq!(
        read(keyed("{}").send().await.unwrap()).await.1["id"],
        "job-1"
    );
    let again = keyed("{}").send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(read(again).await.1["id"], "job-1");
    let other = keyed("{\"limit\":1}").send().await.unwrap();
    assert_eq!(problem(other).await, (422, "idempotency-key-reused".into()));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let host = Host::start(AGGREGATE).await;
    for key in [" ", &"k".repeat(256)] {
        let request = host.post("/aggregate", "{}").header("idempotency-key", key);
        let response = request.send().await.unwrap();
        assert_eq!(
            problem(response).await,
            (400, "malformed-idempotency-key".into())
        );
    }
}

#[tokio::test]
async fn requests_beyond_the_room_are_told_when_to_come_again() {
    let host = Host::start(&with("concurrency = 1\nretry-after = \"7s\"")).await;
    let first = tokio::spawn(host.post("/aggregate", "{}").send());
    host.jobs.until(|jobs| !jobs.submissions().is_empty()).await;
    let second = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(second.headers()["retry-after"], "7");
    assert_eq!(problem(second).await, (503, "busy".into()));
    host.jobs.end("job-1", Outcome::Returned("{}".into()));
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_job_without_room_is_told_like_a_server_without() {
    let host = Host::start(AGGREGATE).await;
    host.jobs.refuse(SubmitError::Busy {
        job: "aggregate".into(),
        unfinished: 100,
    });
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(problem(response).await, (503, "busy".into()));
}

#[tokio::test]
async fn a_failure_is_answered_as_the_manifest_says() {
    let table = "failures = { query-timeout = 504, circuit-open = { status = 503, retry-after = \"30s\" } }";
    let host = Host::start_with(&with(table), failing("query-timeout", Some(500), None)).await;
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(response.headers()["location"], "/jobs/job-1");
    let (status, body) = read(response).await;
    assert_eq!((status, &body["code"]), (504, &json!("query-timeout")));
    assert_eq!(body["details"], json!({ "polls": 15 }));

    let host = Host::start_with(&with(table), failing("circuit-open", None, None)).await;
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (503, &"30".parse().unwrap())
    );
}

#[tokio::test]
async fn a_failure_may_say_itself_how_it_is_answered() {
    let wait = Some(Duration::from_millis(2_500));
    let host = Host::start_with(AGGREGATE, failing("engine-down", Some(502), wait)).await;
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (502, &"3".parse().unwrap())
    );
}

#[tokio::test]
async fn why_a_plugin_broke_off_is_not_told_to_callers() {
    let trapped = Outcome::Trapped {
        reason: "panicked at src/lib.rs:7: s3cret".into(),
        doing: "step 2".into(),
    };
    let host = Host::start_with(AGGREGATE, FakeJobs::ending(trapped)).await;
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(response.status(), 500);
    let told = response.text().await.unwrap();
    assert!(
        told.contains("\"trapped\"") && !told.contains("s3cret"),
        "{told}"
    );
}

#[tokio::test]
async fn callers_show_the_token_for_jobs_and_their_urls() {
    let secured = with("answer = \"async\"\nbearer-token = { env = \"TOKEN\" }");
    let host = Host::start(&secured).await;
    for (token, status) in [
        (None, 401),
        (Some("wrong"), 401),
        (Some("correct horse"), 202),
    ] {
        let request = host.post("/aggregate", "{}");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{token:?}");
    }
    let refused = host.get("/jobs/job-1").await;
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(refused).await.0, 401);
    let request = host
        .client
        .get(host.url("/jobs/job-1"))
        .bearer_auth("correct horse");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_get_gives_the_job_its_parameters() {
    let host = Host::start_with(&with("method = \"GET\""), FakeJobs::returning("[]")).await;
    let response = host.get("/aggregate?limit=5&name=a%20b").await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        host.jobs.submissions()[0].input,
        r#"{"limit":"5","name":"a b"}"#
    );
}
