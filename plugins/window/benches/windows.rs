//! What windows cost: records a second by kind of window and number of keys, memory a key, and how sliding windows grow with
//! size over slide. `cargo bench -p jackfield-window`, or with `-- memory` the memory alone; quote ratios within one run.
//!
//! A record comes every millisecond, of a key chosen at random, up to a second out of order; the watermark follows every 200 records, two
//! seconds behind. Timers are kept in a heap, states in a vector: finding a key's state is not part of what is measured.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a program to measure with"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use jackfield_window::{
    Aggregate, Assigner, ContinuousEventTimeTrigger, Count, EitherTrigger, Element,
    EventTimeTrigger, NeverTrigger, Placement, Quantiles, SessionWindows, SlidingWindows, StateOf,
    Sum, Trigger, TumblingWindows, WholeWindow, Windowed,
};

const SECOND: i64 = 1_000;
const KEYS: [usize; 3] = [10, 1_000, 1_000_000];

struct Bench<A: Aggregate, T: Trigger<A::Input>> {
    windows: Windowed<A, T>,
    states: Vec<StateOf<A, T>>,
    /// The earliest timer of each key, and all of them by time.
    timers: Vec<i64>,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    watermark: i64,
    random: u64,
    now: i64,
    fired: u64,
}

impl<A: Aggregate, T: Trigger<A::Input>> Bench<A, T> {
    fn new(windows: Windowed<A, T>, keys: usize) -> Self {
        let states = (0..keys).map(|_| windows.new_state()).collect();
        Self {
            windows,
            states,
            timers: vec![i64::MAX; keys],
            queue: BinaryHeap::new(),
            watermark: i64::MIN,
            random: 88_172_645_463_325_252,
            now: 1_700_000_000_000,
            fired: 0,
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 33) % below
    }

    fn feed(&mut self, records: usize, input_of: impl Fn(i64) -> A::Input)
    where
        A::Input: Sized,
    {
        for record in 0..records {
            self.now += 1;
            let key = self.random(self.states.len() as u64) as usize;
            let timestamp = self.now - self.random(SECOND.unsigned_abs()).cast_signed();
            let (state, fired) = (&mut self.states[key], &mut self.fired);
            let input = input_of(timestamp);
            let placement = self
                .windows
                .add(state, timestamp, self.watermark, &input, |firing| {
                    black_box(firing.output);
                    *fired += 1;
                });
            if let Placement::Placed { timer: Some(timer) } = placement {
                self.set_timer(key, timer);
            }
            if record % 200 == 199 {
                self.advance(self.now - 2 * SECOND);
            }
        }
    }

    fn set_timer(&mut self, key: usize, timer: i64) {
        if timer < self.timers[key] {
            self.timers[key] = timer;
            self.queue.push(Reverse((timer, key)));
        }
    }

    fn advance(&mut self, watermark: i64) {
        self.watermark = watermark;
        while let Some(Reverse((time, key))) = self.queue.peek().copied()
            && time <= watermark
        {
            self.queue.pop();
            if self.timers[key] != time {
                continue;
            }
            self.timers[key] = i64::MAX;
            let (state, fired) = (&mut self.states[key], &mut self.fired);
            self.windows.fire(state, watermark, |firing| {
                black_box(firing.output);
                *fired += 1;
            });
            if let Some(timer) = self.windows.next_timer(state) {
                self.set_timer(key, timer);
            }
        }
    }
}

/// Resident bytes of this process.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    kibibytes.unwrap_or(0.0) * 1024.0
}

fn measure<A, T>(
    name: &str,
    windows: &Windowed<A, T>,
    input_of: impl Fn(i64) -> A::Input + Copy,
    counts: &[usize],
) where
    A: Aggregate<Input: Sized> + Clone,
    T: Trigger<A::Input> + Clone,
{
    for keys in counts {
        let mut bench = Bench::new(windows.clone(), *keys);
        // As long as it takes until windows fire, and a million keys have been seen.
        bench.feed(keys.max(&100_000) * 2, input_of);
        let stored: usize = bench
            .states
            .iter()
            .take(1_000)
            .map(|state| postcard::to_allocvec(state).unwrap().len())
            .sum();
        let (records, fired) = (1_000_000, bench.fired);
        let started = Instant::now();
        bench.feed(records, input_of);
        let took = started.elapsed().as_secs_f64();
        println!(
            "{name:<34} {keys:>9} keys  {:>6.2} M records/s  {:>6.3} results a record  {:>5} bytes stored a key",
            records as f64 / took / 1e6,
            (bench.fired - fired) as f64 / records as f64,
            stored / bench.states.len().min(1_000),
        );
    }
}

/// What a million keys with `records` records each take, all in windows that have not fired. They are never given back, so
/// that nothing is measured in memory that was free already.
fn measure_memory<A, T>(
    name: &str,
    windows: &Windowed<A, T>,
    records: i64,
    input_of: impl Fn(i64) -> A::Input,
) where
    A: Aggregate<Input: Sized>,
    T: Trigger<A::Input>,
{
    const KEYS: usize = 1_000_000;
    let before = resident();
    let mut states = Vec::with_capacity(KEYS);
    for _ in 0..KEYS {
        let mut state = windows.new_state();
        for record in 0..records {
            let (timestamp, input) = (record * 5 * SECOND, input_of(record));
            windows.add(&mut state, timestamp, i64::MIN, &input, drop);
        }
        states.push(state);
    }
    let held = resident() - before;
    let stored = postcard::to_allocvec(&states[0]).unwrap().len();
    println!(
        "{name:<34} {records} records a key: {:>5.0} bytes a key in memory, {stored} stored",
        held / KEYS as f64
    );
    std::mem::forget(states);
}

/// Of a million keys, by kind of window.
fn measure_memories() {
    let tumbling = TumblingWindows::of(10 * SECOND).unwrap();
    let sliding = SlidingWindows::of(60 * SECOND, 10 * SECOND).unwrap();
    let session = SessionWindows::with_gap(5 * SECOND).unwrap();
    let unit = |_: i64| ();
    for records in [1, 3] {
        measure_memory(
            "tumbling 10 s, count",
            &Windowed::new(tumbling, Count),
            records,
            unit,
        );
        measure_memory(
            "sliding 60 s by 10 s, count",
            &Windowed::new(sliding, Count),
            records,
            unit,
        );
        measure_memory(
            "session 5 s, count",
            &Windowed::new(session, Count),
            records,
            unit,
        );
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "memory") {
        return measure_memories();
    }
    let tumbling = TumblingWindows::of(10 * SECOND).unwrap();
    let sliding = SlidingWindows::of(60 * SECOND, 10 * SECOND).unwrap();
    let session = SessionWindows::with_gap(5 * SECOND).unwrap();
    let unit = |_: i64| ();
    measure(
        "tumbling 10 s, count",
        &Windowed::new(tumbling, Count),
        unit,
        &KEYS,
    );
    let late = Windowed::new(tumbling, Count)
        .with_allowed_lateness(60 * SECOND)
        .unwrap();
    measure("tumbling 10 s, 1 min late", &late, unit, &KEYS);
    let ticks = ContinuousEventTimeTrigger::of(2 * SECOND).unwrap();
    measure(
        "tumbling 10 s, every 2 s",
        &Windowed::new(tumbling, Count).with_trigger(ticks),
        unit,
        &KEYS,
    );
    measure(
        "sliding 60 s by 10 s, count",
        &Windowed::new(sliding, Count),
        unit,
        &KEYS,
    );
    measure(
        "session 5 s, count",
        &Windowed::new(session, Count),
        unit,
        &KEYS,
    );
    measure(
        "every 100 records, count",
        &Windowed::by_count(100, Count),
        unit,
        &KEYS,
    );
    measure_functions(tumbling);
    println!();
    measure_memories();
    measure_slices();
}

/// What is made of the records, in windows of one kind.
fn measure_functions(tumbling: TumblingWindows) {
    let mean = Windowed::new(tumbling, Sum::<f64>::new());
    measure(
        "tumbling 10 s, sum of floats",
        &mean,
        |time| time as f64,
        &KEYS,
    );
    let quantiles = Windowed::new(tumbling, Quantiles::of(&[0.5, 0.99]).unwrap());
    measure(
        "tumbling 10 s, quantiles",
        &quantiles,
        |time| time as f64,
        &KEYS[..2],
    );
    let whole = WholeWindow::new(|elements: &[Element<i64>]| elements.len());
    let element = |timestamp| Element {
        timestamp,
        value: timestamp,
    };
    measure(
        "tumbling 10 s, whole window",
        &Windowed::new(tumbling, whole),
        element,
        &KEYS[..2],
    );
}

/// Windows that overlap, by how many a record lies in.
fn measure_slices() {
    let unit = |_: i64| ();
    println!("\nsliding windows of 60 s, with slices and without");
    for parts in [1, 3, 10, 30, 100, 300, 1_000] {
        let windows: Assigner = SlidingWindows::of(60 * SECOND, 60 * SECOND / parts)
            .unwrap()
            .into();
        let slices = Windowed::new(windows, Count);
        measure(
            &format!("{parts} windows a record, slices"),
            &slices,
            unit,
            &[10],
        );
        let each = EitherTrigger::of(NeverTrigger, EventTimeTrigger);
        let separate = Windowed::new(windows, Count).with_trigger(each);
        measure(
            &format!("{parts} windows a record, separate"),
            &separate,
            unit,
            &[10],
        );
    }
}
