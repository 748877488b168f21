mod hostile;
mod tls;
mod transport;

use std::num::NonZeroU32;

use cxone_simulator::{Fault, Options, Simulator};

use super::*;
use crate::error::Code;

const SECRET: &str = "correct horse battery staple";
const TOKEN_PATH: &str = "/oauth/token";
const RESOURCE_PATH: &str = "/api/v2/data-actions/cxone-data-actions";

async fn simulator() -> Simulator {
    let options = Options {
        client_secret: SECRET.into(),
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

fn oauth(client_secret: &str) -> OAuthOptions {
    OAuthOptions {
        token_path: TOKEN_PATH.into(),
        client_id: "demo-client".into(),
        client_secret: client_secret.into(),
        scope: Some("data_actions:read".into()),
        client_authentication: ClientAuthentication::Basic,
    }
}

fn options(base_url: impl Into<String>) -> ConnectionOptions {
    ConnectionOptions {
        authentication: Authentication::OAuth(oauth(SECRET)),
        retry: RetryOptions {
            first_wait: Duration::from_millis(1),
            ..RetryOptions::default()
        },
        ..ConnectionOptions::new("cxone", base_url)
    }
}

fn connection(simulator: &Simulator) -> Connection {
    Connection::open(options(simulator.url())).unwrap()
}

async fn get(connection: &Connection) -> Result<StatusCode, ConnectionError> {
    let url = connection.url(&["api", "v2", "data-actions", "cxone-data-actions"]);
    connection.get(&url).await.map(|answer| answer.status)
}

/// The error of a request that meets `fault` as often as it is tried.
async fn error_upon(path: &str, fault: Fault) -> ConnectionError {
    let simulator = simulator().await;
    simulator.plan(path, 3, fault);
    get(&connection(&simulator)).await.unwrap_err()
}

fn count(simulator: &Simulator, path: &str) -> usize {
    let requests = simulator.requests();
    requests
        .iter()
        .filter(|request| request.path == path)
        .count()
}

#[tokio::test]
async fn asks_for_a_token_with_basic_credentials_and_the_scope() {
    let simulator = simulator().await;
    assert_eq!(get(&connection(&simulator)).await, Ok(StatusCode::OK));

    let requests = simulator.requests();
    let token = &requests[0];
    assert_eq!(
        (token.method.as_str(), token.path.as_str()),
        ("POST", TOKEN_PATH)
    );
    assert_eq!(token.authorization.as_deref(), Some("Basic"));
    assert_eq!(
        token.body,
        "grant_type=client_credentials&scope=data_actions%3Aread"
    );
    assert_eq!(requests[1].authorization.as_deref(), Some("Bearer"));
}

#[tokio::test]
async fn credentials_may_stand_in_the_form() {
    let simulator = simulator().await;
    let in_form = ConnectionOptions {
        authentication: Authentication::OAuth(OAuthOptions {
            client_authentication: ClientAuthentication::Form,
            client_secret: "s3cret".into(),
            ..oauth(SECRET)
        }),
        ..options(simulator.url())
    };
    // The simulator knows another secret: what counts here is how it was asked.
    get(&Connection::open(in_form).unwrap()).await.unwrap_err();
    let token = &simulator.requests()[0];
    assert_eq!(token.authorization, None);
    assert!(
        token.body.contains("client_id=demo-client"),
        "{}",
        token.body
    );
}

#[tokio::test]
async fn uses_one_token_for_many_requests() {
    let simulator = simulator().await;
    let connection = connection(&simulator);
    for _ in 0..3 {
        assert_eq!(get(&connection).await, Ok(StatusCode::OK));
    }
    assert_eq!(count(&simulator, TOKEN_PATH), 1);
}

#[tokio::test]
async fn simultaneous_requests_wait_for_one_token() {
    let simulator = simulator().await;
    let connection = connection(&simulator);
    let (one, two, three) = tokio::join!(get(&connection), get(&connection), get(&connection));
    assert_eq!([one, two, three], [const { Ok(StatusCode::OK) }; 3]);
    assert_eq!(count(&simulator, TOKEN_PATH), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let simulator = simulator().await;
    let connection = connection(&simulator);
    get(&connection).await.unwrap();
    simulator.revoke_tokens();
    assert_eq!(get(&connection).await, Ok(StatusCode::OK));
    assert_eq!(count(&simulator, TOKEN_PATH), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_anew_is_an_error() {
    let simulator = simulator().await;
    simulator.plan(RESOURCE_PATH, 2, Fault::status(401));
    let error = get(&connection(&simulator)).await.unwrap_err();
    assert_eq!(error.code(), Code::TOKEN_REFUSED);
    assert_eq!(count(&simulator, TOKEN_PATH), 2);
}

#[tokio::test]
async fn wrong_credentials_are_told_apart_and_not_tried_again() {
    let simulator = simulator().await;
    let wrong = ConnectionOptions {
        authentication: Authentication::OAuth(oauth("wrong")),
        ..options(simulator.url())
    };
    let error = get(&Connection::open(wrong).unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Code::TOKEN_CREDENTIALS);
    assert_eq!(
        error.to_string(),
        format!(
            "connection `cxone`: POST {}/oauth/token: answered 401 Unauthorized: the service does not accept the client's \
             credentials (\"client authentication failed\")",
            simulator.url()
        )
    );
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn a_scope_that_the_client_may_not_have_is_told_with_the_services_reason() {
    let refusal = r#"{"error":"invalid_scope","error_description":"scope is unknown"}"#;
    let error = error_upon(TOKEN_PATH, Fault::answer(400, refusal)).await;
    assert_eq!(error.code(), Code::TOKEN_DENIED);
    assert!(error.to_string().contains("400 Bad Request"), "{error}");
    assert!(error.to_string().contains("scope is unknown"), "{error}");
}

#[tokio::test]
async fn two_refusals_by_the_rate_limit_are_waited_out() {
    for path in [TOKEN_PATH, RESOURCE_PATH] {
        let simulator = simulator().await;
        simulator.plan(path, 2, Fault::status(429));
        assert_eq!(get(&connection(&simulator)).await, Ok(StatusCode::OK));
        assert_eq!(count(&simulator, path), 3);
    }
}

#[tokio::test]
async fn a_rate_limit_that_stays_is_an_error_after_three_tries() {
    let error = error_upon(TOKEN_PATH, Fault::status(429)).await;
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_RATE_LIMITED, 3)
    );
    assert!(
        error
            .to_string()
            .ends_with("the rate limit is used up (tried 3 times)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_instead_of_waited() {
    let retry_after = Some("3600".into());
    let fault = Fault::Status {
        status: 429,
        retry_after,
    };
    let error = error_upon(RESOURCE_PATH, fault).await;
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_RATE_LIMITED, 1)
    );
    assert!(
        error.to_string().ends_with("it asks to wait for 3600 s"),
        "{error}"
    );
}

#[tokio::test]
async fn a_failure_of_the_service_is_tried_again() {
    let simulator = simulator().await;
    simulator.plan(TOKEN_PATH, 2, Fault::status(503));
    simulator.plan(RESOURCE_PATH, 2, Fault::status(500));
    assert_eq!(get(&connection(&simulator)).await, Ok(StatusCode::OK));
}

#[tokio::test]
async fn a_failure_of_the_service_that_stays_is_an_error() {
    let error = error_upon(RESOURCE_PATH, Fault::status(502)).await;
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_SERVER_ERROR, 3)
    );
    assert!(error.to_string().contains("502 Bad Gateway"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_cut_is_tried_again() {
    let simulator = simulator().await;
    simulator.plan(TOKEN_PATH, 2, Fault::Cut);
    assert_eq!(get(&connection(&simulator)).await, Ok(StatusCode::OK));
}

#[tokio::test]
async fn an_answer_that_is_always_cut_is_an_error() {
    let error = error_upon(TOKEN_PATH, Fault::Cut).await;
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_INTERRUPTED, 3)
    );
}

#[tokio::test]
async fn a_service_that_hangs_runs_into_the_time_out() {
    let simulator = simulator().await;
    let milliseconds = 3_600_000;
    simulator.plan(TOKEN_PATH, 3, Fault::Delay { milliseconds });
    let impatient = ConnectionOptions {
        timeout: Duration::from_millis(50),
        ..options(simulator.url())
    };
    let error = get(&Connection::open(impatient).unwrap())
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.tries), (Code::CONNECTION_TIMEOUT, 3));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unreachable() {
    let simulator = simulator().await;
    let connection = connection(&simulator);
    simulator.shutdown().await;
    let error = get(&connection).await.unwrap_err();
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_UNREACHABLE, 3)
    );
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn https_to_a_service_without_tls_fails_at_once() {
    let simulator = simulator().await;
    let secure = options(simulator.url().replace("http:", "https:"));
    let error = get(&Connection::open(secure).unwrap()).await.unwrap_err();
    assert_eq!(
        (error.code(), error.tries),
        (Code::CONNECTION_TLS, 1),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_bound() {
    let simulator = simulator().await;
    simulator.plan(RESOURCE_PATH, 1, Fault::answer(200, "x".repeat(2_000)));
    let bounded = ConnectionOptions {
        maximum_response: 1_999,
        ..options(simulator.url())
    };
    let error = get(&Connection::open(bounded).unwrap()).await.unwrap_err();
    assert_eq!((error.code(), error.tries), (Code::CONNECTION_TOO_LARGE, 1));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let error = error_upon(TOKEN_PATH, Fault::status(302)).await;
    assert_eq!(error.code(), Code::CONNECTION_UNEXPECTED);
    assert!(error.to_string().contains("302 Found"), "{error}");
}

#[tokio::test]
async fn a_token_answer_that_is_not_json_is_told_without_being_quoted() {
    let error = error_upon(TOKEN_PATH, Fault::answer(200, "{\"access_token\": s3cret")).await;
    assert_eq!(error.code(), Code::TOKEN_MALFORMED);
    let said = "(not JSON: line 1 column 18) (tried 3 times)";
    assert!(error.to_string().ends_with(said), "{error}");
}

#[tokio::test]
async fn half_a_token_answer_is_asked_for_again() {
    let simulator = simulator().await;
    simulator.plan(TOKEN_PATH, 2, Fault::Malformed);
    assert!(get(&connection(&simulator)).await.is_ok());
    assert_eq!(count(&simulator, TOKEN_PATH), 3);
}

#[tokio::test]
async fn an_answer_without_a_token_is_an_error() {
    for body in ["{}", r#"{"access_token":""}"#, r#"{"access_token":null}"#] {
        let error = error_upon(TOKEN_PATH, Fault::answer(200, body)).await;
        assert_eq!(error.code(), Code::TOKEN_MISSING, "{body}");
    }
}

#[tokio::test]
async fn secrets_are_neither_in_what_is_shown_nor_in_errors() {
    let simulator = simulator().await;
    let body = format!(r#"{{"error":"{SECRET} is wrong"}}"#);
    simulator.plan(TOKEN_PATH, 1, Fault::answer(401, body));
    let connection = connection(&simulator);
    let error = get(&connection).await.unwrap_err();
    get(&connection).await.unwrap();
    for shown in [
        error.to_string(),
        format!("{error:?}"),
        format!("{connection:?}"),
    ] {
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(!shown.contains("demo-client"), "{shown}");
        assert!(!shown.contains("cxs-"), "{shown}");
    }
}

#[test]
fn a_base_url_that_is_not_one_is_refused_and_not_quoted() {
    for base_url in [
        "api.example.com",
        "ftp://example.com",
        "https://user:s3cret@example.com",
        "https://example.com?key=s3cret",
        "https://",
    ] {
        let error = Connection::open(options(base_url)).unwrap_err();
        assert_eq!(error.code(), Code::CONNECTION_OPTIONS, "{base_url}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn a_token_path_that_is_not_one_is_refused() {
    for token_path in ["oauth/token", "/oauth/token?x", ""] {
        let wrong = ConnectionOptions {
            authentication: Authentication::OAuth(OAuthOptions {
                token_path: token_path.into(),
                ..oauth(SECRET)
            }),
            ..options("https://example.com")
        };
        let error = Connection::open(wrong).unwrap_err();
        assert_eq!(error.code(), Code::CONNECTION_OPTIONS, "{token_path}");
    }
}

#[test]
fn paths_go_below_that_of_the_base_url() {
    for base_url in ["https://example.com/tenant", "https://example.com/tenant/"] {
        let connection = Connection::open(options(base_url)).unwrap();
        let url = connection.url(&["actions", "a/b?c"]);
        assert_eq!(url.as_str(), "https://example.com/tenant/actions/a%2Fb%3Fc");
        assert_eq!(
            connection.token_url.unwrap().as_str(),
            "https://example.com/tenant/oauth/token"
        );
    }
}

#[test]
fn the_policy_is_three_tries_from_one_second_on() {
    let retry = RetryOptions::default();
    assert_eq!(retry.tries, NonZeroU32::new(3).unwrap());
    assert_eq!(retry.first_wait, Duration::from_secs(1));
}
