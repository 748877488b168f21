use std::time::Duration;

use cxone_simulator::Options;
use reqwest::StatusCode;

use super::platform::{ACTION_PATH, Platform, TOKEN_PATH, json};

#[tokio::test]
async fn the_right_credentials_get_a_token() {
    let platform = Platform::start(Options::default()).await;
    let request = platform.token_request("demo-secret", "grant_type=client_credentials");
    let answer = json(request.send().await.unwrap()).await;
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["scope"], cxone_simulator::SCOPES.join(" "));
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
async fn each_documents_path_takes_credentials_in_the_form() {
    let platform = Platform::start(Options::default()).await;
    for path in [TOKEN_PATH, "/api/v2/oauth/token", "/api/v2/oauth2/token"] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "demo-client"),
            ("client_secret", "demo-secret"),
        ];
        let request = platform.client.post(platform.url(path)).form(&form);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_client_authenticates_itself_in_one_way_only() {
    let platform = Platform::start(Options::default()).await;
    let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
    let answer = platform
        .token_request("demo-secret", form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(answer).await["error"], "invalid_request");
}

#[tokio::test]
async fn a_request_that_is_no_form_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let request = platform.client.post(platform.url(TOKEN_PATH)).body("{}");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(answer).await["error"], "invalid_request");
}
