//! How time and memory grow.

use std::time::Duration;

use jackfield_cep::{Limits, Matcher, Pattern};

use super::plot::{Panel, Series, draw};
use super::{Event, WITHIN, measure, of, stage};

/// Events of a key, within which a match has to be complete, where something else is varied.
const USUAL_WITHIN: u32 = WITHIN;
const USUAL_KEYS: u32 = 1_000;

type Shape = fn(u32) -> Pattern<Event>;

const WINDOWED: [(&str, Shape); 4] = [
    ("strict", |_| {
        stage("a", 0).times(3).consecutive().next("b").filter(of(1))
    }),
    ("relaxed", |_| {
        stage("a", 0)
            .followed_by("b")
            .filter(of(1))
            .followed_by("c")
            .filter(of(2))
    }),
    ("any", |_| {
        stage("a", 0)
            .followed_by_any("b")
            .filter(of(1))
            .followed_by_any("c")
            .filter(of(2))
    }),
    ("negation", |_| {
        stage("a", 0)
            .not_followed_by("x")
            .filter(of(3))
            .followed_by("b")
            .filter(of(1))
    }),
];

const LOOPS: [(&str, Shape); 3] = [
    ("consecutive", |times| {
        stage("a", 0)
            .times(times)
            .consecutive()
            .next("b")
            .filter(of(1))
    }),
    ("relaxed", |times| {
        stage("a", 0).times(times).followed_by("b").filter(of(1))
    }),
    ("greedy", |times| {
        stage("a", 0)
            .times_or_more(times)
            .greedy()
            .followed_by("b")
            .filter(of(1))
    }),
];

/// Nanoseconds an event, and bytes a key.
fn measured(pattern: Pattern<Event>, (keys, within): (u32, u32), events: u32) -> (f64, f64) {
    let within = Duration::from_millis(u64::from(keys) * u64::from(within));
    let matcher: Matcher<Event> = pattern.within(within).compile().unwrap();
    let limits = Limits {
        partial_matches: 10_000,
        ..Limits::default()
    };
    let found = measure(&matcher.limits(limits), keys, events);
    (
        found.seconds * 1e9 / f64::from(events),
        found.usage.bytes as f64 / f64::from(keys),
    )
}

/// Three panels, each with time above and memory below.
pub(super) fn drawn(events: u32) -> String {
    let windows = panel(
        "limit of time",
        "events of a key within it",
        &WINDOWED,
        &[5, 10, 20, 40, 80, 160],
        |shape, within| measured(shape(0), (USUAL_KEYS, within), events),
    );
    let loops = panel(
        "length of a loop",
        "events that it takes at least",
        &LOOPS,
        &[2, 4, 8, 16, 32, 64],
        |shape, times| measured(shape(times), (USUAL_KEYS, 200), events),
    );
    let keys = panel(
        "number of keys",
        "keys",
        &WINDOWED,
        &[10, 100, 1_000, 10_000, 100_000, 1_000_000],
        |shape, keys| {
            measured(
                shape(0),
                (keys, USUAL_WITHIN),
                events.max(keys.saturating_mul(10)),
            )
        },
    );
    draw(&[windows, loops, keys])
}

fn panel(
    title: &'static str,
    axis: &'static str,
    shapes: &[(&'static str, Shape)],
    values: &[u32],
    measure: impl Fn(Shape, u32) -> (f64, f64),
) -> Panel {
    let series = shapes.iter().map(|(name, shape)| {
        let points: Vec<_> = values
            .iter()
            .map(|value| (f64::from(*value), measure(*shape, *value)))
            .collect();
        for (value, (nanos, bytes)) in &points {
            println!(
                "{title:18} {name:12} {value:>9} {nanos:>8.0} ns/event {bytes:>10.0} bytes/key"
            );
        }
        Series {
            name,
            time: points
                .iter()
                .map(|(value, (nanos, _))| (*value, *nanos))
                .collect(),
            memory: points
                .iter()
                .map(|(value, (_, bytes))| (*value, *bytes))
                .collect(),
        }
    });
    Panel {
        title,
        axis,
        series: series.collect(),
    }
}
