use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::*;
use crate::trigger::tests::manifest;

fn kind(options: &str) -> TriggerKind {
    let manifest = manifest(&format!("[triggers.it]\n{options}"));
    manifest.triggers[0].kind.clone()
}

#[test]
fn an_http_trigger_waits_for_half_a_minute_unless_it_says_otherwise() {
    let TriggerKind::Http(http) = kind("type = \"http\"\njob = \"report\"\npath = \"/report\"")
    else {
        panic!("it is an HTTP trigger");
    };
    assert_eq!((http.method, http.answer), (Method::POST, AnswerMode::Sync));
    assert_eq!(http.wait, Duration::from_secs(30));
    assert_eq!(
        (http.maximum_body_bytes, http.concurrency),
        (1024 * 1024, 64)
    );
    assert!(http.failures.is_empty() && http.bearer_token.is_none());
}

#[test]
fn failures_have_a_status_and_maybe_a_time_to_come_again() {
    let TriggerKind::Http(http) = kind(
        "type = \"http\"\njob = \"report\"\npath = \"/report\"\n\
         failures = { timeout = 504, circuit-open = { status = 503, retry-after = \"30s\" } }",
    ) else {
        panic!("it is an HTTP trigger");
    };
    let failures: Vec<_> = http
        .failures
        .iter()
        .map(|(code, failure)| (code.value.as_str(), failure.status, failure.retry_after))
        .collect();
    let half_a_minute = Some(Duration::from_secs(30));
    assert_eq!(
        failures,
        [
            ("timeout", StatusCode::GATEWAY_TIMEOUT, None),
            (
                "circuit-open",
                StatusCode::SERVICE_UNAVAILABLE,
                half_a_minute
            )
        ]
    );
}

#[test]
fn a_cron_trigger_skips_what_it_missed_in_utc_unless_it_says_otherwise() {
    let options =
        "type = \"cron\"\njob = \"report\"\nschedule = \"0 2 * * MON-FRI\"\ninput = { days = 1 }";
    let TriggerKind::Cron(cron) = kind(options) else {
        panic!("it is a cron trigger");
    };
    assert_eq!(cron.missed, MissedRuns::Skip);
    assert_eq!(cron.time_zone, jiff::tz::TimeZone::UTC);
    assert_eq!(cron.input.json, serde_json::json!({ "days": 1 }));
}

#[test]
fn a_webhook_signature_has_the_usual_prefix_unless_it_says_otherwise() {
    let TriggerKind::Webhook(webhook) = kind(
        "type = \"webhook\"\npath = \"/hook\"\ncorrelation = \"/job/id\"\n\
         signature = { header = \"X-Signature\", secret = { env = \"TOKEN\" } }",
    ) else {
        panic!("it is a webhook");
    };
    assert_eq!(webhook.correlation.as_str(), "/job/id");
    assert_eq!(webhook.signature.unwrap().prefix, "sha256=");
}

#[test]
fn a_websocket_lets_no_page_connect_unless_it_says_so() {
    let options = "type = \"websocket\"\njob = \"export\"\nport = \"chunks\"\npath = \"/stream\"";
    let TriggerKind::WebSocket(websocket) = kind(options) else {
        panic!("it is a WebSocket");
    };
    assert!(websocket.origins.is_empty());
    assert_eq!(
        (websocket.maximum_clients, websocket.maximum_message_bytes),
        (100, 65_536)
    );
}

#[test]
fn the_server_is_for_this_machine_unless_it_says_otherwise() {
    let text = "[pipeline]\nname = \"orders\"\n[checkpoint]\npath = \"orders.db\"\n[jobs.report]\nplugin = \"report.wasm\"";
    let environment = std::collections::BTreeMap::new();
    let path = std::path::Path::new("orders.toml");
    let manifest = crate::config::Manifest::parse(path, text.into(), &environment, &[]).unwrap();
    assert_eq!(manifest.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(manifest.server.grace, Duration::from_secs(10));
}
