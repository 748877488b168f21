//! Failures that no record is to blame for: the pipeline ends in order, with what it needs to be put right.

use crate::scenario::{Scenario, assert_ended, digest, lines};

#[test]
fn a_trap_at_a_flush_stops_the_pipeline_with_the_name_of_the_plugin() {
    let scenario = Scenario::new(lines(100, &[])).pass("misdeed = \"trap\", at = \"flush\"");
    let finished = scenario.run();
    let digest = digest("misbehave");
    assert_ended(
        &finished,
        1,
        &[
            "error[JF-2101]",
            "`pass`",
            "misbehave 0.1.0",
            &digest[..12],
            "trapped in `flush`",
            "4 failures",
        ],
    );
    assert!(scenario.letters().is_empty());
}

#[test]
fn a_trap_at_the_end_of_input_stops_the_pipeline() {
    for parallelism in [1, 2] {
        let scenario = Scenario::new(lines(100, &[]))
            .pass("misdeed = \"trap\", at = \"mark\"")
            .parallelism(parallelism);
        assert_ended(
            &scenario.run(),
            1,
            &["error[JF-2101]", "`pass`", "trapped in `process`"],
        );
        assert!(scenario.letters().is_empty());
    }
}

#[test]
fn a_trap_at_a_timer_stops_the_pipeline_and_blames_no_record() {
    for parallelism in [1, 2] {
        let scenario = Scenario::new(lines(1_000, &[]))
            .count("key = \"k3\", timer = true")
            .parallelism(parallelism);
        let finished = scenario.run();
        let digest = digest("stumble");
        assert_ended(
            &finished,
            1,
            &[
                "error[JF-2101]",
                "`count`",
                &digest[..12],
                "stumbled over the timer of k3",
            ],
        );
        assert!(scenario.letters().is_empty());
    }
}

#[test]
fn a_stage_without_keys_that_returns_state_is_stopped() {
    let scenario = Scenario::new(lines(100, &[])).pass("lie = \"state\"");
    assert_ended(&scenario.run(), 1, &["error[JF-4003]", "`pass`"]);
}

#[test]
fn a_trap_as_it_is_configured_is_found_before_anything_starts() {
    let scenario = Scenario::new(lines(100, &[])).pass("misdeed = \"trap\", at = \"configure\"");
    assert_ended(
        &scenario.run(),
        3,
        &[
            "JF-2005",
            "`pass`",
            "trapped in `configure`",
            "a trap was asked for",
        ],
    );
}

#[test]
fn after_a_correction_the_pipeline_goes_on_from_where_it_stopped() {
    let scenario = Scenario::new(lines(1_000, &[]))
        .count("key = \"k3\", timer = true")
        .checkpoint_every("10ms");
    assert_ended(&scenario.run(), 1, &["JF-2101"]);
    let scenario = scenario.count("");
    scenario.run().expect_success();
    scenario.assert_poison_set_aside("none");
}

#[test]
fn a_neighbour_in_the_same_process_is_not_disturbed() {
    let neighbour = Scenario::new(lines(50_000, &[]))
        .named("neighbour")
        .checkpoint_every("20ms");
    for (misdeed, exit) in [
        ("misdeed = \"loop\"", 0),
        ("misdeed = \"trap\", at = \"flush\"", 1),
    ] {
        let guilty = Scenario::new(lines(5_000, &[10, 4_000])).pass(misdeed);
        let finished = guilty.pipeline().beside(neighbour.write()).run().unwrap();
        assert_ended(&finished, exit, &["`pass`"]);
        neighbour.assert_poison_set_aside("none");
    }
}

#[test]
fn what_a_plugin_logs_is_bounded_and_what_was_left_out_is_counted() {
    let scenario = Scenario::new(lines(100, &[50])).pass("misdeed = \"log-without-end\"");
    let finished = scenario.run().expect_success();
    assert_ended(
        &finished,
        0,
        &[
            "and another thing",
            "the plugin logs too much: lines were left out",
        ],
    );
    assert!(
        finished.stderr.lines().count() < 2_000,
        "{} lines",
        finished.stderr.lines().count()
    );
}
