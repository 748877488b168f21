//! What a client of WebSockets hears that is none of ours.

use jackfield_tests::harness::other_client;
use serde_json::Value;

use crate::scenario::Scenario;

/// Says one thing, and listens until it is closed on.
pub fn connect(scenario: &Scenario, path: &str, first: &str) -> Vec<Value> {
    client(scenario, path, &[first])
}

/// Says one thing, listens to so many messages, acknowledges so many of them and goes away.
pub fn stay(
    scenario: &Scenario,
    path: &str,
    first: &str,
    messages: u32,
    acknowledged: u32,
) -> Vec<Value> {
    let (messages, acknowledged) = (messages.to_string(), acknowledged.to_string());
    client(scenario, path, &[first, &messages, &acknowledged])
}

fn client(scenario: &Scenario, path: &str, arguments: &[&str]) -> Vec<Value> {
    let url = format!("ws://{}{path}", scenario.hooks());
    other_client(&url, arguments).unwrap()
}
