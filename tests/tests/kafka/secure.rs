//! A broker that takes encrypted connections of those who have a password.

use jackfield_tests::services::{Kafka, KafkaClient};
use tempfile::tempdir;

use super::scenario::Scenario;

/// Both the settings that are no secret and those that are come to source, sink and transactions alike.
fn options(authority: &str) -> String {
    format!(
        r#"settings = {{ "security.protocol" = "SASL_SSL", "sasl.mechanism" = "SCRAM-SHA-512", "sasl.username" = "{}" {authority} }}
           secrets = {{ "sasl.password" = {{ env = "KAFKA_PASSWORD" }} }}"#,
        KafkaClient::USER
    )
}

/// One broker for all that is to be said of it: it takes longer to start than they do together.
#[test]
fn only_who_is_let_in_by_a_broker_that_is_trusted_reads_and_writes() {
    let folder = tempdir().unwrap();
    let kafka = Kafka::start_secure(folder.path()).unwrap();
    let authority = format!(r#", "ssl.ca.location" = {:?}"#, kafka.certificate());
    let scenario = Scenario::new(&kafka, 1).connection(&options(&authority));
    scenario.feed(0..100);
    let run = |scenario: &Scenario<'_>, password: &str| {
        let pipeline = scenario.pipeline().environment("KAFKA_PASSWORD", password);
        pipeline.run().unwrap()
    };

    let refused = run(&scenario, "wrong");
    assert!(refused.stderr.contains("JF-7031"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("wrong\""), "{}", refused.stderr);

    let scenario = scenario.connection(&options(""));
    let refused = run(&scenario, KafkaClient::USER);
    assert!(refused.stderr.contains("JF-7031"), "{}", refused.stderr);

    let scenario = scenario.connection(&options(&authority));
    run(&scenario, KafkaClient::USER).expect_success();
    scenario.assert_each_once(0..100);
}
