//! What a sink writes to a topic.

use jackfield_tests::random::Xorshift;
use jackfield_tests::services::{Kafka, Message};

use super::scenario::{Scenario, line};

#[test]
fn records_have_the_key_that_the_manifest_names() {
    let scenario = Scenario::new(Kafka::shared(), 3);
    scenario.feed(0..20);
    scenario.run().expect_success();
    for message in scenario.output() {
        let record: serde_json::Value = serde_json::from_str(&message.text()).unwrap();
        let key = String::from_utf8(message.key.unwrap()).unwrap();
        assert_eq!(key, record["key"].as_str().unwrap());
    }
}

#[test]
fn records_of_one_key_are_in_one_partition() {
    let scenario = Scenario::new(Kafka::shared(), 3);
    scenario.feed(0..100);
    scenario.run().expect_success();
    let output = scenario.output();
    let mut places: Vec<_> = output
        .iter()
        .map(|message| (message.key.clone(), message.partition))
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 7);
}

#[test]
fn a_record_without_the_field_for_its_key_is_a_dead_letter() {
    let scenario = Scenario::new(Kafka::shared(), 1).sink("key = \"text\"");
    let records = [
        Message::new(line(0)),
        Message::new(r#"{"n":1,"key":"k1"}"#),
        Message::new(line(2)),
    ];
    scenario.kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [0, 2]);
    let codes: Vec<String> = scenario
        .letters()
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert!(codes.contains(&"sink-record".to_owned()), "{codes:?}");
}

#[test]
fn a_record_that_is_larger_than_may_be_written_is_a_dead_letter() {
    let scenario =
        Scenario::new(Kafka::shared(), 1).connection("settings = { \"message.max.bytes\" = 1000 }");
    let large = format!(r#"{{"n":1,"key":"k","text":"{}"}}"#, "x".repeat(2000));
    let records = [
        Message::new(line(0)),
        Message::new(large),
        Message::new(line(2)),
    ];
    scenario.kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [0, 2]);
    assert_eq!(scenario.rows(), [0, 1, 2]);
    let [(code, message)] = &scenario.letters()[..] else {
        panic!("{:?}", scenario.letters())
    };
    assert_eq!(code, "sink-record");
    assert!(message.contains("message.max.bytes"), "{message}");
}

#[test]
fn a_record_that_the_broker_finds_too_large_ends_the_pipeline_with_what_to_do() {
    let scenario = Scenario::without_topics(Kafka::shared());
    let settings = [("max.message.bytes", "1000")];
    scenario.kafka.create_topic(&scenario.input, 1).unwrap();
    scenario
        .kafka
        .create_topic_with(&scenario.output, 1, &settings)
        .unwrap();
    let mut random = Xorshift::new(1);
    let noise: String = (0..4000)
        .map(|_| char::from(b'a' + random.below(26) as u8))
        .collect();
    let large = Message::new(format!(r#"{{"n":1,"key":"k","text":"{noise}"}}"#));
    scenario.kafka.produce(&scenario.input, &[large]).unwrap();
    let refused = scenario.run();
    assert!(refused.stderr.contains("JF-6012"), "{}", refused.stderr);
    assert!(scenario.numbers().is_empty());
}

#[test]
fn a_topic_is_made_where_the_manifest_says_how() {
    let scenario = Scenario::without_topics(Kafka::shared())
        .sink("create-topic = { partitions = 5, replication-factor = 1 }");
    scenario.kafka.create_topic(&scenario.input, 1).unwrap();
    scenario.feed(0..10);
    scenario.run().expect_success();
    assert_eq!(scenario.kafka.partitions(&scenario.output).unwrap(), 5);
    scenario.assert_each_once(0..10);
}

#[test]
fn dead_letters_may_go_to_a_topic() {
    let scenario = Scenario::new(Kafka::shared(), 1);
    let letters = format!("letters-of-{}", scenario.input);
    let scenario = scenario.dead_letters(&format!(
        "[dead-letters]\ntype = \"kafka\"\nconnection = \"cluster\"\ntopic = \"{letters}\"\ncreate-topic = {{ partitions = 1, replication-factor = 1 }}"
    ));
    let records = [Message::new(line(0)), Message::new("not JSON")];
    let records = [records, [Message::tombstone("k"), Message::new(line(3))]].concat();
    scenario.kafka.produce(&scenario.input, &records).unwrap();
    scenario.run().expect_success();
    assert_eq!(scenario.numbers(), [0, 3]);
    assert!(scenario.letters().is_empty());
    let letters = scenario.kafka.read_committed(&letters).unwrap();
    let letters: Vec<serde_json::Value> = letters
        .iter()
        .map(|letter| serde_json::from_str(&letter.text()).unwrap())
        .collect();
    let mut known: Vec<_> = letters
        .iter()
        .map(|letter| (&letter["stage"], &letter["code"], &letter["record"]))
        .map(|(stage, code, record)| [stage, code, record].map(|text| text.as_str().unwrap()))
        .collect();
    known.sort_unstable();
    let refused = [
        ["pass", "not-json", "not JSON"],
        ["records", "null-value", ""],
    ];
    assert_eq!(known, refused);
}
