use std::time::Duration;

use cxone_simulator::{Fault, Options, Simulator};

use super::*;
use crate::config::ClientAuthentication;
use crate::connection::http::{Authentication, ConnectionOptions, OAuthOptions, RetryOptions};
use crate::error::Code;

const EXISTING: &str = "cxone-data-actions";
const ACTION_PATH: &str = "/api/v2/data-actions/";

fn connections(simulator: &Simulator) -> Connections {
    let options = ConnectionOptions {
        authentication: Authentication::OAuth(OAuthOptions {
            token_path: "/oauth/token".into(),
            client_id: "demo-client".into(),
            client_secret: "demo-secret".into(),
            scope: Some("data_actions:read".into()),
            client_authentication: ClientAuthentication::Basic,
        }),
        retry: RetryOptions {
            first_wait: Duration::from_millis(1),
            ..RetryOptions::default()
        },
        ..ConnectionOptions::new("cxone", simulator.url())
    };
    Connections::open([options]).unwrap()
}

fn data_action(action: &str) -> Check {
    Check::DataAction(DataActionCheck {
        connection: "cxone".into(),
        action: action.into(),
    })
}

/// The only error of a check for `action`.
async fn error(simulator: &Simulator, action: &str) -> PreflightError {
    let outcome = run(&[data_action(action)], &connections(simulator)).await;
    let mut errors = outcome.unwrap_err();
    assert_eq!(errors.len(), 1);
    errors.remove(0)
}

/// The error when the data action is answered like this.
async fn error_upon(fault: Fault) -> PreflightError {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    simulator.plan(ACTION_PATH, 3, fault);
    error(&simulator, EXISTING).await
}

#[tokio::test]
async fn a_data_action_that_exists_passes() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let outcome = run(&[data_action(EXISTING)], &connections(&simulator)).await;
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn a_data_action_that_does_not_exist_is_told() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let error = error(&simulator, "another").await;
    assert_eq!(error.code(), Code::PREFLIGHT_NOT_FOUND);
    assert_eq!(
        error.to_string(),
        "pre-flight check of data action `another`: connection `cxone`: answered 404 Not Found: there is no such data \
         action (\"there is no data action another\")"
    );
}

#[tokio::test]
async fn a_client_without_the_scope_is_told() {
    let options = Options {
        scopes: vec!["agents:read".into()],
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let error = error(&simulator, EXISTING).await;
    assert_eq!(error.code(), Code::PREFLIGHT_FORBIDDEN);
    assert!(
        error
            .to_string()
            .contains("lacks the scope `data_actions:read`"),
        "{error}"
    );
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let options = Options {
        client_secret: "another".into(),
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let error = error(&simulator, EXISTING).await;
    assert_eq!(error.code(), Code::TOKEN_CREDENTIALS);
}

#[tokio::test]
async fn a_rate_limit_that_stays_is_told() {
    let error = error_upon(Fault::status(429)).await;
    assert_eq!(error.code(), Code::CONNECTION_RATE_LIMITED);
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_told() {
    let error = error_upon(Fault::answer(200, "<html>Sign in</html>")).await;
    assert_eq!(error.code(), Code::PREFLIGHT_MALFORMED);
    assert!(error.to_string().contains("not JSON"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_not_an_object_is_told() {
    for body in ["null", "[]", r#"{"id":7}"#] {
        let error = error_upon(Fault::answer(200, body)).await;
        assert_eq!(error.code(), Code::PREFLIGHT_MALFORMED, "{body}");
    }
}

#[tokio::test]
async fn an_answer_about_another_data_action_is_told() {
    let error = error_upon(Fault::answer(200, r#"{"id":"surveys"}"#)).await;
    assert_eq!(error.code(), Code::PREFLIGHT_OTHER_ACTION);
}

#[tokio::test]
async fn an_answer_without_an_identifier_passes() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    simulator.plan(
        ACTION_PATH,
        1,
        Fault::answer(200, r#"{"name":"Interactions"}"#),
    );
    let outcome = run(&[data_action(EXISTING)], &connections(&simulator)).await;
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn a_status_that_the_api_does_not_have_is_told() {
    let error = error_upon(Fault::status(418)).await;
    assert_eq!(error.code(), Code::CONNECTION_UNEXPECTED);
}

#[tokio::test]
async fn an_identifier_that_leads_elsewhere_is_refused_before_anything_is_sent() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    for action in ["", " ", ".", ".."] {
        let error = error(&simulator, action).await;
        assert_eq!(error.code(), Code::PREFLIGHT_OPTIONS, "{action:?}");
    }
    assert_eq!(simulator.requests(), []);
}

#[tokio::test]
async fn an_identifier_is_one_segment_of_the_path() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    error(&simulator, "../agents?all=1").await;
    let asked = &simulator.requests()[1].path;
    assert_eq!(asked, "/api/v2/data-actions/..%2Fagents%3Fall=1");
}

#[tokio::test]
async fn a_check_without_its_connection_is_told() {
    let outcome = run(&[data_action(EXISTING)], &Connections::default()).await;
    assert_eq!(outcome.unwrap_err()[0].code(), Code::PREFLIGHT_OPTIONS);
}

#[tokio::test]
async fn all_checks_that_fail_are_told_in_their_order() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let checks = ["a", EXISTING, "b"].map(data_action);
    let errors = run(&checks, &connections(&simulator)).await.unwrap_err();
    let subjects: Vec<_> = errors.iter().map(|error| error.subject.as_str()).collect();
    assert_eq!(subjects, ["data action `a`", "data action `b`"]);
}
