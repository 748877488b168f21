//! A key that is stored and loaded goes on as if nothing had been, wherever that happens.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_window::{
    Aggregate, AggregateExt, Assigner, Average, ConfiguredTrigger, ContinuousEventTimeTrigger,
    Count, CountEvictor, CountTrigger, Distinct, Element, Firing, GlobalWindows, Placement,
    Quantiles, SessionWindows, SlidingWindows, StateOf, Sum, Top, TumblingWindows, WholeWindow,
    Windowed,
};
use proptest::prelude::*;

/// A record that stands for many values, so that sketches leave the forms that they have for few.
#[derive(Clone, Debug)]
struct Reading {
    timestamp: i64,
    value: f64,
    rank: i64,
    name: Vec<u8>,
}

type Script = Vec<(Reading, Option<i64>)>;

prop_compose! {
    /// A record now and then stands for up to `most`.
    fn scripts(most: usize)(
        readings in prop::collection::vec(
            (0..10_i64, 0..40_i64, any::<i16>(), 1..=most, 0..3_u8, any::<bool>()), 1..25,
        ),
    ) -> Script {
        let (mut now, mut watermark, mut script) = (0, i64::MIN, Vec::new());
        for (rise, back, seed, times, kind, marks) in readings {
            now += rise;
            let timestamp = if kind == 0 { now - back } else { now };
            for time in 0..if kind == 2 { times.max(1) } else { 1 } {
                // Numbers that a sum has to round.
                let value = f64::from(seed) / 3.0 + time as f64 * 0.1;
                let name = format!("{seed} {}", time * 7).into_bytes();
                let rank = i64::from(seed) * 31 % 1_009 + time as i64;
                script.push((Reading { timestamp, value, rank, name }, None));
            }
            if marks && now - 5 > watermark {
                watermark = now - 5;
                script.last_mut().unwrap().1 = Some(watermark);
            }
        }
        script.last_mut().unwrap().1 = Some(i64::MAX);
        script
    }
}

fn assigners() -> impl Strategy<Value = Assigner> {
    prop_oneof![
        (1..30_i64).prop_map(|size| TumblingWindows::of(size).unwrap().into()),
        (1..60_i64, 1..20_i64)
            .prop_map(|(size, slide)| SlidingWindows::of(size, slide).unwrap().into()),
        (1..20_i64).prop_map(|gap| SessionWindows::with_gap(gap).unwrap().into()),
        Just(GlobalWindows.into()),
    ]
}

fn triggers() -> impl Strategy<Value = ConfiguredTrigger> {
    let count = (1..300_u64).prop_map(CountTrigger::of);
    let simple = prop_oneof![
        4 => Just(ConfiguredTrigger::EventTime),
        1 => count.clone().prop_map(ConfiguredTrigger::Count),
        1 => count.prop_map(ConfiguredTrigger::CountAndEventTime),
    ];
    (simple, any::<bool>()).prop_map(|(trigger, purging)| {
        if purging {
            ConfiguredTrigger::Purging(Box::new(trigger))
        } else {
            trigger
        }
    })
}

/// What a script brings forth, in text: stored and loaded after each step that `cuts` says.
fn outputs<A: Aggregate<Output: std::fmt::Debug>>(
    windows: &Windowed<A, ConfiguredTrigger>,
    input_of: impl Fn(&Reading) -> &A::Input,
    script: &Script,
    cuts: impl Fn(usize) -> bool,
) -> Vec<String> {
    let mut state = StateOf::<A, ConfiguredTrigger>::default();
    let (mut watermark, mut outputs) = (i64::MIN, Vec::new());
    for (at, (reading, mark)) in script.iter().enumerate() {
        let mut emit = |firing: Firing<A::Output>| outputs.push(format!("{at}: {firing:?}"));
        let input = input_of(reading);
        let placement = windows.add(&mut state, reading.timestamp, watermark, input, &mut emit);
        if let Some(mark) = mark {
            watermark = *mark;
            windows.fire(&mut state, watermark, &mut emit);
        }
        if placement == Placement::Late {
            outputs.push(format!("{at}: late"));
        }
        if cuts(at) {
            let stored = postcard::to_allocvec(&state).unwrap();
            state = postcard::from_bytes(&stored).unwrap();
        }
    }
    outputs
}

fn assert_cuts_cannot_be_seen<A: Aggregate<Output: std::fmt::Debug>>(
    windows: &Windowed<A, ConfiguredTrigger>,
    input_of: impl Fn(&Reading) -> &A::Input + Copy,
    script: &Script,
    cuts: u64,
) {
    let whole = outputs(windows, input_of, script, |_| false);
    let cut = |at: usize| cuts >> (at % 64) & 1 == 1;
    assert_eq!(whole, outputs(windows, input_of, script, cut));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sketches_go_on(
        assigner in assigners(), lateness in 0..40_i64, script in scripts(600), cuts: u64,
    ) {
        let aggregate = (
            Distinct::default().of(|reading: &Reading| reading.name.as_slice()),
            Quantiles::of(&[0.0, 0.5, 0.9]).unwrap().of(|reading: &Reading| &reading.value),
        );
        let windows = Windowed::new(assigner, aggregate)
            .with_trigger(ConfiguredTrigger::EventTime)
            .with_allowed_lateness(lateness)
            .unwrap();
        assert_cuts_cannot_be_seen(&windows, |reading| reading, &script, cuts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn rounded_sums_go_on(
        assigner in assigners(), trigger in triggers(), lateness in 0..40_i64, retractions: bool,
        script in scripts(20), cuts: u64,
    ) {
        let aggregate = (
            Count.of(|_: &Reading| &()),
            Sum::<f64>::new().of(|reading: &Reading| &reading.value),
            Average::<f64>::new().of(|reading: &Reading| &reading.value),
            Top::<i64>::of(3).of(|reading: &Reading| &reading.rank),
        );
        let mut windows = Windowed::new(assigner, aggregate)
            .with_trigger(trigger)
            .with_allowed_lateness(lateness)
            .unwrap();
        if retractions {
            windows = windows.with_retractions();
        }
        assert_cuts_cannot_be_seen(&windows, |reading| reading, &script, cuts);
    }

    #[test]
    fn continuous_triggers_go_on(
        assigner in assigners(), interval in 1..15_i64, script in scripts(20), cuts: u64,
    ) {
        prop_assume!(assigner != Assigner::Global);
        let trigger = ContinuousEventTimeTrigger::of(interval).unwrap();
        let windows = Windowed::new(assigner, Sum::<i64>::new())
            .with_trigger(ConfiguredTrigger::Continuous(trigger));
        assert_cuts_cannot_be_seen(&windows, |reading: &Reading| &reading.rank, &script, cuts);
    }

    #[test]
    fn whole_windows_and_evictors_go_on(
        assigner in assigners(), trigger in triggers(), last in 0..5_usize,
        ranks in prop::collection::vec((any::<i8>(), 0..30_i64, any::<bool>()), 1..40), cuts: u64,
    ) {
        let elements: Vec<_> = ranks
            .iter()
            .map(|(value, timestamp, _)| Element { timestamp: *timestamp, value: *value })
            .collect();
        let newest = WholeWindow::new(|elements: &[Element<i8>]| elements.to_vec())
            .with_evictor(CountEvictor::last(last));
        let windows = Windowed::new(assigner, newest).with_trigger(trigger);
        let run = |cuts: u64| {
            let mut state = windows.new_state();
            let (mut watermark, mut outputs) = (i64::MIN, Vec::new());
            for (at, (element, (_, _, marks))) in elements.iter().zip(&ranks).enumerate() {
                let mut emit = |firing| outputs.push((at, firing));
                windows.add(&mut state, element.timestamp, watermark, element, &mut emit);
                if *marks {
                    watermark = watermark.max(element.timestamp);
                    windows.fire(&mut state, watermark, &mut emit);
                }
                if cuts >> (at % 64) & 1 == 1 {
                    state = postcard::from_bytes(&postcard::to_allocvec(&state).unwrap()).unwrap();
                }
            }
            outputs
        };
        prop_assert_eq!(run(0), run(cuts));
    }

    #[test]
    fn bytes_that_are_no_state_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let windows = Windowed::new(SlidingWindows::of(30, 7).unwrap(), Sum::<i64>::new())
            .with_allowed_lateness(9)
            .unwrap();
        if let Ok(mut state) = postcard::from_bytes::<StateOf<Sum>>(&bytes) {
            // What was read can be worked with, whatever it is.
            windows.add(&mut state, 3, 5, &1, drop);
            let _ = windows.next_timer(&state);
        }
    }
}

#[test]
fn a_later_version_is_refused_by_name() {
    let mut stored = postcard::to_allocvec(&StateOf::<Sum>::default()).unwrap();
    stored[0] = 2;
    let state: Result<StateOf<Sum>, _> = serde_json::from_str("[2,[],null]");
    let refusal = state.unwrap_err().to_string();
    let expected = "windows stored in version 2, where 1 is the latest known";
    assert!(refusal.starts_with(expected), "{refusal}");
    assert!(postcard::from_bytes::<StateOf<Sum>>(&stored).is_err());
}

#[test]
fn a_tumbling_window_is_stored_in_a_few_bytes() {
    let windows = Windowed::new(TumblingWindows::of(10_000).unwrap(), Count);
    let mut state = StateOf::<Count>::default();
    windows.add(&mut state, 1_700_000_000_000, i64::MIN, &(), drop);
    assert_eq!(postcard::to_allocvec(&state).unwrap().len(), 15);
}
