//! Topics and offsets that are not there: nothing is skipped without a word.

use jackfield_tests::harness::Finished;
use jackfield_tests::services::{Compression, Kafka, Message};

use super::scenario::{Scenario, line};

fn assert_refused(finished: &Finished, words: &[&str]) {
    assert!(
        finished.code().is_some_and(|code| code != 0),
        "{finished:?}"
    );
    for word in words {
        assert!(
            finished.stderr.contains(word),
            "{word}\n{}",
            finished.stderr
        );
    }
}

/// A pipeline that has read so many records, and was stopped in order.
fn stopped(records: u64) -> Scenario<'static> {
    let scenario = Scenario::new(Kafka::shared(), 1).source("");
    scenario.feed(0..records);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(records)).unwrap());
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    scenario
}

#[test]
fn a_missing_topic_is_named() {
    let scenario = Scenario::without_topics(Kafka::shared());
    assert_refused(&scenario.run(), &["JF-7034", &scenario.output]);
}

#[test]
fn a_missing_topic_of_a_source_is_named() {
    let scenario = Scenario::without_topics(Kafka::shared());
    scenario.kafka.create_topic(&scenario.output, 1).unwrap();
    assert_refused(&scenario.run(), &["JF-7034", &scenario.input]);
}

#[test]
fn offsets_that_retention_deleted_are_not_skipped() {
    let scenario = stopped(10);
    scenario.feed(10..30);
    scenario
        .kafka
        .delete_records(&scenario.input, 0, 20)
        .unwrap();
    assert_refused(&scenario.run(), &["JF-3011", "from offset 10", "20 to 30"]);
}

#[test]
fn offsets_that_retention_deletes_while_they_wait_are_not_skipped() {
    // Next to nothing is fetched ahead.
    let settings = r#"settings = { "queued.min.messages" = 1, "queued.max.messages.kbytes" = 1, "max.partition.fetch.bytes" = 1 }"#;
    let limit = "end = \"end-of-topic\"\nrate-limit = { records-per-second = 20, burst = 1 }";
    let scenario = Scenario::new(Kafka::shared(), 1)
        .source(limit)
        .connection(settings);
    let producer = scenario.kafka.producer(Compression::None).unwrap();
    for n in 0..200 {
        producer
            .send(&scenario.input, &Message::new(line(n)))
            .unwrap();
        // A batch each.
        producer.flush().unwrap();
    }
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(2)).unwrap());
    let kafka = scenario.kafka;
    kafka.delete_records(&scenario.input, 0, 190).unwrap();
    assert_refused(&host.wait().unwrap(), &["JF-3011", "190 to 200"]);
}

#[test]
fn a_topic_that_was_made_again_is_not_taken_for_the_old_one() {
    let scenario = stopped(10);
    scenario.kafka.delete_topic(&scenario.input).unwrap();
    scenario.recreate_input(1);
    scenario.feed(0..5);
    assert_refused(&scenario.run(), &["JF-3011", "from offset 10", "0 to 5"]);
}
