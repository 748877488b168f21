//! Batches in, batches out.

use jackfield_sdk::testing::{Step, assert_batching_is_invisible};
use jackfield_sdk::{Batch, Mark, Runner};
use proptest::prelude::*;

use crate::scripted::Command::{self, Add, ClearTimer, Forget, Late, Refuse, Report, SetTimer};
use crate::scripted::{REPORTS, Scripted, command};

fn batch(commands: &[(&str, Command)], marks: &[(u32, i64)]) -> Batch {
    Batch {
        values: commands
            .iter()
            .map(|(_, command)| postcard::to_allocvec(command).unwrap())
            .collect(),
        keys: commands.iter().map(|(key, _)| key).collect(),
        timestamps: commands.iter().map(|_| 0).collect(),
        marks: marks
            .iter()
            .map(|(index, watermark)| Mark {
                index: *index,
                watermark: *watermark,
            })
            .collect(),
    }
}

#[test]
fn a_mark_stands_in_each_output_where_its_records_stand() {
    let mut runner = Runner::<Scripted>::configure("{}", &[0, 1]).unwrap();
    let commands = [
        ("a", SetTimer(5)),
        ("a", Add(1)),
        ("b", Late),
        ("b", Add(2)),
    ];
    let output = runner.process(0, &batch(&commands, &[(0, 1), (2, 9), (4, 10)]));
    let [reports, late] = &output.emissions[..] else {
        panic!("{output:?}")
    };
    let marks = |marks: &[(u32, i64)]| batch(&[], marks).marks;
    assert_eq!(
        reports.records.values.iter().collect::<Vec<_>>(),
        [&b"sum Some(1)"[..], b"timer 5 sum Some(1)", b"sum Some(2)"]
    );
    assert_eq!(reports.records.marks, marks(&[(0, 1), (2, 9), (3, 10)]));
    assert_eq!(late.records.marks, marks(&[(0, 1), (0, 9), (1, 10)]));
}

#[test]
fn every_record_says_what_it_was_made_from() {
    let mut runner = Runner::<Scripted>::configure("{}", &[0]).unwrap();
    let commands = [
        ("a", SetTimer(5)),
        ("a", Add(1)),
        ("b", Refuse),
        ("b", Add(2)),
    ];
    let output = runner.process(0, &batch(&commands, &[(2, 9)]));
    assert_eq!(output.emissions[0].origins, [1, 2, 3]);
    assert_eq!(output.rejections[0].index, 2);
}

#[test]
fn an_output_without_records_is_left_out() {
    let mut runner = Runner::<Scripted>::configure("{}", &[0, 1]).unwrap();
    let output = runner.process(0, &batch(&[("a", SetTimer(5))], &[(1, 3)]));
    assert!(output.emissions.is_empty());
}

#[test]
fn an_output_that_nobody_consumes_gets_nothing() {
    let mut runner = Runner::<Scripted>::configure("{}", &[]).unwrap();
    let output = runner.process(REPORTS.index(), &batch(&[("a", Add(5))], &[]));
    assert!(output.emissions.is_empty());
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (0..10_u64).prop_map(Add),
        1 => Just(Report),
        2 => Just(Forget),
        4 => (-50..150_i64).prop_map(SetTimer),
        1 => (-50..150_i64).prop_map(ClearTimer),
        1 => Just(Refuse),
        1 => Just(Late),
    ]
}

/// Commands for a few keys, and a watermark that rises between them.
fn any_stream() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => ("[a-d]", any_command()).prop_map(|(key, told)| Ok(command(&key, &told))),
        1 => (1..20_i64).prop_map(Err),
    ];
    prop::collection::vec(step, 1..60).prop_map(|steps| {
        let mut watermark = -50;
        let place = |step| match step {
            Ok(record) => Step::Record(record),
            Err(rise) => {
                watermark += rise;
                Step::Watermark(watermark)
            }
        };
        steps.into_iter().map(place).collect()
    })
}

proptest! {
    #[test]
    fn batches_and_restarts_cannot_be_seen(stream in any_stream(), cuts in prop::collection::vec(any::<usize>(), 0..8), restarts in any::<u64>()) {
        assert_batching_is_invisible::<Scripted>("{}", "commands", &stream, &cuts, |cut| restarts >> (cut % 64) & 1 == 1);
    }
}
