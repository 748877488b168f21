//! What can be found in a topic, and how it is read.

use jackfield_tests::services::{Compression, Kafka, Message};

use super::scenario::{Scenario, line};

#[test]
fn each_record_of_a_topic_is_written_once_to_topic_and_table() {
    let scenario = Scenario::new(Kafka::shared(), 3);
    scenario.feed(0..5000);
    scenario.run().expect_success();
    scenario.assert_each_once(0..5000);
}

#[test]
fn compressed_batches_are_read() {
    let scenario = Scenario::new(Kafka::shared(), 1);
    for (n, compression) in (0..).zip(Compression::ALL) {
        let producer = scenario.kafka.producer(compression).unwrap();
        producer
            .send(&scenario.input, &Message::new(line(n)))
            .unwrap();
        producer.flush().unwrap();
    }
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_record_without_a_value_is_a_dead_letter() {
    let scenario = Scenario::new(Kafka::shared(), 1);
    let records = [
        Message::new(line(0)),
        Message::tombstone("k"),
        Message::new(line(2)),
    ];
    scenario.kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [0, 2]);
    let message = format!(
        "the record at offset 1 of `{}-0` has no value",
        scenario.input
    );
    assert_eq!(scenario.letters(), [("null-value".to_owned(), message)]);
}

#[test]
fn a_record_without_a_value_is_passed_over_where_the_manifest_says_so() {
    let options = "end = \"end-of-topic\"\nnull-values = \"skip\"";
    let scenario = Scenario::new(Kafka::shared(), 1).source(options);
    let records = [
        Message::tombstone("k"),
        Message::new(line(1)),
        Message::tombstone("k"),
    ];
    scenario.kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [1]);
    assert_eq!(scenario.letters(), []);
}

#[test]
fn a_record_that_is_too_large_is_a_dead_letter_and_the_stream_goes_on() {
    let options = "end = \"end-of-topic\"\nmaximum-record-bytes = 64";
    let scenario = Scenario::new(Kafka::shared(), 1).source(options);
    let large = format!(r#"{{"n":1,"text":"{}"}}"#, "x".repeat(100));
    let records = [
        Message::new(line(0)),
        Message::new(large.clone()),
        Message::new(line(2)),
    ];
    scenario.kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [0, 2]);
    let kept = scenario.query("SELECT code, record FROM jackfield_dead_letters", |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    let beginning = large.as_bytes()[..64].to_vec();
    assert_eq!(kept, [("record-too-large".to_owned(), beginning)]);
}

#[test]
fn a_record_that_is_larger_than_what_is_fetched_at_once_is_read() {
    let options = "end = \"end-of-topic\"\nmaximum-record-bytes = \"8 MiB\"";
    let scenario = Scenario::without_topics(Kafka::shared()).source(options);
    let settings = [("max.message.bytes", "16000000")];
    let kafka = scenario.kafka;
    kafka
        .create_topic_with(&scenario.input, 1, &settings)
        .unwrap();
    kafka.create_topic(&scenario.output, 1).unwrap();
    let large = format!(r#"{{"n":0,"key":"{}"}}"#, "x".repeat(5_000_000));
    let records = [Message::new(large), Message::new(line(1))];
    kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.rows(), [0, 1]);
}

#[test]
fn a_first_start_may_be_at_the_latest_record() {
    let scenario = Scenario::new(Kafka::shared(), 1).source("start = \"latest\"");
    scenario.feed(0..5);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_checkpoint()).unwrap());
    scenario.feed(5..8);
    assert!(host.wait_until(|_| scenario.has_rows(3)).unwrap());
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    assert_eq!(scenario.numbers(), [5, 6, 7]);
}

#[test]
fn a_first_start_may_be_at_a_moment() {
    let options = "end = \"end-of-topic\"\nstart = { timestamp = \"1970-01-01T00:00:01.006Z\" }";
    let scenario = Scenario::new(Kafka::shared(), 2).source(options);
    scenario.feed(0..10);
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [6, 7, 8, 9]);
}

#[test]
fn a_first_start_goes_on_from_what_the_group_has_committed() {
    let scenario = Scenario::new(Kafka::shared(), 1);
    scenario.feed(0..10);
    scenario.run().expect_success();
    let scenario = scenario.afresh();
    scenario.feed(10..15);
    scenario.run().expect_success();
    assert_eq!(scenario.rows(), [10, 11, 12, 13, 14]);
}

#[test]
fn the_group_has_no_lag_after_a_run() {
    let scenario = Scenario::new(Kafka::shared(), 2);
    scenario.feed(0..100);
    scenario.run().expect_success();
    let group = format!("from-{}", scenario.input);
    let committed = scenario.kafka.committed_offsets(&group, &scenario.input);
    assert_eq!(committed.unwrap(), [Some(50), Some(50)]);
}

#[test]
fn a_topic_ends_where_it_ended_when_it_was_first_opened() {
    let options = "end = \"end-of-topic\"\nrate-limit = { records-per-second = 50, burst = 1 }";
    let scenario = Scenario::new(Kafka::shared(), 1).source(options);
    scenario.feed(0..100);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(5)).unwrap());
    scenario.feed(100..200);
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    scenario.run().expect_success();
    scenario.assert_each_once(0..100);
}

#[test]
fn partitions_that_are_added_are_read_from_their_beginning() {
    let scenario = Scenario::new(Kafka::shared(), 1).source("discovery-interval = \"100ms\"");
    scenario.feed(0..100);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(100)).unwrap());
    scenario.kafka.add_partitions(&scenario.input, 3).unwrap();
    scenario.feed(100..400);
    assert!(host.wait_until(|_| scenario.has_rows(400)).unwrap());
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    scenario.assert_each_once(0..400);
}
