use std::num::NonZeroU32;

use cxone_simulator::{Options, RetryAfter};
use reqwest::StatusCode;

use super::platform::{ACTION_PATH, Platform, TOKEN_PATH, json, usual};

#[tokio::test]
async fn requests_are_recorded_without_credentials() {
    let platform = Platform::start(Options::default()).await;
    let form = "grant_type=client_credentials";
    platform
        .token_request("demo-secret", form)
        .send()
        .await
        .unwrap();
    let recorded = platform.simulator.requests().remove(0);
    assert_eq!(
        (recorded.method.as_str(), recorded.path.as_str()),
        ("POST", TOKEN_PATH)
    );
    assert_eq!(recorded.authorization.as_deref(), Some("Basic"));
    assert!(!recorded.headers.contains_key("authorization"));
    assert_eq!((recorded.body.as_str(), recorded.status), (form, Some(200)));
}

#[tokio::test]
async fn requests_can_be_asked_for() {
    let platform = Platform::start(Options::default()).await;
    platform.get("/nothing?x=1", "invented").await;
    let asked = platform.client.get(platform.url("/__requests"));
    let requests = json(asked.send().await.unwrap()).await;
    assert_eq!(requests[0]["path"], "/nothing?x=1");
    assert_eq!(requests[0]["status"], 404);
    assert_eq!(requests.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_path_that_the_platform_does_not_have_is_not_found() {
    let platform = Platform::start(Options::default()).await;
    let answer = platform
        .get("/api/v2/agents", &platform.token().await)
        .await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_rate_limit_says_when_to_come_back() {
    let rate_limit = Some(NonZeroU32::MIN);
    let options = Options {
        rate_limit,
        ..Options::default()
    };
    let platform = Platform::start(options).await;
    let token = platform.token().await;
    let answer = platform.get(ACTION_PATH, &token).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "1");
}

#[tokio::test]
async fn the_secret_in_a_form_is_not_recorded() {
    let platform = usual().await;
    let form = "client_id=demo-client&client_secret=demo-secret&grant_type=client_credentials";
    let request = platform.client.post(platform.url(TOKEN_PATH));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(form).send().await.unwrap();
    let recorded = platform.simulator.requests().remove(0);
    assert_eq!(
        recorded.body,
        "client_id=demo-client&client_secret=…&grant_type=client_credentials"
    );
}

#[tokio::test]
async fn a_request_is_recorded_with_key_digest_and_time() {
    let platform = usual().await;
    let request = platform.client.post(platform.url("/webhook/any")).body("");
    request
        .header("idempotency-key", "key")
        .send()
        .await
        .unwrap();
    let recorded = platform.simulator.requests().remove(0);
    assert_eq!(recorded.idempotency_key.as_deref(), Some("key"));
    assert!(recorded.body_sha256.starts_with("e3b0c442"));
    assert!(recorded.time.ends_with('Z'));
}

#[tokio::test]
async fn only_the_latest_requests_are_kept() {
    let kept_requests = 2;
    let platform = Platform::start(Options {
        kept_requests,
        ..Options::default()
    })
    .await;
    for path in ["/1", "/2", "/3"] {
        platform.get(path, "invented").await;
    }
    let requests = platform.simulator.requests();
    let kept: Vec<_> = requests
        .iter()
        .map(|request| (request.path.as_str(), request.status))
        .collect();
    assert_eq!(kept, [("/2", Some(404)), ("/3", Some(404))]);
}

#[tokio::test]
async fn requests_can_be_forgotten() {
    let platform = usual().await;
    platform.get("/1", "invented").await;
    let delete = platform.client.delete(platform.url("/__requests"));
    delete.send().await.unwrap();
    assert_eq!(platform.simulator.requests(), []);
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused() {
    let platform = usual().await;
    let delete = platform.client.delete(platform.url(ACTION_PATH));
    let answer = delete.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(json(answer).await["error"], "method_not_allowed");
}

#[tokio::test]
async fn the_rate_limit_can_name_a_date_or_nothing() {
    for (retry_after, names) in [(RetryAfter::Date, Some("GMT")), (RetryAfter::Absent, None)] {
        let rate_limit = Some(NonZeroU32::MIN);
        let platform = Platform::start(Options {
            rate_limit,
            retry_after,
            ..Options::default()
        })
        .await;
        let token = platform.token().await;
        let answer = platform.get(ACTION_PATH, &token).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        let header = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap());
        assert_eq!(header.map(|text| &text[text.len() - 3..]), names);
    }
}

#[tokio::test]
async fn neighbours_have_no_rate_limit() {
    let rate_limit = Some(NonZeroU32::MIN);
    let platform = Platform::start(Options {
        rate_limit,
        ..Options::default()
    })
    .await;
    for _ in 0..3 {
        let put = platform.client.put(platform.url("/lake/object")).body("x");
        assert_eq!(put.send().await.unwrap().status(), StatusCode::OK);
    }
}
