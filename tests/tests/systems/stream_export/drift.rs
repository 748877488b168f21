//! Exports whose records change their shape on the way.

use cxone_simulator::{Drift, DriftChange, Fault};
use serde_json::{Value, json};

use super::{EXPORTS, chunks, cuts, start, stream};
use crate::scenario::Scenario;

/// Starts an export that is different from record 400 on, and reads its stream.
fn drifted(scenario: &Scenario, change: DriftChange, policy: &str) -> (Vec<Value>, (u16, String)) {
    let offset = 400;
    scenario.plan(("POST", EXPORTS), 1, Fault::Drift(Drift { offset, change }));
    let asked = json!({
        "chunk_size_matrix": [250],
        "compression_format": "none",
        "max_payload_size": 1_048_576,
        "drift_policy": policy,
    });
    stream(scenario, &asked)
}

/// Warnings and where they stand.
fn warnings(messages: &[Value]) -> Vec<(u64, Value)> {
    let warnings = messages
        .iter()
        .filter(|message| message.get("warning").is_some());
    warnings
        .map(|message| {
            (
                message["offset"].as_u64().unwrap(),
                message["warning"]["drift"].clone(),
            )
        })
        .collect()
}

fn seen(name: &str, change: &Value, offset: u64, records: u64) -> Value {
    let mut drift = json!({ "field": name, "offset": offset, "records": records });
    for (name, value) in change.as_object().unwrap() {
        drift[name] = value.clone();
    }
    json!([drift])
}

#[test]
fn the_policy_stop_ends_a_stream_in_front_of_the_chunk() {
    let scenario = start();
    let (messages, (code, reason)) = drifted(&scenario, DriftChange::Missing, "stop");
    assert_eq!(
        (code, reason.as_str()),
        (1011, "records from 250 on are not as in the first chunk")
    );
    assert_eq!(cuts(&chunks(&messages)), [(0, 250)]);
    let drift = seen("sentiment", &json!({ "change": "missing" }), 400, 100);
    let error = json!({
        "code": "schema-drift", "message": "records from 250 on are not as in the first chunk", "drift": drift,
    });
    assert_eq!(messages[2], json!({ "offset": 250, "error": error }));
}

#[test]
fn the_policy_warn_warns_of_every_chunk_that_differs() {
    let scenario = start();
    let (messages, (code, _)) = drifted(&scenario, DriftChange::New, "warn");
    assert_eq!(code, 1000);
    assert_eq!(
        cuts(&chunks(&messages)),
        [(0, 250), (250, 250), (500, 250), (750, 250)]
    );
    let new = json!({ "change": "new" });
    let expected = [
        (250, seen("queueId", &new, 400, 100)),
        (500, seen("queueId", &new, 500, 250)),
        (750, seen("queueId", &new, 750, 250)),
    ];
    assert_eq!(warnings(&messages), expected);
    assert_eq!(messages.last().unwrap()["metrics"]["drifted_chunks"], 3);
}

#[test]
fn the_policy_adapt_warns_once_and_expects_the_new_shape() {
    let scenario = start();
    let (messages, (code, _)) = drifted(&scenario, DriftChange::Type, "adapt");
    assert_eq!((code, chunks(&messages).len()), (1000, 4));
    let change = json!({ "change": "type", "found": "string" });
    assert_eq!(
        warnings(&messages),
        [(250, seen("durationSeconds", &change, 400, 100))]
    );
}
