//! The data-actions pipeline without a plugin of its own, against the same model.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use jackfield_tests::comparison::compare;
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::Pipeline;
use jackfield_tests::model::Model;
use jackfield_tests::table::{Observation, Table};

/// Everything but the dead letters: ready plugins have codes of their own.
fn results(mut tables: Vec<Table>) -> Vec<Table> {
    let before = tables.len();
    tables.retain(|table| table.name != "dead letters");
    assert_eq!((before, tables.len()), (4, 3));
    tables
}

fn assert_model_output(lines: &[u8], change: impl FnOnce(Pipeline) -> Pipeline) {
    let folder = tempfile::tempdir().unwrap();
    let (input, data) = (
        folder.path().join("input.jsonl"),
        folder.path().join("data"),
    );
    fs::write(&input, lines).unwrap();
    let pipeline = Pipeline::new("examples/data-actions/by-manifest.toml", &data)
        .environment("JACKFIELD_DATA", &data.display().to_string())
        .input(&input);
    change(pipeline).run().unwrap().expect_success();
    let observed = Observation::of(&data).tables().unwrap();
    let differences = compare(&results(Model::of(lines).tables()), &results(observed));
    assert!(
        differences.is_empty(),
        "{differences}\n{}",
        differences.examples.join("\n")
    );
}

#[test]
fn ready_plugins_put_out_what_the_pipeline_in_code_does() {
    let lines = Generator::new(11, Traffic::Realistic).lines(60_000);
    assert_model_output(&lines, |pipeline| pipeline);
}

#[test]
fn hostile_input_leads_to_the_same_with_two_instances_and_many_checkpoints() {
    let lines = Generator::new(12, Traffic::Hostile).lines(60_000);
    assert_model_output(&lines, |pipeline| {
        pipeline.set("pipeline.parallelism=2").checkpoint_every(100)
    });
}
