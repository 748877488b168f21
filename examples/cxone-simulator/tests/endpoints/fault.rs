use cxone_simulator::{Fault, Options};
use reqwest::StatusCode;

use super::platform::{ACTION_PATH, Platform, TOKEN_PATH};

#[tokio::test]
async fn a_planned_fault_meets_as_many_requests_as_it_was_planned_for() {
    let platform = Platform::start(Options::default()).await;
    let token = platform.token().await;
    platform.simulator.plan(ACTION_PATH, 2, Fault::status(500));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(platform.get(ACTION_PATH, &token).await.status().as_u16());
    }
    assert_eq!(statuses, [500, 500, 200]);
}

#[tokio::test]
async fn faults_are_met_in_the_order_of_the_plan() {
    let platform = Platform::start(Options::default()).await;
    let token = platform.token().await;
    let retry_after = Some("Sun, 06 Nov 1994 08:49:37 GMT".into());
    let limited = Fault::Status {
        status: 429,
        retry_after,
    };
    platform.simulator.plan("/api", 1, Fault::answer(200, "{"));
    platform.simulator.plan(ACTION_PATH, 1, limited);
    let malformed = platform.get(ACTION_PATH, &token).await;
    assert_eq!(malformed.text().await.unwrap(), "{");
    let limited = platform.get(ACTION_PATH, &token).await;
    assert_eq!(
        limited.headers()["retry-after"],
        "Sun, 06 Nov 1994 08:49:37 GMT"
    );
}

#[tokio::test]
async fn a_fault_leaves_other_paths_alone() {
    let platform = Platform::start(Options::default()).await;
    platform.simulator.plan(ACTION_PATH, 1, Fault::status(500));
    assert!(platform.token().await.starts_with("cxs-"));
}

#[tokio::test]
async fn a_cut_answer_does_not_arrive_whole() {
    let platform = Platform::start(Options::default()).await;
    platform.simulator.plan(TOKEN_PATH, 1, Fault::Cut);
    let request = platform.token_request("demo-secret", "grant_type=client_credentials");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.is_err());
}

#[tokio::test]
async fn a_delayed_answer_ends_with_the_simulator() {
    let platform = Platform::start(Options::default()).await;
    let an_hour = Fault::Delay {
        milliseconds: 3_600_000,
    };
    platform.simulator.plan(TOKEN_PATH, 1, an_hour);
    let request = platform.token_request("demo-secret", "grant_type=client_credentials");
    let answer = tokio::spawn(request.send());
    while platform.simulator.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    platform.simulator.shutdown().await;
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn faults_can_be_planned_from_outside() {
    let platform = Platform::start(Options::default()).await;
    let plan =
        r#"{"path":"/oauth/token","fault":{"kind":"status","status":429,"retry-after":"7"}}"#;
    let planned = platform.client.post(platform.url("/__faults"));
    let planned = planned
        .header("content-type", "application/json")
        .body(plan);
    assert_eq!(
        planned.send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );

    let request = platform.token_request("demo-secret", "grant_type=client_credentials");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "7");
}

#[tokio::test]
async fn a_fault_of_an_unknown_kind_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let plan = r#"{"path":"/","fault":{"kind":"explode"}}"#;
    let planned = platform.client.post(platform.url("/__faults"));
    let planned = planned
        .header("content-type", "application/json")
        .body(plan);
    let answer = planned.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_fault_can_wait_for_a_method() {
    let platform = Platform::start(Options::default()).await;
    let plan = r#"{"path":"/","method":"PUT","fault":{"kind":"status","status":500}}"#;
    let planned = platform.client.post(platform.url("/__faults"));
    let planned = planned
        .header("content-type", "application/json")
        .body(plan);
    planned.send().await.unwrap();
    assert!(platform.token().await.starts_with("cxs-"));
    let put = platform.client.put(platform.url("/lake/object")).body("x");
    assert_eq!(
        put.send().await.unwrap().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn a_malformed_answer_arrives_whole_and_is_no_json() {
    let platform = Platform::start(Options::default()).await;
    platform.simulator.plan(ACTION_PATH, 1, Fault::Malformed);
    let answer = platform.get(ACTION_PATH, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());
}

#[tokio::test]
async fn a_lost_answer_is_a_bad_gateway() {
    let platform = Platform::start(Options::default()).await;
    platform.simulator.plan(ACTION_PATH, 1, Fault::AnswerLost);
    let answer = platform.get(ACTION_PATH, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
}
