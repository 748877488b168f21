//! The data-actions pipeline from a Kafka topic to Cassandra tables and another topic, against the model and against what
//! Apache Flink put out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jackfield_tests::comparison::compare;
use jackfield_tests::flink::assert_flink_output;
use jackfield_tests::generator::{DEFAULT_SEED, Generator, Traffic};
use jackfield_tests::model::Model;
use jackfield_tests::served::ServedPipeline;
use jackfield_tests::services::{Cassandra, Kafka};
use jackfield_tests::table::Table;
use tempfile::TempDir;

/// No limit that is ever felt.
const UNLIMITED: u32 = 10_000_000;

struct Scenario {
    pipeline: ServedPipeline<'static>,
    lines: Vec<u8>,
    _folder: TempDir,
}

impl Scenario {
    fn new(name: &str, lines: Vec<u8>, partitions: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let servers = (Kafka::shared(), Cassandra::shared());
        let data = folder.path().to_path_buf();
        let pipeline = ServedPipeline::prepare(servers, name, data, partitions).unwrap();
        pipeline.feed(&lines).unwrap();
        Self {
            pipeline,
            lines,
            _folder: folder,
        }
    }

    fn run(&self, settings: &[&str]) {
        let pipeline = self.pipeline.pipeline(UNLIMITED);
        let pipeline = settings
            .iter()
            .fold(pipeline, |pipeline, setting| pipeline.set(setting));
        pipeline.run().unwrap().expect_success();
    }

    fn tables(&self) -> Vec<Table> {
        self.pipeline.observation().tables().unwrap()
    }

    fn assert_model_output(&self) {
        let differences = compare(&Model::of(&self.lines).tables(), &self.tables());
        assert!(
            differences.is_empty(),
            "{differences}\n{}",
            differences.examples.join("\n")
        );
    }
}

#[test]
fn one_partition_leads_to_what_flink_puts_out() {
    let lines = Generator::new(DEFAULT_SEED, Traffic::Plain).lines(200_000);
    let scenario = Scenario::new("flink", lines, 1);
    scenario.run(&[]);
    assert_flink_output(&scenario.tables());
    scenario.assert_model_output();
}

#[test]
fn hostile_input_leads_to_what_the_model_says() {
    let lines = Generator::new(21, Traffic::Hostile).lines(50_000);
    let scenario = Scenario::new("hostile", lines, 1);
    scenario.run(&[]);
    scenario.assert_model_output();
}

#[test]
fn partitions_are_read_by_several_instances_in_any_order_to_the_same_end() {
    let lines = Generator::new(22, Traffic::Punctual).lines(50_000);
    let scenario = Scenario::new("partitions", lines, 5);
    scenario.run(&[
        "pipeline.parallelism=2",
        "checkpoint.interval=100ms",
        "checkpoint.minimum-pause=0s",
    ]);
    scenario.assert_model_output();
}

#[test]
fn a_pipeline_that_is_done_changes_nothing_when_it_is_run_again() {
    let lines = Generator::new(23, Traffic::Hostile).lines(5_000);
    let scenario = Scenario::new("again", lines, 1);
    scenario.run(&[]);
    scenario.run(&[]);
    scenario.assert_model_output();
}

#[test]
fn dead_letters_of_a_shared_pipeline_are_replayed_task_by_task() {
    let lines = Generator::new(24, Traffic::Hostile).lines(5_000);
    let scenario = Scenario::new("replayed", lines, 1);
    let pipeline = scenario.pipeline.shared_pipeline(UNLIMITED);
    pipeline.run().unwrap().expect_success();
    let replay = |task: &str| {
        let replay = pipeline.run_command(&["dlq", "replay"], &["--task", task]);
        replay.unwrap()
    };
    let tables = || {
        let observation = scenario.pipeline.shared_observation(pipeline.clone());
        observation.unwrap().tables().unwrap()
    };
    let before = tables();

    let none = replay("records-7");
    assert!(none.stderr.contains("JF-8001"), "{}", none.stderr);
    let replayed = replay("records-0").expect_success();
    // What is no record of this pipeline is refused again, for the same reasons.
    let words: Vec<&str> = replayed.stdout.split_whitespace().collect();
    assert!(words[0] != "0" && words[0] == words[4], "{words:?}");

    let differences = compare(&before, &tables());
    assert!(differences.is_empty(), "{differences}");
}
