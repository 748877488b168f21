//! Dead letters that are given back: each is worked on once by what refused it, and leaves the queue with what became of it.

use serde_json::json;

use crate::scenario::{Scenario, counts_of, digest, is_poison, lines};

const RECORDS: u64 = 3_000;

fn replay(scenario: &Scenario, arguments: &[&str]) -> String {
    let finished = scenario
        .pipeline()
        .run_command(&["dlq", "replay"], arguments)
        .unwrap()
        .expect_success();
    finished.stdout
}

#[test]
fn letters_go_through_the_corrected_plugin_once() {
    for parallelism in [1, 2] {
        let all = lines(RECORDS, &[5, 1_500, RECORDS - 1]);
        let scenario = Scenario::new(all.clone())
            .pass("misdeed = \"trap\"")
            .parallelism(parallelism);
        scenario.run().expect_success();
        scenario.assert_poison_set_aside("plugin-trapped");

        let corrected = scenario.pass("");
        assert_eq!(
            replay(&corrected, &[]),
            "3 dead letters replayed, 0 refused again\n"
        );
        let (poison, harmless): (Vec<_>, Vec<_>) =
            all.iter().cloned().partition(|line| is_poison(line));
        assert_eq!(corrected.echo(), [harmless, poison].concat());
        assert_eq!(corrected.counts(), counts_of(&all));
        assert!(corrected.letters().is_empty());

        assert_eq!(
            replay(&corrected, &[]),
            "0 dead letters replayed, 0 refused again\n"
        );
        assert_eq!(corrected.counts(), counts_of(&all));
    }
}

#[test]
fn what_is_refused_again_is_in_the_queue_again() {
    let scenario = Scenario::new(lines(RECORDS, &[7, 8])).pass("misdeed = \"trap\"");
    scenario.run().expect_success();
    assert_eq!(
        replay(&scenario, &["--code", "plugin-trapped"]),
        "2 dead letters replayed, 2 refused again\n"
    );
    scenario.assert_poison_set_aside("plugin-trapped");
    assert_eq!(
        replay(&scenario, &["--stage", "count"]),
        "0 dead letters replayed, 0 refused again\n"
    );
}

#[test]
fn what_is_refused_again_meets_the_state_of_the_last_checkpoint() {
    let scenario = Scenario::new(lines(70, &[3])).pass("misdeed = \"trap\"");
    scenario.run().expect_success();
    // Nine of its ten records were counted.
    let scenario = scenario.pass("").count("key = \"k3\", record = 10");
    assert_eq!(
        replay(&scenario, &[]),
        "1 dead letter replayed, 1 refused again\n"
    );
    let letters = scenario.listed_letters();
    assert_eq!((letters.len(), &letters[0]["stage"]), (1, &"count".into()));
    let state = json!({"version": 1, "value": "\0\u{1}\u{9}"});
    assert_eq!(letters[0]["state"], state);
}

#[test]
fn letters_of_a_plugin_go_through_its_next_version_once() {
    let all = lines(RECORDS, &[5, 1_500]);
    let scenario = Scenario::new(all.clone()).pass("misdeed = \"trap\"");
    scenario.run().expect_success();
    let letters = scenario.listed_letters();
    assert!(letters.iter().all(|it| it["plugin"] == digest("misbehave")));

    let next = scenario.next_version_of_pass().pass("");
    assert_eq!(
        replay(&next, &[]),
        "2 dead letters replayed, 0 refused again\n"
    );
    assert_eq!(next.counts(), counts_of(&all));
    next.run().expect_success();
    assert_eq!(next.counts(), counts_of(&all));
    assert!(next.letters().is_empty());
}
