//! The generator against the files of the program whose algorithm it repeats.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jackfield_tests::generator::{DEFAULT_SEED, Generator, Traffic, write_files};
use jackfield_tests::model::{Model, Rejected};
use sha2::{Digest, Sha256};

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn plain_traffic_is_byte_for_byte_the_input_that_flink_was_measured_on() {
    let lines = Generator::new(DEFAULT_SEED, Traffic::Plain).lines(200_000);
    assert_eq!(
        digest(&lines),
        "6d9c3813e7f9ea2bb9fc0c2497eaa46ca6fde43c88b33ffa73000b2fb9ad5048"
    );
}

#[test]
fn parts_take_the_lines_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("parts.jsonl");
    let paths = write_files(Generator::new(12_345, Traffic::Plain), 250_000, &out, 2).unwrap();
    let digests: Vec<String> = paths
        .iter()
        .map(|path| digest(&std::fs::read(path).unwrap()))
        .collect();
    assert_eq!(
        digests,
        [
            "b57612cf1222959bbecbcbaab5f44d66ace426c5078c17975ddb0dc7167bb31e",
            "94d4dbb7836248d68949907403dee81e44fd364dab26d2b2395cf93de3d3b425",
        ]
    );
}

#[test]
fn every_kind_of_traffic_is_repeated_by_its_seed() {
    for traffic in [
        Traffic::Plain,
        Traffic::Hostile,
        Traffic::Punctual,
        Traffic::Realistic,
    ] {
        let lines = Generator::new(7, traffic).lines(20_000);
        assert!(
            lines == Generator::new(7, traffic).lines(20_000),
            "{traffic:?} is not repeatable"
        );
        assert!(
            lines != Generator::new(8, traffic).lines(20_000),
            "{traffic:?} does not depend on its seed"
        );
    }
}

#[test]
fn punctual_traffic_is_rejected_for_all_sorts_of_reasons_but_never_for_being_late() {
    let output = Model::of(&Generator::new(7, Traffic::Punctual).lines(100_000));
    assert!(output.rejections().len() > 5 && !output.alerts.is_empty());
    let late = |rejected: &&Rejected| matches!(rejected, Rejected::Late { .. });
    assert_eq!(output.rejected.iter().find(late), None);
}
