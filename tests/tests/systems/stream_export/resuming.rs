//! Clients that go away and come back, and hosts that do.

use jackfield_tests::systems::{Chunk, Heard, StreamClient};
use serde_json::{Value, json};

use super::{ROWS, attached, chunks, connect, cuts, original, records, start, stream, with};
use crate::scenario::Scenario;

const KEYED: &str = "/stream?key=k1&acknowledge=true";

/// Hears so many messages, and acknowledges so many of them.
fn hear(client: &mut StreamClient, messages: usize, acknowledged: usize) -> Vec<Value> {
    let heard: Vec<Value> = (0..messages)
        .map(|_| match client.hear().unwrap() {
            Heard::Message(message) => message,
            closed => panic!("{closed:?}"),
        })
        .collect();
    client.say(&json!({ "acknowledge": acknowledged })).unwrap();
    heard
}

fn begin(scenario: &Scenario) -> StreamClient {
    let mut client = connect(scenario, KEYED);
    client.say(&attached()).unwrap();
    client
}

fn rest(scenario: &Scenario) -> Vec<Chunk> {
    let (messages, (code, _)) = begin(scenario).hear_all().unwrap();
    assert_eq!(code, 1000);
    chunks(&messages)
}

#[test]
fn a_client_goes_on_by_the_export_and_an_offset() {
    let scenario = start();
    let (messages, (code, _)) = stream(&scenario, &with(&json!({ "resume_offset": 420 })));
    assert_eq!((code, &messages[0]["resume_offset"]), (1000, &json!(420)));
    let chunks = chunks(&messages);
    assert_eq!(cuts(&chunks), [(420, 180), (600, 250), (850, 150)]);
    let expected = &original(&scenario, super::KNOWN)[420..];
    assert_eq!(records(chunks), expected);
}

#[test]
fn behind_the_last_record_there_is_nothing_left() {
    let scenario = start();
    let (messages, (code, _)) = stream(&scenario, &with(&json!({ "resume_offset": ROWS })));
    assert_eq!((code, chunks(&messages).len()), (1000, 0));
    assert_eq!(messages.last().unwrap()["next_offset"], ROWS);
}

#[test]
fn a_client_that_comes_back_gets_what_it_has_not_acknowledged() {
    let scenario = start();
    let mut client = begin(&scenario);
    // The greeting and three chunks, of which the last is not acknowledged.
    let mut seen = chunks(&hear(&mut client, 4, 3));
    drop(client);
    let rest = rest(&scenario);
    assert_eq!(cuts(&rest)[0], (350, 250));
    seen.truncate(2);
    seen.extend(rest);
    assert_eq!(records(seen), original(&scenario, super::KNOWN));
}

#[test]
fn a_client_that_says_nothing_of_its_messages_is_sent_them_once() {
    let scenario = start();
    let path = "/stream?key=k1";
    let mut client = connect(&scenario, path);
    client.say(&attached()).unwrap();
    let (messages, _) = client.hear_all().unwrap();
    assert_eq!(
        records(chunks(&messages)),
        original(&scenario, super::KNOWN)
    );
    let mut again = connect(&scenario, path);
    again.say(&attached()).unwrap();
    let (messages, (code, _)) = again.hear_all().unwrap();
    assert_eq!((code, messages.len()), (1000, 1));
    assert_eq!(messages[0]["status"], "complete");
}

#[test]
fn a_stream_goes_on_after_the_host_was_killed() {
    let mut scenario = start();
    let mut client = begin(&scenario);
    let mut seen = chunks(&hear(&mut client, 3, 2));
    scenario.crash();
    let left = client.hear_all();
    assert!(
        left.is_err(),
        "a host that was killed says no goodbye: {left:?}"
    );
    scenario.client.get("/openapi.json").unwrap();
    let rest = rest(&scenario);
    // Whether it was heard that the first had arrived is a matter of moments; that the second had was not said.
    let first = rest[0].offset;
    assert!([0, 100].contains(&first), "{first}");
    seen.retain(|chunk| chunk.offset < first);
    seen.extend(rest);
    assert_eq!(records(seen), original(&scenario, super::KNOWN));
}

#[test]
fn another_client_takes_over_by_the_same_key() {
    let scenario = start();
    let mut first = begin(&scenario);
    hear(&mut first, 2, 1);
    let mut second = begin(&scenario);
    let (_, ended) = first.hear_all().unwrap();
    assert_eq!(ended, (1008, "another client took over".into()));
    let (messages, (code, _)) = second.hear_all().unwrap();
    assert_eq!(
        (code, &messages.last().unwrap()["status"]),
        (1000, &json!("complete"))
    );
}

#[test]
fn a_key_is_for_one_payload() {
    let scenario = start();
    begin(&scenario).hear_all().unwrap();
    let mut other = connect(&scenario, KEYED);
    other.say(&with(&json!({ "resume_offset": 1 }))).unwrap();
    let (_, ended) = other.hear_all().unwrap();
    assert_eq!(
        ended,
        (1008, "the key was used before, for another input".into())
    );
}
