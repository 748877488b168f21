//! What can be found in a topic, and how it is read.

use jackfield_tests::services::{Compression, Kafka, Message};

use super::scenario::{Scenario, line};

#[test]
fn each_record_of_a_topic_is_written_once_to_topic_and_table() {
    let scenario = Scenario::new(Kafka::shared(), 3);
    scenario.feed(0..5000);
    scenario.run().expect_success();
    let expected: Vec<u64> = (0..5000).collect();
    assert_eq!(scenario.numbers(), expected);
    assert_eq!(scenario.rows(), expected);
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
