//! The servers that other tests stand on: they keep what was acknowledged, and show what a client of the field would see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jackfield_tests::services::{Cassandra, Compression, Kafka, Message};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::json;
use tempfile::tempdir;

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn texts(messages: &[Message]) -> Vec<String> {
    messages.iter().map(Message::text).collect()
}

#[test]
fn a_broker_that_crashed_has_what_it_acknowledged() {
    let folder = tempdir().unwrap();
    let kafka = Kafka::start(folder.path()).unwrap();
    kafka.create_topic("letters", 2).unwrap();
    let sent = [
        Message::new("a").with_key("k").at(1_700_000_000_000),
        Message::new("b").to_partition(1).at(1),
        Message::tombstone("k").at(2),
    ];
    kafka.produce("letters", &sent).unwrap();

    kafka.kill().unwrap();
    kafka.restart().unwrap();

    let expected = [
        sent[0].clone(),
        Message {
            offset: 1,
            ..sent[2].clone()
        },
        sent[1].clone(),
    ];
    assert_eq!(kafka.read_committed("letters").unwrap(), expected);
}

#[test]
fn a_topic_takes_every_kind_of_compression() {
    let kafka = Kafka::shared();
    kafka.create_topic("compressed", 1).unwrap();
    for compression in Compression::ALL {
        let producer = kafka.producer(compression).unwrap();
        let message = Message::new(format!("{compression:?} ").repeat(100));
        producer.send("compressed", &message).unwrap();
        producer.flush().unwrap();
    }
    let read = texts(&kafka.read_committed("compressed").unwrap());
    assert_eq!(
        read,
        Compression::ALL.map(|compression| format!("{compression:?} ").repeat(100))
    );
}

#[test]
fn a_topic_grows() {
    let kafka = Kafka::shared();
    kafka.create_topic("growing", 1).unwrap();
    kafka.add_partitions("growing", 3).unwrap();
    kafka
        .produce("growing", &[Message::new("a").to_partition(2)])
        .unwrap();
    assert_eq!(kafka.end_offsets("growing").unwrap(), [0, 0, 1]);
}

#[test]
fn only_what_was_committed_is_read() {
    let kafka = Kafka::shared();
    kafka.create_topic("transactions", 1).unwrap();
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.address())
        .set("transactional.id", "services")
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    for (text, commits) in [("first", true), ("second", false), ("third", true)] {
        producer.begin_transaction().unwrap();
        let record = BaseRecord::<(), str>::to("transactions").payload(text);
        producer.send(record).unwrap();
        producer.flush(PATIENCE).unwrap();
        match commits {
            true => producer.commit_transaction(PATIENCE).unwrap(),
            false => producer.abort_transaction(PATIENCE).unwrap(),
        }
    }
    let read = kafka.read_committed("transactions").unwrap();
    assert_eq!(texts(&read), ["first", "third"]);
}

#[test]
fn a_group_has_committed_nothing_before_it_commits() {
    let kafka = Kafka::shared();
    kafka.create_topic("group", 2).unwrap();
    let offsets = kafka.committed_offsets("nobody", "group").unwrap();
    assert_eq!(offsets, [None, None]);
}

#[test]
fn a_node_that_crashed_has_what_it_acknowledged() {
    let folder = tempdir().unwrap();
    let cassandra = Cassandra::start(folder.path()).unwrap();
    cassandra
        .execute("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        .unwrap();
    cassandra
        .execute("CREATE TABLE k.t (id text PRIMARY KEY, n int)")
        .unwrap();
    for (id, number) in [("b", 2), ("a", 1)] {
        cassandra
            .execute(&format!(
                "INSERT INTO k.t (id, n) VALUES ('{id}', {number})"
            ))
            .unwrap();
    }

    cassandra.kill().unwrap();
    cassandra.restart().unwrap();

    let rows = cassandra.rows("k.t").unwrap();
    assert_eq!(
        rows,
        [json!({"id": "a", "n": 1}), json!({"id": "b", "n": 2})]
    );
}

#[test]
fn a_secure_node_lets_in_who_trusts_it_and_knows_the_password() {
    let folder = tempdir().unwrap();
    let cassandra = Cassandra::start_secure(folder.path()).unwrap();
    assert!(!cassandra.rows("system_auth.roles").unwrap().is_empty());
}
