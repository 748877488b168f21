//! What windows do, by example.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_window::{
    Afterwards, Aggregate, AggregateExt, Arrival, AssignerError, Count, CountEvictor, CountTrigger,
    Decision, DeltaEvictor, EitherTrigger, Element, EventTimeTrigger, Firing, FiringKind,
    GlobalWindows, LatenessError, Placement, SessionWindows, SlidingWindows, Sum, TimeEvictor,
    Timing, Trigger, TumblingWindows, WholeWindow, Window, Windowed,
};
use proptest::prelude::*;

type Seen<O> = Vec<(i64, i64, O)>;

fn collect<O>(seen: &mut Seen<O>) -> impl FnMut(Firing<O>) {
    |firing| seen.push((firing.window.start, firing.window.end, firing.output))
}

/// What windows emit for records `(time, value)`, with the watermark at the end of time behind them.
fn results<A: Aggregate<Input = Element<i64>>, T: Trigger<Element<i64>>>(
    windows: &Windowed<A, T>,
    records: &[(i64, i64)],
) -> Vec<A::Output> {
    let (mut state, mut seen) = (windows.new_state(), Vec::new());
    for (timestamp, value) in records {
        let element = Element {
            timestamp: *timestamp,
            value: *value,
        };
        windows.add(
            &mut state,
            *timestamp,
            i64::MIN,
            &element,
            collect(&mut seen),
        );
    }
    windows.fire(&mut state, i64::MAX, collect(&mut seen));
    seen.into_iter().map(|(_, _, output)| output).collect()
}

fn values(elements: &[Element<i64>]) -> Vec<i64> {
    elements.iter().map(|element| element.value).collect()
}

#[test]
fn windows_have_a_size() {
    assert_eq!(TumblingWindows::of(0), Err(AssignerError::Size { size: 0 }));
    assert_eq!(
        SlidingWindows::of(-5, 1),
        Err(AssignerError::Size { size: -5 })
    );
    assert_eq!(
        SlidingWindows::of(5, 0),
        Err(AssignerError::Slide { slide: 0 })
    );
    assert_eq!(
        SessionWindows::with_gap(0),
        Err(AssignerError::Gap { gap: 0 })
    );
}

#[test]
fn an_offset_is_shorter_than_the_distance_of_windows() {
    for offset in [10, -10, i64::MIN, i64::MAX] {
        let error = Err(AssignerError::Offset { offset, period: 10 });
        assert_eq!(TumblingWindows::of(10).unwrap().with_offset(offset), error);
    }
    assert!(SlidingWindows::of(20, 10).unwrap().with_offset(10).is_err());
}

#[test]
fn lateness_is_not_negative() {
    let windows = Windowed::new(GlobalWindows, Count);
    let refused = windows.with_allowed_lateness(-1);
    assert_eq!(refused.err(), Some(LatenessError { lateness: -1 }));
}

#[test]
fn windows_before_the_epoch_end_where_others_do() {
    let windows = TumblingWindows::of(10).unwrap();
    assert_eq!(windows.assign(-1), Window { start: -10, end: 0 });
    assert_eq!(windows.assign(-10), Window { start: -10, end: 0 });
}

#[test]
fn count_windows_take_so_many_records_each() {
    let sums = WholeWindow::new(values);
    let windows = Windowed::by_count(2, sums);
    let records = [(9, 1), (1, 2), (5, 3), (7, 4), (8, 5)];
    assert_eq!(results(&windows, &records), [[1, 2], [3, 4]]);
}

#[test]
fn count_windows_slide_with_an_evictor() {
    let newest = WholeWindow::new(values).with_evictor(CountEvictor::last(3));
    let windows = Windowed::new(GlobalWindows, newest).with_trigger(CountTrigger::of(2));
    let records = [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6)];
    assert_eq!(
        results(&windows, &records),
        [vec![1, 2], vec![2, 3, 4], vec![4, 5, 6]]
    );
}

#[test]
fn a_time_evictor_leaves_what_is_near_to_the_latest() {
    let recent = WholeWindow::new(values).with_evictor(TimeEvictor::last(5));
    let windows = Windowed::new(TumblingWindows::of(20).unwrap(), recent);
    let records = [(3, 1), (10, 2), (5, 3), (6, 4)];
    assert_eq!(results(&windows, &records), [[2, 4]]);
}

#[test]
fn a_delta_evictor_leaves_what_is_near_to_the_last() {
    let near = DeltaEvictor::within(3.0, |one: &i64, last: &i64| (one - last).abs() as f64);
    let windows = Windowed::new(
        TumblingWindows::of(20).unwrap(),
        WholeWindow::new(values).with_evictor(near),
    );
    assert_eq!(
        results(&windows, &[(0, 9), (1, 3), (2, 4), (3, 5)]),
        [[3, 4, 5]]
    );
}

#[test]
fn an_evictor_can_wait_until_the_function_has_seen_all() {
    let emptied = WholeWindow::new(values).with_evictor(Afterwards(CountEvictor::last(0)));
    let windows = Windowed::new(GlobalWindows, emptied).with_trigger(CountTrigger::of(2));
    let records = [(0, 1), (0, 2), (0, 3), (0, 4)];
    assert_eq!(results(&windows, &records), [[1, 2], [3, 4]]);
}

#[test]
fn early_results_by_count_are_followed_by_the_whole() {
    let trigger = EitherTrigger::of(CountTrigger::of(2), EventTimeTrigger);
    let windows =
        Windowed::new(TumblingWindows::of(10).unwrap(), Sum::<i64>::new()).with_trigger(trigger);
    let (mut state, mut timings) = (windows.new_state(), Vec::new());
    let mut emit = |firing: Firing<i64>| timings.push((firing.timing, firing.output));
    for timestamp in 0..3 {
        windows.add(&mut state, timestamp, i64::MIN, &1, &mut emit);
    }
    windows.fire(&mut state, 9, &mut emit);
    assert_eq!(timings, [(Timing::Early, 2), (Timing::OnTime, 3)]);
}

/// Fires when a value differs from the one it fired for by more than a limit: Flink's delta trigger.
struct Jump(i64);

impl Trigger<i64> for Jump {
    type State = Option<i64>;

    fn on_record(&self, record: &i64, _: Arrival, last: &mut Option<i64>) -> Decision {
        let jumps = (record - *last.get_or_insert(*record)).abs() > self.0;
        if jumps {
            *last = Some(*record);
            return Decision::Fire;
        }
        Decision::Continue
    }

    fn next_time(&self, _: Window, _: &Option<i64>) -> Option<i64> {
        None
    }

    fn on_time(&self, _: i64, _: Window, _: &mut Option<i64>) -> Decision {
        Decision::Continue
    }

    fn on_merge(&self, _: Window, _: i64, last: &mut Option<i64>, merged: Option<i64>) {
        *last = merged.or(*last);
    }
}

#[test]
fn a_trigger_can_be_made_of_the_records_themselves() {
    let windows = Windowed::new(GlobalWindows, Count.of(|_: &i64| &())).with_trigger(Jump(5));
    let (mut state, mut seen) = (windows.new_state(), Vec::new());
    for value in [1, 3, 9, 8, 2] {
        windows.add(&mut state, 0, i64::MIN, &value, collect(&mut seen));
    }
    let counts: Vec<u64> = seen.iter().map(|(_, _, count)| *count).collect();
    assert_eq!(counts, [3, 5]);
}

#[test]
fn a_late_record_takes_back_what_its_window_had_emitted() {
    let windows = Windowed::new(TumblingWindows::of(10).unwrap(), Sum::<i64>::new())
        .with_allowed_lateness(5)
        .unwrap()
        .with_retractions();
    let (mut state, mut kinds) = (windows.new_state(), Vec::new());
    let mut emit = |firing: Firing<i64>| kinds.push((firing.kind, firing.output));
    windows.add(&mut state, 3, i64::MIN, &1, &mut emit);
    windows.fire(&mut state, 9, &mut emit);
    windows.add(&mut state, 4, 9, &2, &mut emit);
    assert_eq!(
        kinds,
        [
            (FiringKind::Result, 1),
            (FiringKind::Retraction, 1),
            (FiringKind::Result, 3)
        ]
    );
}

#[test]
fn a_session_that_grows_takes_back_what_it_was() {
    let windows = Windowed::new(SessionWindows::with_gap(5).unwrap(), Sum::<i64>::new())
        .with_allowed_lateness(50)
        .unwrap()
        .with_retractions();
    let (mut state, mut kinds) = (windows.new_state(), Vec::new());
    let mut emit = |firing: Firing<i64>| kinds.push((firing.kind, firing.window.end));
    windows.add(&mut state, 10, i64::MIN, &1, &mut emit);
    windows.fire(&mut state, 14, &mut emit);
    windows.add(&mut state, 15, 14, &2, &mut emit);
    windows.fire(&mut state, 19, &mut emit);
    assert_eq!(
        kinds,
        [
            (FiringKind::Result, 15),
            (FiringKind::Retraction, 15),
            (FiringKind::Result, 20)
        ]
    );
}

#[test]
fn the_gap_of_a_session_can_depend_on_the_record() {
    let windows = Windowed::new(SessionWindows::with_gap(1).unwrap(), Count);
    let (mut state, mut seen) = (windows.new_state(), Vec::new());
    for (start, gap) in [(0, 10), (12, 3), (8, 4)] {
        let end = start + gap;
        let at = (start, i64::MIN);
        windows.add_to_windows(
            &mut state,
            [Window { start, end }],
            at,
            &(),
            collect(&mut seen),
        );
    }
    windows.fire(&mut state, i64::MAX, collect(&mut seen));
    assert_eq!(seen, [(0, 15, 3)]);
}

#[test]
fn a_record_between_windows_is_outside_until_it_is_late() {
    let windows = Windowed::new(SlidingWindows::of(4, 10).unwrap(), Count);
    let mut state = windows.new_state();
    assert_eq!(windows.add(&mut state, 5, 4, &(), drop), Placement::Outside);
    assert_eq!(windows.add(&mut state, 5, 5, &(), drop), Placement::Late);
}

#[test]
fn a_timer_is_told_once() {
    let windows = Windowed::new(TumblingWindows::of(10).unwrap(), Count);
    let mut state = windows.new_state();
    let mut add = |timestamp| windows.add(&mut state, timestamp, i64::MIN, &(), drop);
    assert_eq!(add(13), Placement::Placed { timer: Some(19) });
    assert_eq!(add(14), Placement::Placed { timer: None });
    assert_eq!(add(4), Placement::Placed { timer: Some(9) });
}

#[test]
fn nothing_is_left_of_a_million_keys() {
    let tumbling = Windowed::new(TumblingWindows::of(100).unwrap(), Count)
        .with_allowed_lateness(10)
        .unwrap();
    let sliding = Windowed::new(SlidingWindows::of(100, 7).unwrap(), Count)
        .with_allowed_lateness(10)
        .unwrap();
    let sessions = Windowed::new(SessionWindows::with_gap(30).unwrap(), Count);
    let by_count = Windowed::by_count(2, Count);
    for windows in [tumbling, sliding, sessions] {
        assert!(all_keys_end_empty(&windows));
    }
    assert!(all_keys_end_empty(&by_count));
}

/// A million keys with two records each: whether nothing is remembered of any at the end, by timers alone.
fn all_keys_end_empty<T: Trigger<()>>(windows: &Windowed<Count, T>) -> bool {
    (0..1_000_000_i64).all(|key| {
        let (mut state, mut timer) = (windows.new_state(), None);
        for timestamp in [key % 977, key % 977 + key % 61] {
            if let Placement::Placed {
                timer: Some(earlier),
            } = windows.add(&mut state, timestamp, i64::MIN, &(), drop)
            {
                timer = Some(timer.map_or(earlier, |timer: i64| timer.min(earlier)));
            }
        }
        while let Some(time) = timer {
            windows.fire(&mut state, time, drop);
            timer = windows.next_timer(&state);
        }
        state.is_empty()
    })
}

proptest! {
    #[test]
    fn a_record_is_in_its_window(timestamp: i64, size in 1..=i64::MAX, offset: i64) {
        let windows = TumblingWindows::of(size).unwrap().with_offset(offset % size).unwrap();
        let window = windows.assign(timestamp);
        prop_assert!(window.start <= timestamp && timestamp <= window.max_timestamp().max(i64::MAX - 1));
        // At the very ends of time a window is cut short.
        if window.start > i64::MIN && window.end < i64::MAX {
            prop_assert_eq!(window.end - window.start, size);
            prop_assert_eq!((i128::from(window.start) - i128::from(offset % size)).rem_euclid(i128::from(size)), 0);
        }
    }

    #[test]
    fn the_ends_of_time_are_survived(
        times in prop::collection::vec(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(i64::MAX - 1)], 1..10),
        size in 1..=i64::MAX, parts in 1..20_i64, lateness in 0..=i64::MAX,
    ) {
        let slide = (size / parts).max(1);
        let sliding = Windowed::new(SlidingWindows::of(size, slide).unwrap(), Count);
        let sessions = Windowed::new(SessionWindows::with_gap(size).unwrap(), Count);
        for windows in [sliding, sessions] {
            let windows = windows.with_allowed_lateness(lateness).unwrap();
            let mut state = windows.new_state();
            for timestamp in &times {
                windows.add(&mut state, *timestamp, i64::MIN, &(), drop);
            }
            windows.fire(&mut state, i64::MAX, drop);
            prop_assert!(state.is_empty());
        }
    }
}
