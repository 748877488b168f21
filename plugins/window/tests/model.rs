//! The library against a naive model, which recomputes every window from all records there have been.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "model/fixed.rs"]
mod fixed;
#[path = "model/sessions.rs"]
mod sessions;

use jackfield_window::{
    Assigner, ConfiguredTrigger, CountTrigger, FiringKind, Placement, SessionWindows,
    SlidingWindows, StateOf, Sum, TumblingWindows, Windowed,
};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Record(i64, i64),
    Watermark(i64),
}

/// What a step brings forth: a result or a retraction of a window, or a late record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Result(i64, i64, i64),
    Retraction(i64, i64, i64),
    Late(i64),
}

#[derive(Clone, Copy, Debug)]
struct Options {
    lateness: i64,
    /// Fires every so many records instead of at the end.
    count: Option<u64>,
    purging: bool,
    retractions: bool,
}

fn library(assigner: Assigner, options: Options, steps: &[Step]) -> Vec<Output> {
    let trigger = match options.count {
        None => ConfiguredTrigger::EventTime,
        Some(count) => ConfiguredTrigger::Count(CountTrigger::of(count)),
    };
    let trigger = if options.purging {
        ConfiguredTrigger::Purging(Box::new(trigger))
    } else {
        trigger
    };
    let mut windows = Windowed::new(assigner, Sum::<i64>::new())
        .with_trigger(trigger)
        .with_allowed_lateness(options.lateness)
        .unwrap();
    if options.retractions {
        windows = windows.with_retractions();
    }
    let mut state: StateOf<Sum, ConfiguredTrigger> = StateOf::<Sum, ConfiguredTrigger>::default();
    let (mut watermark, mut outputs) = (i64::MIN, Vec::new());
    for step in steps {
        let mut collected = Vec::new();
        let emit = |firing: jackfield_window::Firing<i64>| {
            let (start, end) = (firing.window.start, firing.window.end);
            collected.push(match firing.kind {
                FiringKind::Result => Output::Result(start, end, firing.output),
                FiringKind::Retraction => Output::Retraction(start, end, firing.output),
            });
        };
        match *step {
            Step::Record(timestamp, value) => {
                if windows.add(&mut state, timestamp, watermark, &value, emit) == Placement::Late {
                    collected.push(Output::Late(timestamp));
                }
            }
            Step::Watermark(to) => {
                watermark = to;
                windows.fire(&mut state, watermark, emit);
            }
        }
        outputs.append(&mut collected);
    }
    assert!(state.is_empty(), "{state:?} is left at the end of time");
    outputs
}

prop_compose! {
    /// Records out of order around a watermark that rises to the end of time.
    fn streams()(
        moves in prop::collection::vec((0..12_i64, 0..40_i64, -9..30_i64, 0..4_u8), 1..60),
        base in prop_oneof![Just(-60_i64), Just(0), Just(1_000)],
        lag in 0..20_i64,
    ) -> Vec<Step> {
        let (mut now, mut watermark, mut steps) = (base, i64::MIN, Vec::new());
        for (rise, back, value, kind) in moves {
            now += rise;
            steps.push(Step::Record(if kind == 0 { now - back } else { now }, value));
            if kind < 2 && now - lag > watermark {
                watermark = now - lag;
                steps.push(Step::Watermark(watermark));
            }
        }
        steps.push(Step::Watermark(i64::MAX));
        steps
    }
}

prop_compose! {
    fn options()(
        lateness in prop_oneof![Just(0_i64), 1..10_i64, 10..80_i64],
        count in prop_oneof![3 => Just(None), 1 => (1..5_u64).prop_map(Some)],
        purging: bool,
        retractions: bool,
    ) -> Options {
        Options { lateness, count, purging, retractions }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn tumbling_windows_are_those_of_the_model(
        size in 1..30_i64, offset: i64, options in options(), steps in streams(),
    ) {
        let windows = TumblingWindows::of(size).unwrap().with_offset(offset % size).unwrap();
        let model = fixed::Model::new((size, size, offset % size), options);
        prop_assert_eq!(library(windows.into(), options, &steps), model.run(&steps));
    }

    #[test]
    fn sliding_windows_are_those_of_the_model(
        size in 1..60_i64, slide in 1..70_i64, offset: i64, options in options(), steps in streams(),
    ) {
        let windows = SlidingWindows::of(size, slide).unwrap().with_offset(offset % slide).unwrap();
        let model = fixed::Model::new((size, slide, offset % slide), options);
        prop_assert_eq!(library(windows.into(), options, &steps), model.run(&steps));
    }

    #[test]
    fn sessions_are_those_of_the_model(
        gap in 1..25_i64, options in options(), steps in streams(),
    ) {
        let options = Options { count: None, purging: false, ..options };
        let windows = SessionWindows::with_gap(gap).unwrap();
        prop_assert_eq!(library(windows.into(), options, &steps), sessions::run(gap, options, &steps));
    }
}
