//! State from anywhere: it is refused, or can be worked with. No panic, and no work without bounds.
#![no_main]

use jackfield_window::{
    Aggregate, AggregateExt, Assigner, ConfiguredTrigger, Distinct, Quantiles, SessionWindows,
    SlidingWindows, StateOf, Sum, TumblingWindows, Windowed,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tumbling) = TumblingWindows::of(10) else {
        return;
    };
    let (Ok(sliding), Ok(sessions)) = (SlidingWindows::of(30, 7), SessionWindows::with_gap(5))
    else {
        return;
    };
    let Ok(quantiles) = Quantiles::of(&[0.5]) else {
        return;
    };
    for assigner in [tumbling.into(), sliding.into(), sessions.into()] {
        work_with(assigner, Sum::<i64>::new(), &1, bytes);
        work_with(assigner, Sum::<f64>::new(), &0.1, bytes);
        work_with(
            assigner,
            (Sum::<f64>::new(), quantiles.clone()),
            &0.1,
            bytes,
        );
        work_with(
            assigner,
            Distinct::default().of(|bytes: &Vec<u8>| bytes.as_slice()),
            &vec![1],
            bytes,
        );
    }
});

fn work_with<A: Aggregate>(assigner: Assigner, aggregate: A, input: &A::Input, bytes: &[u8]) {
    let windows = Windowed::new(assigner, aggregate)
        .with_trigger(ConfiguredTrigger::EventTime)
        .with_retractions();
    let Ok(mut state) = postcard::from_bytes::<StateOf<A, ConfiguredTrigger>>(bytes) else {
        return;
    };
    windows.add(&mut state, 3, 1, input, drop);
    // Only as far as there are windows: what is far apart is many windows, and rightly so.
    for _ in 0..8 {
        let Some(time) = windows.next_timer(&state) else {
            break;
        };
        windows.fire(&mut state, time, drop);
    }
    assert!(postcard::to_allocvec(&state).is_ok());
}
