//! How a pipeline is cut into tasks that several processes share.

#![expect(
    clippy::expect_used,
    reason = "a case that cannot be read fails its test"
)]

use std::collections::BTreeMap;
use std::path::Path;

use jackfield::config::Manifest;
use jackfield::pipeline::distribution::{Distribution, TaskId};
use jackfield::pipeline::plan::{Origin, Plan, SinkKind, SourceKind};
use jackfield::pipeline::planner;
use jackfield::plugin::Runtime;

const MANIFEST: &str = r#"
    [pipeline]
    name = "shared"
    exchange = "kafka"
    exchange-partitions = 4

    [checkpoint]
    type = "object-store"
    url = "checkpoints"

    [connections.kafka]
    type = "kafka"
    bootstrap-servers = "127.0.0.1:9092"

    [sources.records]
    type = "kafka"
    connection = "kafka"
    topic = "records"

    [stages.parse]
    plugin = "../target/plugins/parse-interactions.wasm"
    inputs.lines = "records"
    watermark = { out-of-orderness = "5s" }

    [stages.count]
    plugin = "../target/plugins/count-interactions.wasm"
    inputs.interactions = "parse.channels"
    configuration.window = "10s"

    [stages.join]
    plugin = "../target/plugins/join-profiles.wasm"
    inputs.customers = "parse.customers"

    [sinks.enriched]
    type = "kafka"
    connection = "kafka"
    topic = "enriched"
    from = "join.enriched"

    [sinks.volumes]
    type = "kafka"
    connection = "kafka"
    topic = "volumes"
    from = "count.volumes"
"#;

fn distribution() -> Distribution {
    let path = Path::new("shared.toml");
    let manifest = Manifest::parse(path, MANIFEST.to_owned(), &BTreeMap::new(), &[])
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let runtime = Runtime::new(None).expect("an engine");
    let plan = planner::plan(&manifest, &runtime)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    Distribution::of(&plan).expect("a pipeline that is shared")
}

fn task(distribution: &Distribution, topic: &str, partition: i32) -> Plan {
    let id = TaskId {
        topic: topic.to_owned(),
        partition,
    };
    let partitions = BTreeMap::from([("records".to_owned(), 3)]);
    distribution
        .plan_of(&id, &partitions)
        .expect("a task of the pipeline")
}

fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    names.into_iter().map(String::as_str).collect()
}

#[test]
fn a_task_of_a_source_reads_one_partition_and_hands_keyed_records_on() {
    let distribution = distribution();
    let plan = task(&distribution, "records", 2);
    assert_eq!(plan.task.as_deref(), Some("records-2"));
    assert_eq!(
        names(plan.stages.iter().map(|stage| &stage.name)),
        ["parse"]
    );
    assert!(
        matches!(plan.sources[..], [ref one] if matches!(one.kind, SourceKind::Manifest(_, Some(2))))
    );
    let [sink] = &plan.sinks[..] else {
        panic!("one way out")
    };
    let SinkKind::Exchange(exchange) = &sink.kind else {
        panic!("it is the exchange")
    };
    assert_eq!(exchange.topic, "jackfield-shared-count-exchange");
    assert_eq!(exchange.partitions, 4);
    assert_eq!(
        names(exchange.origins.iter().map(|origin| &origin.name)),
        ["parse.channels", "parse.customers"]
    );
    assert!(
        exchange
            .origins
            .iter()
            .all(|origin| origin.keyed && origin.tasks == 3)
    );
    let transaction = plan.transaction.expect("it writes to Kafka");
    assert_eq!(transaction.id, "jackfield-shared-records-2");
}

#[test]
fn a_task_behind_the_exchange_works_for_its_keys_and_writes_the_results() {
    let distribution = distribution();
    let plan = task(&distribution, "jackfield-shared-count-exchange", 3);
    assert_eq!(plan.task.as_deref(), Some("count-3"));
    assert_eq!(
        names(plan.sources.iter().map(|source| &source.name)),
        ["parse.channels", "parse.customers"]
    );
    assert!(
        matches!(&plan.sources[0].kind, SourceKind::Exchange(exchange) if exchange.partition == 3)
    );
    assert_eq!(plan.sources[1].kind, SourceKind::SameExchange);
    assert_eq!(
        names(plan.stages.iter().map(|stage| &stage.name)),
        ["count", "join"]
    );
    assert_eq!(plan.stages[0].inputs, [vec![Origin::Source(0)]]);
    assert_eq!(plan.stages[1].inputs, [vec![Origin::Source(1)]]);
    assert_eq!(
        names(plan.sinks.iter().map(|sink| &sink.name)),
        ["enriched", "volumes"]
    );
}

#[test]
fn topics_and_tasks_are_named_so_that_they_are_found_again() {
    let distribution = distribution();
    let topics: Vec<_> = distribution.exchange_topics().collect();
    assert_eq!(topics.len(), 1);
    assert_eq!(topics[0].name, "jackfield-shared-count-exchange");
    let other = TaskId {
        topic: "another".to_owned(),
        partition: 0,
    };
    assert_eq!(
        distribution
            .plan_of(&other, &BTreeMap::new())
            .map(|plan| plan.name),
        None
    );
}
