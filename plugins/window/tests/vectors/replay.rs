//! A case fed to the library.

use std::collections::BTreeMap;

use jackfield_window::{
    Aggregate, ConfiguredTrigger, Count, Firing, Max, Min, Placement, StateOf, Sum, Windowed,
};

use crate::case::{Case, Entry, Input, Outcome, outcome, refused};

/// With every key asked at every watermark.
pub fn directly(case: &Case) -> Outcome {
    dispatch(case, false)
}

/// With a key only asked when its timer is due, and all state stored and loaded after each input.
pub fn by_timers(case: &Case) -> Outcome {
    dispatch(case, true)
}

fn dispatch(case: &Case, by_timers: bool) -> Outcome {
    let number = |count| i64::try_from(count).unwrap();
    match case.aggregate.as_str() {
        "count" => Replay::new(case, Count, by_timers)?.run(|_| (), number),
        "sum" => Replay::new(case, Sum::<i64>::new(), by_timers)?.run(|value| value, |sum| sum),
        "min" => Replay::new(case, Min::<i64>::new(), by_timers)?.run(|value| value, |min| min),
        "max" => Replay::new(case, Max::<i64>::new(), by_timers)?.run(|value| value, |max| max),
        other => panic!("{}: unknown aggregate {other}", case.name),
    }
}

type State<A> = StateOf<A, ConfiguredTrigger>;

struct Replay<'c, A: Aggregate<Input: Sized>> {
    case: &'c Case,
    windows: Windowed<A, ConfiguredTrigger>,
    by_timers: bool,
    states: BTreeMap<&'c str, State<A>>,
    timers: BTreeMap<&'c str, i64>,
    watermark: i64,
    entries: Vec<Entry>,
}

impl<'c, A: Aggregate<Input: Sized>> Replay<'c, A> {
    fn new(case: &'c Case, aggregate: A, by_timers: bool) -> Result<Self, String> {
        let windows = Windowed::new(case.assigner()?, aggregate)
            .with_trigger(case.trigger()?)
            .with_allowed_lateness(case.lateness)
            .map_err(refused)?;
        Ok(Self {
            case,
            windows,
            by_timers,
            states: BTreeMap::new(),
            timers: BTreeMap::new(),
            watermark: i64::MIN,
            entries: Vec::new(),
        })
    }

    fn run(
        mut self,
        input_of: impl Fn(i64) -> A::Input,
        number_of: impl Fn(A::Output) -> i64,
    ) -> Outcome {
        let mut events = 0;
        for (at, input) in self.case.input.iter().enumerate() {
            match input {
                Input::Event { ts, value, key } => {
                    self.add((at, events), key, *ts, &input_of(*value), &number_of);
                    events += 1;
                }
                Input::Watermark { wm } => {
                    self.watermark = *wm;
                    self.fire(at, &number_of);
                }
            }
            if self.by_timers {
                self.store_and_load();
            }
        }
        outcome(self.entries)
    }

    fn add(
        &mut self,
        (at, i): (usize, usize),
        key: &'c str,
        timestamp: i64,
        input: &A::Input,
        number_of: &impl Fn(A::Output) -> i64,
    ) {
        let state = self.states.entry(key).or_default();
        let entries = &mut self.entries;
        let emit = |firing| entries.push(result(at, key, firing, number_of));
        match self
            .windows
            .add(state, timestamp, self.watermark, input, emit)
        {
            Placement::Placed { timer: Some(timer) } => {
                let earliest = self.timers.entry(key).or_insert(timer);
                *earliest = timer.min(*earliest);
            }
            Placement::Placed { timer: None } | Placement::Outside => {}
            Placement::Late => self.entries.push(Entry::Late {
                at,
                key: key.to_owned(),
                ts: timestamp,
                i,
            }),
        }
    }

    fn fire(&mut self, at: usize, number_of: &impl Fn(A::Output) -> i64) {
        for (key, state) in &mut self.states {
            let is_due = self
                .timers
                .get(key)
                .is_some_and(|time| *time <= self.watermark);
            if self.by_timers && !is_due {
                continue;
            }
            self.windows.fire(state, self.watermark, |firing| {
                self.entries.push(result(at, key, firing, number_of));
            });
            match self.windows.next_timer(state) {
                Some(timer) => self.timers.insert(key, timer),
                None => self.timers.remove(key),
            };
        }
    }

    fn store_and_load(&mut self) {
        for state in self.states.values_mut() {
            let stored = postcard::to_allocvec(state).unwrap();
            *state = postcard::from_bytes(&stored).unwrap();
        }
    }
}

fn result<O>(at: usize, key: &str, firing: Firing<O>, number_of: &impl Fn(O) -> i64) -> Entry {
    Entry::Result {
        at,
        key: key.to_owned(),
        start: firing.window.start,
        end: firing.window.end,
        value: number_of(firing.output),
        ts: firing.window.max_timestamp(),
    }
}
