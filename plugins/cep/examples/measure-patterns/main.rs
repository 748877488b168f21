//! How many events a second a pattern takes, by its shape and the number of keys, and how much it remembers of a key.
//!
//!     cargo run --release -p jackfield-cep --example measure-patterns [EVENTS [SHAPE]]
//!     cargo run --release -p jackfield-cep --example measure-patterns growth GROWTH.svg [EVENTS]
//!
//! The second form shows how both grow with the limit of time, the length of a loop and the number of keys, as a drawing.
//!
//! Events come a millisecond apart, of a random key each and of four kinds, evenly; a match has to be complete within the time
//! in which a key has twenty events. Seconds are those of the CPU where Linux tells them, else of the wall clock.
#![allow(clippy::unwrap_used, reason = "a program to measure with")]

mod growth;
mod plot;

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs};

use jackfield_cep::{Matcher, Output, Pattern, PatternState, SkipStrategy, Usage};

const KEYS: [u32; 3] = [10, 1_000, 1_000_000];
/// Of a key, within which a match has to be complete.
const WITHIN: u32 = 20;

#[derive(Clone)]
struct Event {
    kind: u8,
    value: i32,
}

type Shape = (&'static str, fn() -> Pattern<Event>);

const SHAPES: [Shape; 9] = [
    ("strict", || {
        stage("a", 0).times(3).consecutive().next("b").filter(of(1))
    }),
    ("relaxed", || {
        stage("a", 0)
            .followed_by("b")
            .filter(of(1))
            .followed_by("c")
            .filter(of(2))
    }),
    ("any", || {
        stage("a", 0)
            .followed_by_any("b")
            .filter(of(1))
            .followed_by_any("c")
            .filter(of(2))
    }),
    ("looping", || {
        stage("a", 0)
            .followed_by("b")
            .filter(of(1))
            .one_or_more()
            .followed_by("c")
            .filter(of(2))
    }),
    ("greedy", || {
        stage("a", 0)
            .one_or_more()
            .greedy()
            .until(of(3))
            .next("b")
            .filter(of(1))
    }),
    ("negation", || {
        stage("a", 0)
            .not_followed_by("x")
            .filter(of(1))
            .followed_by("c")
            .filter(of(2))
    }),
    ("group", || {
        Pattern::begin_group(stage("a", 0).followed_by("b").filter(of(1)))
            .times(2)
            .followed_by("c")
            .filter(of(2))
    }),
    ("skipping", || {
        stage("a", 0)
            .one_or_more()
            .followed_by("c")
            .filter(of(2))
            .skip(SkipStrategy::PastLastEvent)
    }),
    ("iterative", || {
        stage("a", 0)
            .followed_by("higher")
            .filter_with(|event, taken| {
                event.kind == 0 && taken.stage("a").all(|before| event.value > before.value)
            })
            .times(2)
            .consecutive()
    }),
];

fn stage(name: &str, kind: u8) -> Pattern<Event> {
    Pattern::begin(name).filter(of(kind))
}

fn of(kind: u8) -> impl Fn(&Event) -> bool {
    move |event| event.kind == kind
}

fn main() {
    let mut arguments = env::args().skip(1).peekable();
    let draws = arguments.next_if(|argument| argument == "growth").is_some();
    let path = draws.then(|| arguments.next().unwrap());
    let events = arguments
        .next()
        .map_or(2_000_000, |events| events.parse().unwrap());
    if let Some(path) = path {
        fs::write(path, growth::drawn(events)).unwrap();
        return;
    }
    let only = arguments.next();
    println!(
        "{:10} {:>9} {:>9} {:>12} {:>10} {:>9} {:>12}",
        "shape", "keys", "ns/event", "events/s", "matches", "bytes/key", "matches/key"
    );
    for (name, pattern) in SHAPES {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for keys in KEYS {
            let within = Duration::from_millis(u64::from(keys * WITHIN));
            let matcher = pattern().within(within).compile().unwrap();
            let measured = measure(&matcher, keys, events);
            let nanos = measured.seconds * 1e9 / f64::from(events);
            let a_key = |sum: usize| sum as f64 / f64::from(keys);
            println!(
                "{name:10} {keys:>9} {nanos:>9.0} {:>12.0} {:>10} {:>9.0} {:>12.1}",
                1e9 / nanos,
                measured.matches,
                a_key(measured.usage.bytes),
                a_key(measured.usage.partial_matches),
            );
        }
    }
}

struct Measured {
    seconds: f64,
    matches: u32,
    /// Of all keys, at the end.
    usage: Usage,
}

fn measure(matcher: &Matcher<Event>, keys: u32, events: u32) -> Measured {
    let mut states = vec![PatternState::default(); keys as usize];
    let mut random = 88_172_645_463_325_252_u64;
    let mut matches = 0;
    let begun = Clock::now();
    for timestamp in 1_700_000_000_000.. {
        if timestamp == 1_700_000_000_000 + i64::from(events) {
            break;
        }
        // Marsaglia, Xorshift RNGs, 2003.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let state = &mut states[(random >> 33) as usize % keys as usize];
        let event = Event {
            kind: (random >> 20 & 3) as u8,
            value: (random >> 4 & 0xff) as i32,
        };
        matcher.add(state, timestamp, timestamp - 1, event);
        let advanced = matcher.advance(state, timestamp, |output| {
            matches += u32::from(matches!(output, Output::Match(_)));
            Ok::<(), Infallible>(())
        });
        advanced.unwrap();
        black_box(matcher.next_timer(state));
    }
    let seconds = begun.seconds();
    let mut usage = Usage::default();
    for state in &states {
        usage += state.usage();
    }
    Measured {
        seconds,
        matches,
        usage,
    }
}

/// The CPU's where it can be had: other programs may be running.
struct Clock {
    wall: Instant,
    cpu: Option<f64>,
}

impl Clock {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    fn seconds(&self) -> f64 {
        let cpu = cpu_seconds().zip(self.cpu);
        cpu.map_or_else(
            || self.wall.elapsed().as_secs_f64(),
            |(now, begun)| now - begun,
        )
    }
}

fn cpu_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1e9)
}
