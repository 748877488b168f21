//! The same with a client that is none of ours: the `websockets` library of Python.

use jackfield_tests::harness::other_client;
use serde_json::json;

use super::{KNOWN, attached, chunks, original, records, start};

#[test]
fn another_client_gets_every_record() {
    let scenario = start();
    let url = format!("ws://{}/stream", scenario.address());
    let mut heard = other_client(&url, &[&attached().to_string()]).unwrap();
    let closed = heard.pop().unwrap();
    let expected = json!({ "closed": 1000, "reason": "the job has ended" });
    assert_eq!(closed, expected);
    assert_eq!(heard.last().unwrap()["status"], "complete");
    assert_eq!(records(chunks(&heard)), original(&scenario, KNOWN));
}
