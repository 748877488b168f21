//! Plugins that return what the contract does not allow.

use jackfield::error::Code;
use jackfield::plugin::Failure;

use crate::fixture::{assert_fails, misbehaving, process};

fn lie(lie: &str) -> Failure {
    process(&mut misbehaving(&format!(r#"{{"lie":"{lie}"}}"#))).expect_err(lie)
}

#[track_caller]
fn assert_found_out(named: &str, words: &str) {
    assert_fails(&lie(named), Code::PLUGIN_CONTRACT, words);
}

#[test]
fn a_plugin_that_keeps_the_contract_is_left_alone() {
    let output = process(&mut misbehaving("{}")).unwrap();
    let records: Vec<usize> = output
        .emissions
        .iter()
        .map(|emission| emission.batch.len())
        .collect();
    assert_eq!(records, [3, 3]);
    assert!(output.rejections.is_empty());
}

#[test]
fn ends_that_do_not_fit_their_data_are_refused() {
    assert_found_out("ends-fall", "lies before the end in front of it");
    assert_found_out(
        "ends-behind-data",
        "the last end is 4294967295, but there are",
    );
    assert_found_out(
        "ends-before-data",
        "the column of values is malformed: the last end is",
    );
}

#[test]
fn columns_of_unequal_length_are_refused() {
    assert_found_out(
        "keys-without-port",
        "on its output `echo`, there are 1 keys for 0 values",
    );
    assert_found_out(
        "keys-missing",
        "on its output `keyed`, there are 0 keys for 3 values",
    );
    assert_found_out(
        "timestamps-missing",
        "on its output `echo`, there are 0 timestamps for 3 values",
    );
}

#[test]
fn a_port_that_was_not_described_is_refused() {
    assert_found_out(
        "unknown-port",
        "it wrote to output 77, but it described 2 outputs",
    );
}

#[test]
fn two_emissions_for_one_port_are_refused() {
    assert_found_out("port-twice", "two emissions for its output `echo`");
}

#[test]
fn marks_that_are_not_those_of_the_input_are_refused() {
    for named in ["mark-missing", "mark-invented"] {
        assert_found_out(
            named,
            "the marks do not repeat those of the input: their number differs",
        );
    }
    assert_found_out("mark-moved", "a watermark differs");
    assert_found_out("mark-behind-end", "an index lies behind the last record");
}

#[test]
fn origins_that_cannot_be_are_refused() {
    assert_found_out("origins-missing", "there are 0 origins for 3 values");
    for named in ["origins-fall", "origin-behind-end"] {
        assert_found_out(
            named,
            "the origins fall, or lie behind the 3 records of the input",
        );
    }
}

#[test]
fn rejections_of_what_was_not_there_are_refused() {
    assert_found_out(
        "rejection-behind-end",
        "it rejected record 3 of a batch of 3",
    );
    assert_found_out("rejection-twice", "it rejected record 0 twice");
}

#[test]
fn a_rejection_needs_a_code_that_can_be_searched_for() {
    assert_found_out("rejection-code-odd", r"the code `\u{1b}[2J odd code`");
    assert_found_out("rejection-code-long", "is not 1 to 64 letters");
    assert_found_out("rejection-not-utf8", "utf-8");
}

#[test]
fn the_message_of_a_rejection_is_kept_in_part_and_harmless() {
    let output = process(&mut misbehaving(r#"{"lie":"rejection-message-long"}"#)).unwrap();
    let message = &output.rejections[0].message;
    assert!(
        message.starts_with(r"\u{1b}[2J") && message.ends_with("… (1048576 bytes in all)"),
        "{message}"
    );
    assert!(message.len() < 5000);
}

#[test]
fn four_gib_that_are_not_there_are_refused() {
    assert_found_out("four-gib", "out of bounds");
}

#[test]
fn the_same_bytes_returned_a_hundred_times_are_refused_before_they_are_copied() {
    let limits = jackfield::plugin::Limits {
        memory: 256 << 20,
        ..crate::fixture::LIMITS
    };
    let mut instance = crate::fixture::misbehaving_within(&limits, r#"{"lie":"aliases"}"#);
    let before = peak_memory();
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_OUTPUT_BYTES,
        "returned more than 33554432 bytes from one call of `process`",
    );
    let taken = peak_memory() - before;
    assert!(taken < 1 << 30, "the host took {taken} bytes");
}

#[test]
fn state_in_columns_of_unequal_length_is_refused() {
    let failure = misbehaving(r#"{"lie":"state-uneven"}"#)
        .flush()
        .unwrap_err();
    assert_fails(
        &failure,
        Code::PLUGIN_CONTRACT,
        "there are 2 keys for 1 values",
    );
}

/// The most resident memory that this process had, bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim()
        .strip_suffix(" kB")
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
