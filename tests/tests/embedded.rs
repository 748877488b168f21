//! The data-actions pipeline from file to tables, against the model and against what Apache Flink put out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jackfield_tests::comparison::compare;
use jackfield_tests::flink::assert_flink_output;
use jackfield_tests::generator::{DEFAULT_SEED, Generator, Traffic};
use jackfield_tests::harness::{Pipeline, repository};
use jackfield_tests::model::Model;
use jackfield_tests::scenario::Scenario;
use jackfield_tests::table::Observation;

fn hostile(seed: u64, records: u64) -> Vec<u8> {
    Generator::new(seed, Traffic::Hostile).lines(records)
}

#[test]
fn one_instance_puts_out_what_flink_does() {
    let scenario = Scenario::new(&Generator::new(DEFAULT_SEED, Traffic::Plain).lines(200_000));
    scenario.run();
    assert_flink_output(&scenario.tables());
    scenario.assert_model_output();
}

#[test]
fn two_instances_put_out_what_flink_does() {
    let scenario = Scenario::new(&Generator::new(DEFAULT_SEED, Traffic::Plain).lines(200_000))
        .with(|pipeline| pipeline.set("pipeline.parallelism=2"));
    scenario.run();
    assert_flink_output(&scenario.tables());
    scenario.assert_model_output();
}

#[test]
fn hostile_input_leads_to_what_the_model_says() {
    let scenario = Scenario::new(&hostile(3, 100_000));
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn hostile_input_leads_to_the_same_with_three_instances() {
    let scenario =
        Scenario::new(&hostile(4, 100_000)).with(|pipeline| pipeline.set("pipeline.parallelism=3"));
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn frequent_checkpoints_change_nothing() {
    let scenario =
        Scenario::new(&hostile(5, 100_000)).with(|pipeline| pipeline.checkpoint_every(10));
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn gzip_is_decompressed() {
    let input = hostile(6, 20_000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&input).unwrap();
    let scenario = Scenario::with_input_file("input.jsonl.gz", &gzip.finish().unwrap(), &input);
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn gzip_of_several_members_is_decompressed_to_its_end() {
    let input = hostile(7, 20_000);
    let mut members = Vec::new();
    for part in input.chunks(input.len() / 3) {
        let mut gzip = GzEncoder::new(&mut members, Compression::fast());
        gzip.write_all(part).unwrap();
        gzip.finish().unwrap();
    }
    let scenario = Scenario::with_input_file("input.jsonl.gz", &members, &input);
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn the_last_line_needs_no_newline() {
    let mut input = Generator::new(8, Traffic::Plain).lines(1000);
    assert_eq!(input.pop(), Some(b'\n'));
    let scenario = Scenario::new(&input);
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn empty_input_leads_to_empty_tables() {
    let scenario = Scenario::new(b"");
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn junk_is_rejected_line_by_line() {
    let scenario = Scenario::new(b"\xff\xfe\0\n<html>\n{\"a\":\n[1]\ntrue\n{}\n\"\n-\n");
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn two_files_are_read_as_partitions_whose_watermarks_are_kept_apart() {
    let scenario = two_partitions();
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn two_files_are_read_by_two_instances() {
    let scenario = two_partitions().with(|pipeline| pipeline.set("pipeline.parallelism=2"));
    scenario.run();
    scenario.assert_model_output();
}

/// 0 where a line is cut before it.
fn last_digit_of_customer(line: &[u8]) -> u8 {
    let name = b"\"customerId\":\"c";
    let place = line.windows(name.len()).position(|bytes| bytes == name);
    place
        .and_then(|place| line.get(place + name.len() + 5).copied())
        .unwrap_or(0)
}

fn two_partitions() -> Scenario {
    let input = Generator::new(9, Traffic::Plain).lines(100_000);
    // A customer's records stay in one file, in their order, so that no result depends on which file is read faster.
    let (even, odd): (Vec<&[u8]>, Vec<&[u8]>) = input
        .split_inclusive(|byte| *byte == b'\n')
        .partition(|line| last_digit_of_customer(line).is_multiple_of(2));
    assert!(even.len().abs_diff(odd.len()) < 10_000);
    Scenario::with_partitions(&[even.concat(), odd.concat()], &input)
}

#[test]
fn the_sample_shows_windows_an_alert_and_every_kind_of_rejection() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::data_actions(folder.path());
    pipeline.run().unwrap().expect_success();
    let sample = std::fs::read(repository().join("examples/data-actions/sample.jsonl")).unwrap();
    let expected = Model::of(&sample);
    assert!(
        expected.volumes.len() > 10
            && expected.alerts.len() == 1
            && expected.rejections().len() > 5
    );
    let differences = compare(
        &expected.tables(),
        &Observation::of(folder.path()).tables().unwrap(),
    );
    assert!(
        differences.is_empty(),
        "{differences}\n{}",
        differences.examples.join("\n")
    );
}
