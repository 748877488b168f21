//! What the simulated platform answers, over loopback.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails where the surprise is"
)]

use std::num::NonZeroU32;
use std::time::Duration;

use cxone_simulator::{Fault, Options, RecordedRequest, Simulator};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

const TOKEN_PATH: &str = "/oauth/token";
const ACTION_PATH: &str = "/api/v2/data-actions/cxone-data-actions";

/// A client and the simulator that it talks to.
struct Platform {
    simulator: Simulator,
    client: Client,
}

impl Platform {
    async fn start(options: Options) -> Self {
        // Another test may have chosen the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            simulator: Simulator::start(options).await.unwrap(),
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn url(&self, path: &str) -> String {
        self.simulator.url() + path
    }

    fn token_request(&self, secret: &str, form: &'static str) -> RequestBuilder {
        let post = self.client.post(self.url(TOKEN_PATH));
        post.basic_auth("demo-client", Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    /// A token for whatever the client may have.
    async fn token(&self) -> String {
        let request = self.token_request("demo-secret", "grant_type=client_credentials");
        let answer = json(request.send().await.unwrap()).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str, token: &str) -> Response {
        let get = self.client.get(self.url(path)).bearer_auth(token);
        get.send().await.unwrap()
    }
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_right_credentials_get_a_token() {
    let platform = Platform::start(Options::default()).await;
    let request = platform.token_request("demo-secret", "grant_type=client_credentials");
    let answer = json(request.send().await.unwrap()).await;
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["scope"], "data_actions:read");
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let platform = Platform::start(Options::default()).await;
    let request = platform.token_request("wrong", "grant_type=client_credentials");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(json(answer).await["error"], "invalid_client");
}

#[tokio::test]
async fn no_credentials_are_refused() {
    let platform = Platform::start(Options::default()).await;
    let form = [("grant_type", "client_credentials")];
    let request = platform.client.post(platform.url(TOKEN_PATH)).form(&form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_the_client_credentials_grant_is_known() {
    let platform = Platform::start(Options::default()).await;
    for (form, error) in [
        ("grant_type=password", "unsupported_grant_type"),
        ("scope=data_actions%3Aread", "invalid_request"),
    ] {
        let request = platform.token_request("demo-secret", form);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(json(answer).await["error"], error);
    }
}

#[tokio::test]
async fn a_token_carries_those_of_the_requested_scopes_that_the_client_may_have() {
    let scopes = vec!["data_actions:read".into(), "agents:read".into()];
    let options = Options {
        scopes,
        ..Options::default()
    };
    let platform = Platform::start(options).await;
    let form = "grant_type=client_credentials&scope=agents%3Aread+agents%3Awrite";
    let request = platform.token_request("demo-secret", form);
    let answer = json(request.send().await.unwrap()).await;
    assert_eq!(answer["scope"], "agents:read");
}

#[tokio::test]
async fn a_data_action_that_exists_is_described() {
    let platform = Platform::start(Options::default()).await;
    let answer = platform.get(ACTION_PATH, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(json(answer).await["id"], "cxone-data-actions");
}

#[tokio::test]
async fn a_data_action_that_does_not_exist_is_not_found() {
    let platform = Platform::start(Options::default()).await;
    let path = "/api/v2/data-actions/another";
    let answer = platform.get(path, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
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
async fn a_token_without_the_scope_is_forbidden() {
    let options = Options {
        scopes: Vec::new(),
        ..Options::default()
    };
    let platform = Platform::start(options).await;
    let answer = platform.get(ACTION_PATH, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(json(answer).await["error"], "insufficient_scope");
}

#[tokio::test]
async fn a_token_that_was_never_issued_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let answer = platform.get(ACTION_PATH, "invented").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = &answer.headers()["www-authenticate"];
    assert_eq!(challenge, r#"Bearer error="invalid_token""#);
}

#[tokio::test]
async fn a_token_that_has_expired_is_refused() {
    let token_lifetime = Duration::ZERO;
    let options = Options {
        token_lifetime,
        ..Options::default()
    };
    let platform = Platform::start(options).await;
    let answer = platform.get(ACTION_PATH, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_was_revoked_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let token = platform.token().await;
    platform.simulator.revoke_tokens();
    let answer = platform.get(ACTION_PATH, &token).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
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
async fn requests_are_recorded_without_credentials() {
    let platform = Platform::start(Options::default()).await;
    let form = "grant_type=client_credentials";
    platform
        .token_request("demo-secret", form)
        .send()
        .await
        .unwrap();
    let recorded = RecordedRequest {
        method: "POST".into(),
        path: TOKEN_PATH.into(),
        authorization: Some("Basic".into()),
        body: form.into(),
        status: Some(200),
    };
    assert_eq!(platform.simulator.requests(), [recorded]);
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
