//! Records that a plugin fails on: they end in the dead-letter queue, wherever they stand, and all others count once.

use serde_json::json;

use crate::scenario::{POISON, Scenario, assert_ended, counts_of, digest, line, lines};

/// As many as fit into one batch of the source many times over, so that poison stands in batches of every kind.
const RECORDS: u64 = 20_000;

#[test]
fn the_record_that_a_plugin_traps_on_is_set_aside() {
    for parallelism in [1, 2] {
        let scenario = Scenario::new(lines(RECORDS, &[12_345]))
            .pass("misdeed = \"trap\"")
            .parallelism(parallelism);
        scenario.run().expect_success();
        scenario.assert_poison_set_aside("plugin-trapped");
    }
}

#[test]
fn the_log_and_the_dead_letter_name_plugin_digest_stage_and_record() {
    let scenario = Scenario::new(lines(100, &[50])).pass("misdeed = \"trap\"");
    let finished = scenario.run();
    let digest = digest("misbehave");
    let record = r#"{"n":50,"key":"k1","text":"POISON"}"#;
    assert_ended(
        &finished,
        0,
        &[
            "JF-2101",
            "`pass`",
            "misbehave 0.1.0",
            &digest[..12],
            "a trap was asked for",
            record,
        ],
    );
    let letters = scenario.letters();
    let (_, _, _, message) = &letters[0];
    assert!(
        message.starts_with("trapped in `process`: ") && message.contains("a trap was asked for"),
        "{message}"
    );
}

#[test]
fn a_record_that_fails_only_in_company_is_worked_on_alone() {
    for parallelism in [1, 2] {
        let records = lines(RECORDS, &[0, 700, 12_345, RECORDS - 1]);
        let scenario = Scenario::new(records.clone())
            .pass("misdeed = \"trap\", company = 2")
            .parallelism(parallelism);
        scenario.run().expect_success();
        assert!(scenario.letters().is_empty());
        assert_eq!(scenario.echo(), records);
        assert_eq!(scenario.counts(), counts_of(&records));
    }
}

#[test]
fn the_dead_letter_has_the_state_that_the_record_met_and_where_the_plugin_failed() {
    for parallelism in [1, 2] {
        // The last of seven keys' turns: behind it there is none that would be the 77th again.
        let scenario = Scenario::new(lines(77 * 7, &[]))
            .count("key = \"k3\", record = 77")
            .parallelism(parallelism);
        scenario.run().expect_success();
        let letters = scenario.listed_letters();
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        assert_eq!(letter["key"], "k3");
        assert_eq!(letter["plugin"], digest("stumble"));
        let state = json!({"version": 1, "value": "\0\u{1}L"});
        assert_eq!(letter["state"], state, "the count before was 76");
        let backtrace = letter["backtrace"].as_str().unwrap();
        assert!(backtrace.contains("wasm backtrace"), "{backtrace}");
    }
}

#[test]
fn a_record_that_a_plugin_fails_on_first_has_met_no_state() {
    let scenario = Scenario::new(lines(100, &[])).count("key = \"k3\", record = 1");
    scenario.run().expect_success();
    // Each record of the key is its first as long as none was counted.
    let letters = scenario.listed_letters();
    assert_eq!(letters.len(), 14);
    assert!(letters.iter().all(|letter| letter.get("state").is_none()));
}

#[test]
fn every_kind_of_failure_has_its_code() {
    for (misdeed, code) in [
        ("misdeed = \"loop\"", "plugin-cpu-time"),
        ("misdeed = \"allocate-without-end\"", "plugin-memory"),
        ("misdeed = \"recurse\"", "plugin-trapped"),
        ("misdeed = \"exit\"", "plugin-trapped"),
        ("misdeed = \"sleep\"", "plugin-contract"),
        ("misdeed = \"log-without-end\"", "plugin-host-calls"),
        ("lie = \"ends-fall\"", "plugin-contract"),
        ("lie = \"unknown-port\"", "plugin-contract"),
        ("lie = \"four-gib\"", "plugin-contract"),
        ("lie = \"aliases\"", "plugin-memory"),
        ("lie = \"rejection-behind-end\"", "plugin-contract"),
    ] {
        let scenario = Scenario::new(lines(500, &[321])).pass(misdeed);
        let finished = scenario.run().expect_success();
        scenario.assert_poison_set_aside(code);
        assert!(
            finished.stderr.len() < 200_000,
            "{} bytes of log",
            finished.stderr.len()
        );
    }
}

#[test]
fn poison_may_be_the_first_record_or_the_last_or_any_number_in_a_row() {
    for poison in [
        &[0][..],
        &[RECORDS - 1],
        &[0, 1, 2, 700, 701, 9_999, RECORDS - 2, RECORDS - 1],
    ] {
        for parallelism in [1, 2] {
            let scenario = Scenario::new(lines(RECORDS, poison))
                .pass("misdeed = \"trap\"")
                .parallelism(parallelism);
            scenario.run().expect_success();
            scenario.assert_poison_set_aside("plugin-trapped");
        }
    }
}

#[test]
fn poison_in_several_partitions_is_set_aside_whatever_order_they_are_read_in() {
    let scenario = Scenario::with_partitions(vec![
        lines(RECORDS, &[1, 5_000, 15_000]),
        lines(RECORDS, &[7_777, RECORDS - 1]),
        lines(10, &[3]),
    ]);
    let scenario = scenario
        .pass("misdeed = \"trap\"")
        .parallelism(2)
        .checkpoint_every("20ms");
    scenario.run().expect_success();
    scenario.assert_poison_set_aside("plugin-trapped");
}

#[test]
fn poison_between_frequent_checkpoints_is_set_aside() {
    let poison: Vec<u64> = (0..40).map(|n| n * 500 + 250).collect();
    let scenario = Scenario::new(lines(RECORDS, &poison))
        .pass("misdeed = \"trap\"")
        .checkpoint_every("10ms");
    scenario.run().expect_success();
    scenario.assert_poison_set_aside("plugin-trapped");
}

#[test]
fn a_pipeline_of_poison_alone_is_set_aside_as_long_as_it_is_short() {
    let scenario =
        Scenario::new(lines(20, &(0..20).collect::<Vec<_>>())).pass("misdeed = \"trap\"");
    scenario.run().expect_success();
    scenario.assert_poison_set_aside("plugin-trapped");
}

#[test]
fn a_plugin_that_fails_on_everything_stops_the_pipeline() {
    let scenario = Scenario::new(lines(3_000, &[])).pass("misdeed = \"trap\", record = \"\"");
    let finished = scenario.run();
    assert_ended(
        &finished,
        1,
        &[
            "JF-2101",
            "`pass`",
            &digest("misbehave")[..12],
            "100 failures within",
        ],
    );
    assert!(
        scenario.echo().is_empty() && scenario.letters().is_empty(),
        "nothing of it was committed"
    );
}

#[test]
fn of_two_records_that_are_the_same_only_the_one_that_a_plugin_fails_on_is_set_aside() {
    for parallelism in [1, 2] {
        let mut records = lines(RECORDS, &[]);
        let twin = line(5, "twin").replace("k5", "twin");
        records.insert(100, twin.clone());
        records.insert(11_000, twin.clone());
        let scenario = Scenario::new(records.clone())
            .count("key = \"twin\", record = 2")
            .parallelism(parallelism);
        scenario.run().expect_success();
        assert_eq!(scenario.echo(), records);
        let mut expected = counts_of(&records);
        expected.insert("twin".to_owned(), 1);
        assert_eq!(scenario.counts(), expected);
        let letters = scenario.letters();
        assert_eq!(letters.len(), 1);
        let (stage, code, record, message) = &letters[0];
        assert_eq!(
            (stage.as_str(), code.as_str(), record),
            ("count", "plugin-trapped", &twin)
        );
        assert!(
            message.contains("stumbled over record 2 of twin"),
            "{message}"
        );
    }
}

#[test]
fn poison_of_two_stages_in_one_batch_is_set_aside_at_each() {
    let mut records = lines(1_000, &[400, 410]);
    records.insert(405, line(5, "other").replace("k5", "other"));
    let scenario = Scenario::new(records.clone())
        .pass("misdeed = \"trap\"")
        .count("key = \"other\", record = 1")
        .parallelism(2);
    scenario.run().expect_success();
    let stages: Vec<String> = scenario
        .letters()
        .into_iter()
        .map(|(stage, ..)| stage)
        .collect();
    assert_eq!(stages.iter().filter(|stage| *stage == "pass").count(), 2);
    assert_eq!(stages.iter().filter(|stage| *stage == "count").count(), 1);
    let passed: Vec<String> = records
        .into_iter()
        .filter(|line| !line.contains(POISON))
        .collect();
    assert_eq!(scenario.echo(), passed);
    let mut expected = counts_of(&passed);
    expected.remove("other");
    assert_eq!(scenario.counts(), expected);
}
