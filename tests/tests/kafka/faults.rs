//! What may go wrong with a cluster.

use jackfield_tests::services::Kafka;

use super::scenario::Scenario;

#[test]
fn a_missing_topic_is_named() {
    let scenario = Scenario::without_topics(Kafka::shared());
    let refused = scenario.run();
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("JF-7034"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains(&scenario.input),
        "{}",
        refused.stderr
    );
}
