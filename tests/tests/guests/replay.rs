//! Dead letters that are given back: each is worked on once by what refused it, and leaves the queue with what became of it.

use crate::scenario::{Scenario, counts_of, is_poison, lines};

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
