//! What is decided after failures.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::pipeline::breaker::FIRST_PAUSE;
use crate::plugin::Breach;

const SITE: Site = Site {
    stage: 0,
    worker: 0,
};

const OTHER: Site = Site {
    stage: 1,
    worker: 0,
};

fn trap() -> Failure {
    Failure {
        breach: Breach::Trap("unreachable".to_owned()),
        function: "process",
        last_words: String::new(),
        backtrace: None,
    }
}

fn suspect(value: &[u8]) -> Suspect {
    let record = Record {
        value,
        key: b"",
        timestamp: 0,
    };
    Suspect::record(Census::default().identify(0, record), record, None)
}

fn recovery(maximum_restarts: u32, breaker_failures: u32, on_breaker: OnBreaker) -> Recovery {
    Recovery::new(config::Recovery {
        maximum_restarts,
        breaker_failures,
        on_breaker,
        ..config::Recovery::default()
    })
}

/// Fails at a moment that is the same for all.
fn fail(recovery: &mut Recovery, suspect: Suspect) -> Decision {
    let now = Instant::now();
    recovery.on_failure(now, SITE, suspect, &trap())
}

#[test]
fn a_batch_is_suspected_first_and_then_one_record_of_it_is_left_out() {
    let mut recovery = recovery(3, 100, OnBreaker::Stop);
    let decision = fail(&mut recovery, Suspect::Batch(10..20));
    assert_eq!(decision, Decision::Restart);
    assert_eq!(recovery.precautions().caution[&SITE], 10..20);
    assert_eq!(fail(&mut recovery, suspect(b"x")), Decision::Restart);
    assert_eq!(recovery.precautions().poison.len(), 1);
    recovery.on_checkpoint(Instant::now());
    let precautions = recovery.precautions();
    assert!(precautions.poison.is_empty() && precautions.caution.is_empty());
}

#[test]
fn failures_without_progress_end_in_a_stop() {
    let mut recovery = recovery(2, 100, OnBreaker::Stop);
    assert_eq!(fail(&mut recovery, Suspect::None), Decision::Restart);
    assert_eq!(fail(&mut recovery, Suspect::None), Decision::Restart);
    assert_eq!(
        fail(&mut recovery, Suspect::None),
        Decision::Stop(Exhausted::Restarts(3))
    );
}

#[test]
fn records_without_number_end_in_a_stop_though_each_was_followed_by_a_checkpoint() {
    let settings = config::Recovery::default();
    let mut recovery = Recovery::new(settings);
    for number in 1..settings.breaker_failures {
        let decision = fail(&mut recovery, suspect(&number.to_le_bytes()));
        assert_eq!(decision, Decision::Restart);
        recovery.on_checkpoint(Instant::now());
    }
    let decision = fail(&mut recovery, suspect(b"one too many"));
    let exhausted = Exhausted::Failures(settings.breaker_failures, settings.breaker_window);
    assert_eq!(decision, Decision::Stop(exhausted));
}

#[test]
fn in_a_pause_it_is_remembered_what_was_found() {
    let mut recovery = recovery(3, 2, OnBreaker::Pause);
    fail(&mut recovery, Suspect::Batch(0..2));
    let decision = fail(&mut recovery, suspect(b"x"));
    assert!(matches!(decision, Decision::Pause(_, FIRST_PAUSE)));
    assert_eq!(recovery.precautions().poison.len(), 1);
    assert_eq!(recovery.next_trial(), None, "there is no attempt to end");
}

#[test]
fn a_stage_that_is_bypassed_is_tried_again_when_its_pause_is_over() {
    let (mut recovery, now) = (recovery(3, 2, OnBreaker::BypassToDlq), Instant::now());
    recovery.on_failure(now, SITE, Suspect::Batch(0..2), &trap());
    let decision = recovery.on_failure(now, SITE, suspect(b"x"), &trap());
    assert!(matches!(decision, Decision::Bypass(_, FIRST_PAUSE)));
    let precautions = recovery.precautions();
    assert!(precautions.poison.is_empty() && precautions.caution.is_empty());
    assert!(precautions.bypassed[&0].contains("trapped in `process`: unreachable"));

    recovery.on_attempt(now);
    recovery.on_checkpoint(now);
    assert_eq!(recovery.next_trial(), Some(now + FIRST_PAUSE));
    recovery.on_attempt(now + FIRST_PAUSE);
    assert!(recovery.precautions().bypassed.is_empty());
    assert_eq!(recovery.next_trial(), None);
    let decision = recovery.on_failure(now + FIRST_PAUSE, SITE, Suspect::None, &trap());
    assert_eq!(
        decision,
        Decision::Bypass(Exhausted::Trial, FIRST_PAUSE * 2)
    );
}

#[test]
fn another_plugin_is_not_blamed_for_the_former_one() {
    let (mut recovery, now) = (recovery(0, 3, OnBreaker::BypassToDlq), Instant::now());
    recovery.on_failure(now, OTHER, suspect(b"x"), &trap());
    recovery.on_failure(now, SITE, Suspect::None, &trap());
    recovery.on_replacement(SITE.stage);
    let precautions = recovery.precautions();
    assert!(precautions.bypassed.is_empty());
    assert_eq!(precautions.poison.len(), 1, "of the other stage");
    let decision = recovery.on_failure(now, SITE, suspect(b"x"), &trap());
    assert_eq!(decision, Decision::Restart);
}

#[test]
fn a_message_shows_the_beginning_of_a_record_and_nothing_that_a_terminal_obeys() {
    assert_eq!(suspect(b"a\x1b[2J").to_string(), "the record a\\u{1b}[2J");
    assert!(suspect(&[b'x'; 1000]).to_string().len() < EXCERPT + 20);
}

#[test]
fn a_failure_in_another_place_than_expected_widens_the_caution() {
    let mut recovery = recovery(3, 100, OnBreaker::Stop);
    fail(&mut recovery, Suspect::Batch(10..20));
    fail(&mut recovery, Suspect::Batch(5..15));
    assert_eq!(recovery.precautions().caution[&SITE], 0..20);
}

#[test]
fn records_of_the_same_content_are_told_apart_by_their_order() {
    let mut census = Census::default();
    let record = Record {
        value: b"x",
        key: b"",
        timestamp: 0,
    };
    let (first, second) = (census.identify(0, record), census.identify(0, record));
    assert_ne!(first, second);
    assert_ne!(first, census.identify(1, record));
    assert_eq!(first, Census::default().identify(0, record));
}

/// Something that happens to a pipeline of two stages.
#[derive(Clone, Debug)]
enum Happening {
    Fails { other: bool, record: Option<u8> },
    Checkpoint,
    Attempt,
    Passes(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (any::<bool>(), any::<Option<u8>>())
            .prop_map(|(other, record)| Happening::Fails { other, record }),
        1 => Just(Happening::Checkpoint),
        1 => Just(Happening::Attempt),
        1 => (0u64..100).prop_map(Happening::Passes),
    ]
}

/// What is decided about the first stage, where the other one fails too or does not.
fn decisions(happenings: &[Happening], with_other: bool, on_breaker: OnBreaker) -> Vec<Decision> {
    let (mut recovery, mut now) = (recovery(3, 10, on_breaker), Instant::now());
    let mut decisions = Vec::new();
    for happening in happenings {
        match happening {
            Happening::Fails { other, record } => {
                let suspect = record.map_or(Suspect::None, |record| suspect(&[record]));
                match other {
                    true if !with_other => {}
                    true => _ = recovery.on_failure(now, OTHER, suspect, &trap()),
                    false => decisions.push(recovery.on_failure(now, SITE, suspect, &trap())),
                }
            }
            Happening::Checkpoint => recovery.on_checkpoint(now),
            Happening::Attempt => recovery.on_attempt(now),
            Happening::Passes(seconds) => now += Duration::from_secs(*seconds),
        }
    }
    decisions
}

proptest! {
    #[test]
    fn the_breaker_of_one_stage_is_none_of_anothers(
        happenings in vec(happening(), 0..100),
        on_breaker in prop_oneof![
            Just(OnBreaker::Stop),
            Just(OnBreaker::Pause),
            Just(OnBreaker::BypassToDlq),
        ],
    ) {
        let alone = decisions(&happenings, false, on_breaker);
        prop_assert_eq!(decisions(&happenings, true, on_breaker), alone);
    }

    /// However long it lasts: there is no growth without bound of what is remembered.
    #[test]
    fn what_is_remembered_of_records_is_bounded(records in vec(any::<u16>(), 0..200)) {
        let (mut recovery, mut now) = (recovery(3, 10, OnBreaker::Pause), Instant::now());
        for record in records {
            now += Duration::from_secs(3600);
            recovery.on_attempt(now);
            recovery.on_failure(now, SITE, suspect(&record.to_le_bytes()), &trap());
            prop_assert!(recovery.precautions().poison.len() <= 11);
        }
    }
}
