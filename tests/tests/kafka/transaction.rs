//! Transactions by themselves, as a task uses them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield::config::Manifest;
use jackfield::connection::Services;
use jackfield::connection::kafka::{KafkaError, Message, Transaction};
use jackfield::pipeline::plan::TransactionPlan;
use jackfield::pipeline::{Halt, Waits};
use jackfield_tests::services::Kafka;
use tempfile::TempDir;

struct Writer {
    services: Services,
    plan: TransactionPlan,
    waits: Arc<Waits>,
    halt: Halt,
}

impl Writer {
    /// Of a topic that is made for it.
    fn new(kafka: &Kafka, topic: &str, connection: &str) -> Self {
        kafka.create_topic(topic, 1).unwrap();
        Self::at(kafka.address(), topic, connection)
    }

    fn at(address: &str, topic: &str, connection: &str) -> Self {
        let manifest = format!(
            r#"
            pipeline.name = "writer"
            checkpoint = {{ path = "writer.db", interval = "10ms" }}
            [connections.cluster]
            type = "kafka"
            bootstrap-servers = "{address}"
            {connection}
            [sources.records]
            type = "kafka"
            connection = "cluster"
            topic = "none"
            [stages.none]
            plugin = "none.wasm"
            inputs.records = "records"
            "#
        );
        let environment = BTreeMap::new();
        let manifest = Manifest::parse(Path::new("writer.toml"), manifest, &environment, &[]);
        let services = Services::new().unwrap();
        Self {
            services: services.of(&manifest.unwrap(), &environment).unwrap(),
            plan: TransactionPlan {
                connection: "cluster".to_owned(),
                id: format!("writer-of-{topic}"),
                topic: topic.to_owned(),
            },
            waits: Arc::default(),
            halt: Halt::default(),
        }
    }

    fn open(&self) -> Result<Transaction, KafkaError> {
        Transaction::open(&self.services, &self.plan, &self.waits, &self.halt)
    }

    fn send(&self, transaction: &Transaction, value: &str) -> Result<(), KafkaError> {
        transaction.send(Message {
            topic: &self.plan.topic,
            partition: None,
            key: None,
            value: Some(value.as_bytes()),
            timestamp: None,
            headers: &[("of", b"test")],
        })
    }
}

fn texts(kafka: &Kafka, topic: &str) -> Vec<String> {
    let messages = kafka.read_committed(topic).unwrap();
    messages.iter().map(|message| message.text()).collect()
}

#[test]
fn the_epoch_that_was_committed_last_is_known_to_a_successor() {
    let writer = Writer::new(Kafka::shared(), "epochs", "");
    let first = writer.open().unwrap();
    assert_eq!(first.committed().unwrap(), None);
    writer.send(&first, "a").unwrap();
    first.commit(7).unwrap();
    // Nothing was written in this one.
    first.commit(8).unwrap();
    drop(first);
    let second = writer.open().unwrap();
    assert_eq!(second.committed().unwrap(), Some(8));
    assert_eq!(texts(Kafka::shared(), "epochs"), ["a"]);
}

#[test]
fn what_was_not_committed_is_undone_by_the_successor() {
    let kafka = Kafka::shared();
    let writer = Writer::new(kafka, "undone", "");
    let first = writer.open().unwrap();
    writer.send(&first, "never").unwrap();
    first.flush().unwrap();
    drop(first);
    let second = writer.open().unwrap();
    assert_eq!(second.committed().unwrap(), None);
    writer.send(&second, "once").unwrap();
    second.commit(1).unwrap();
    assert_eq!(texts(kafka, "undone"), ["once"]);
}

#[test]
fn the_first_of_two_is_fenced() {
    let writer = Writer::new(Kafka::shared(), "fenced", "");
    let first = writer.open().unwrap();
    writer.send(&first, "a").unwrap();
    first.commit(1).unwrap();
    writer.send(&first, "late").unwrap();
    let second = writer.open().unwrap();
    let fenced = first.commit(2).unwrap_err();
    assert!(matches!(fenced, KafkaError::Fenced { .. }), "{fenced}");
    assert!(!fenced.is_transient());
    assert_eq!(second.committed().unwrap(), Some(1));
    assert_eq!(texts(Kafka::shared(), "fenced"), ["a"]);
}

#[test]
fn a_transaction_that_ran_out_may_be_tried_again() {
    let writer = Writer::new(Kafka::shared(), "expired", "transaction-timeout = \"1s\"");
    let transaction = writer.open().unwrap();
    writer.send(&transaction, "a").unwrap();
    transaction.flush().unwrap();
    // The broker looks for those that ran out once a second.
    let _ = Halt::default().sleep(Duration::from_secs(4));
    let failed = transaction.commit(1).unwrap_err();
    assert!(failed.is_transient(), "{failed}");
    drop(transaction);
    let again = writer.open().unwrap();
    writer.send(&again, "b").unwrap();
    again.commit(1).unwrap();
    assert_eq!(texts(Kafka::shared(), "expired"), ["b"]);
}

#[test]
fn a_record_that_is_too_large_harms_nothing() {
    let writer = Writer::new(
        Kafka::shared(),
        "large",
        "settings = { \"message.max.bytes\" = 1000 }",
    );
    let transaction = writer.open().unwrap();
    let refused = writer.send(&transaction, &"x".repeat(2000)).unwrap_err();
    assert!(matches!(
        refused,
        KafkaError::RecordTooLarge { bytes: 2000, .. }
    ));
    writer.send(&transaction, "small").unwrap();
    transaction.commit(1).unwrap();
    assert_eq!(texts(Kafka::shared(), "large"), ["small"]);
}

#[test]
fn who_waits_for_a_cluster_that_is_not_there_says_so_and_can_be_stopped() {
    let writer = Writer::at("127.0.0.1:1", "none", "");
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| writer.open());
        let deadline = Instant::now() + Duration::from_secs(30);
        while writer.waits.list().is_empty() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(writer.waits.list()[0].what.contains("127.0.0.1:1"));
        writer.halt.halt();
        assert_eq!(opening.join().unwrap().unwrap_err(), KafkaError::Halted);
    });
    assert!(writer.waits.list().is_empty());
}

#[test]
fn a_transaction_whose_cluster_has_gone_is_let_go_of_at_once() {
    let folder = TempDir::new().unwrap();
    let kafka = Kafka::start(folder.path()).unwrap();
    let writer = Writer::new(&kafka, "gone", "");
    let transaction = writer.open().unwrap();
    writer.send(&transaction, "a").unwrap();
    transaction.commit(1).unwrap();
    writer.send(&transaction, "b").unwrap();
    transaction.flush().unwrap();
    kafka.kill().unwrap();
    writer.send(&transaction, "c").unwrap();
    writer.halt.halt();
    assert_eq!(transaction.flush().unwrap_err(), KafkaError::Halted);
    let dropped = Instant::now();
    drop(transaction);
    assert!(
        dropped.elapsed() < Duration::from_secs(3),
        "{:?}",
        dropped.elapsed()
    );
}
