//! Windows at the ends of time, and what they remember.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_window::{
    AssignerError, Count, Placement, TumblingWindows, Window, WindowState, Windowed,
};
use proptest::prelude::*;

#[test]
fn a_window_has_a_size() {
    assert_eq!(TumblingWindows::of(0), Err(AssignerError::Size { size: 0 }));
    assert_eq!(
        TumblingWindows::of(-5),
        Err(AssignerError::Size { size: -5 })
    );
}

#[test]
fn an_offset_is_shorter_than_a_window() {
    let windows = TumblingWindows::of(10).unwrap();
    for offset in [10, -10, i64::MIN, i64::MAX] {
        assert_eq!(
            windows.with_offset(offset),
            Err(AssignerError::Offset { offset, size: 10 })
        );
    }
}

#[test]
fn windows_before_the_epoch_end_where_others_do() {
    let windows = TumblingWindows::of(10).unwrap();
    assert_eq!(windows.assign(-1), Window { start: -10, end: 0 });
    assert_eq!(windows.assign(-10), Window { start: -10, end: 0 });
}

#[test]
fn windows_that_fired_are_forgotten() {
    let windows = Windowed::new(TumblingWindows::of(10).unwrap(), Count);
    let mut state = WindowState::default();
    for timestamp in [25, 3, 14] {
        windows.add(&mut state, timestamp, i64::MIN, ());
    }
    assert_eq!(state.next_timer(), Some(9));
    let fired: Vec<i64> = std::iter::from_fn(|| windows.fire(&mut state, 29))
        .map(|(window, _)| window.end)
        .collect();
    assert_eq!(fired, [10, 20, 30]);
    assert!(state.is_empty());
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
    fn no_record_is_lost(times in prop::collection::vec((0..200_i64, 0..20_i64), 0..100)) {
        let windows = Windowed::new(TumblingWindows::of(7).unwrap(), Count);
        let (mut state, mut watermark, mut late, mut counted) = (WindowState::default(), 0, 0, 0);
        for (timestamp, rise) in &times {
            if windows.add(&mut state, *timestamp, watermark, ()) == Placement::Late {
                late += 1;
            }
            watermark += rise;
            while let Some((window, count)) = windows.fire(&mut state, watermark) {
                prop_assert!(window.max_timestamp() <= watermark);
                counted += count;
            }
        }
        while let Some((_, count)) = windows.fire(&mut state, i64::MAX) {
            counted += count;
        }
        prop_assert_eq!(late + counted, times.len() as u64);
    }
}
