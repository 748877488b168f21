//! Random jobs of several versions through random schedules of crashes, failures, migrations and versions that refuse: what a job leaves behind is what its versions do, cut at savepoints.
//!
//! A version is a program of segments with a savepoint between each two; what it emits and sends names the version. The world moves a job as the engine does: where
//! [`Machine::stands_at_savepoint`], before a run, and back where the new version breaks off before its first step.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::chance::Chance;
use super::{Action, Effect, Ending, Event, Machine, Rules, Standing};
use crate::job::call::{
    Answer, Call, Method, Request, RequestFailure, RequestFailureKind, Response,
};
use crate::job::journal::{Entry, Fact, Failure, Outcome, Savepoint};

#[derive(Clone, Copy, Debug)]
enum Op {
    Now,
    Emit,
    Send,
}

/// What one version does, segment by segment, and the segments that it cannot begin with.
#[derive(Clone, Debug)]
struct Version {
    segments: Vec<Vec<Op>>,
    refuses: Vec<bool>,
}

const SEGMENTS: usize = 4;

fn version() -> impl Strategy<Value = Version> {
    let op = prop::sample::select(vec![Op::Now, Op::Emit, Op::Send]);
    let segment = prop::collection::vec(op, 0..4);
    (
        prop::collection::vec(segment, SEGMENTS),
        prop::collection::vec(prop::bool::weighted(0.2), SEGMENTS),
    )
        .prop_map(|(segments, refuses)| Version { segments, refuses })
}

/// What is left of an operation: the version, the segment, and the place in it.
type Mark = (usize, usize, usize);

fn body((version, segment, place): Mark) -> Vec<u8> {
    format!("{version}/{segment}/{place}").into_bytes()
}

/// The job on disk.
#[derive(Clone, Debug, Default)]
struct Disk {
    entries: Vec<Entry>,
    version: usize,
    former: Option<usize>,
    target: Option<usize>,
    emitted: Vec<Vec<u8>>,
}

/// The code of a version at work.
#[derive(Clone, Copy, Debug)]
struct Guest {
    version: usize,
    segment: usize,
    place: usize,
}

struct World {
    versions: Vec<Version>,
    disk: Disk,
    /// What a crash would lose.
    unsynced: Vec<(Entry, Effect)>,
    machine: Machine,
    guest: Option<Guest>,
    answer: Option<Answer>,
    /// At the services: by idempotency key, what was sent.
    sent: BTreeMap<(u32, u32), Vec<u8>>,
    in_flight: Option<(u32, u32)>,
    /// Failures to come.
    failures: u32,
    migrations: u32,
    crashes: u32,
    chance: Chance,
}

impl World {
    fn new(versions: Vec<Version>, seed: u64) -> Self {
        Self {
            versions,
            disk: Disk::default(),
            unsynced: Vec::new(),
            machine: Machine::replay(rules(), []),
            guest: None,
            answer: None,
            sent: BTreeMap::new(),
            in_flight: None,
            failures: 3,
            migrations: 6,
            crashes: 10,
            chance: Chance::new(seed),
        }
    }

    fn one_in(&mut self, odds: u64, left: impl Fn(&mut Self) -> &mut u32) -> bool {
        let happens = *left(self) > 0 && self.chance.one_in(odds);
        *left(self) -= u32::from(happens);
        happens
    }

    /// Whatever was in memory is gone.
    fn crash(&mut self) {
        self.unsynced.clear();
        self.machine = Machine::replay(rules(), &self.disk.entries);
        self.guest = None;
        self.answer = None;
        self.in_flight = None;
    }

    fn sync(&mut self) {
        for (entry, effect) in std::mem::take(&mut self.unsynced) {
            if effect == Effect::Cut {
                self.disk.entries.clear();
            }
            if entry.fact.is_step() {
                self.disk.former = None;
            }
            if let Effect::Emit { records, .. } = effect {
                self.disk.emitted.extend(records);
            }
            self.disk.entries.push(entry);
        }
    }

    fn tell(&mut self, event: Event) {
        let mut saved = false;
        for action in self.machine.apply(0, event) {
            match action {
                Action::Record(entry, effect) => {
                    saved |= matches!(entry.fact, Fact::Saved(_));
                    self.unsynced.push((entry, effect));
                }
                Action::Start(savepoint) => {
                    self.guest = Some(Guest::of(self.disk.version, savepoint.as_ref()));
                }
                Action::Answer(answer) => self.answer = Some(answer),
                Action::Send {
                    step,
                    index,
                    request,
                } => {
                    self.sync();
                    let body = request.body.expect("each says whose it is");
                    let known = self
                        .sent
                        .entry((step, index))
                        .or_insert_with(|| body.clone());
                    assert_eq!(*known, body, "a key was used for another request");
                    self.in_flight = Some((step, index));
                }
                _ => self.sync(),
            }
        }
        if saved && self.disk.target.is_some() {
            self.sync();
            self.crash();
        }
    }

    /// What an engine does before a run.
    fn begin(&mut self) {
        if let Some(target) = self.disk.target
            && self.machine.stands_at_savepoint()
        {
            self.sync();
            self.disk.former = Some(std::mem::replace(&mut self.disk.version, target));
            self.disk.target = None;
        }
        self.tell(Event::Begin);
    }

    fn end(&mut self, ending: Ending) {
        let failed = !matches!(ending, Ending::Said(Ok(_)));
        match self.disk.former {
            Some(former) if failed && self.machine.stands_at_savepoint() => {
                self.sync();
                self.disk.version = former;
                self.disk.former = None;
                self.crash();
            }
            _ => self.tell(Event::Ended(ending)),
        }
    }

    fn step(&mut self) {
        if self.one_in(6, |world| &mut world.crashes) {
            return self.crash();
        }
        if self.one_in(5, |world| &mut world.migrations) {
            let target = self.chance.below(self.versions.len() as u64) as usize;
            self.disk.target = (target != self.disk.version).then_some(target);
        }
        let Some(guest) = self.guest else {
            return self.begin();
        };
        if let Some(answer) = self.answer.take() {
            return self.hear(guest, &answer);
        }
        if let Some((step, index)) = self.in_flight.take() {
            let received = match self.one_in(2, |world| &mut world.failures) {
                true => Err(RequestFailure {
                    kind: RequestFailureKind::Timeout,
                    message: String::new(),
                    retry_after: None,
                }),
                false => Ok(Response {
                    status: 200,
                    headers: Vec::new(),
                    body: Vec::new(),
                }),
            };
            return self.tell(Event::Responded {
                step,
                index,
                received,
            });
        }
        self.go_on(guest);
    }

    fn hear(&mut self, guest: Guest, answer: &Answer) {
        if let Answer::Responses(received) = answer
            && received[0].is_err()
        {
            let failure = Failure {
                code: "unanswered".to_owned(),
                message: String::new(),
                details: None,
                status: None,
                retry_after: None,
            };
            self.end(Ending::Said(Err(failure)));
            self.sync();
            // Somebody wants it to go on.
            self.crash();
            return self.tell(Event::Retry);
        }
        let place = guest.place + 1;
        let is_over = place > self.versions[guest.version].segments[guest.segment].len();
        self.guest = Some(match is_over {
            true => Guest {
                segment: guest.segment + 1,
                place: 0,
                ..guest
            },
            false => Guest { place, ..guest },
        });
    }

    fn go_on(&mut self, guest: Guest) {
        let version = &self.versions[guest.version];
        let Some(segment) = version.segments.get(guest.segment) else {
            return self.end(Ending::Said(Ok(Vec::new())));
        };
        // The first version begins everything: a job is made by one that accepts it.
        let refuses = version.refuses[guest.segment] && self.disk.former.is_some();
        if refuses && guest.place == 0 && self.machine.stands_at_savepoint() {
            return self.end(Ending::Trapped("it cannot go on from here".to_owned()));
        }
        let mark = (guest.version, guest.segment, guest.place);
        let call = match segment.get(guest.place) {
            Some(Op::Now) => Call::Now,
            Some(Op::Emit) => Call::Emit {
                port: 0,
                records: vec![body(mark)],
            },
            Some(Op::Send) => Call::Send {
                requests: vec![Request {
                    connection: "service".to_owned(),
                    method: Method::Post,
                    path: "/".to_owned(),
                    headers: Vec::new(),
                    body: Some(body(mark)),
                }],
                width: 1,
            },
            None => Call::Save {
                version: 1,
                state: vec![u8::try_from(guest.segment + 1).expect("there are few")],
            },
        };
        self.tell(Event::Called(call, 0));
    }

    /// Runs the job to its end; gives what it emitted.
    fn run(&mut self) -> Vec<Vec<u8>> {
        for _ in 0..10_000 {
            if self.machine.standing() == Standing::Finished {
                self.sync();
                let outcome = self.machine.outcome();
                assert_eq!(outcome, Some(&Outcome::Returned(Vec::new())));
                return self.disk.emitted.clone();
            }
            self.step();
        }
        panic!("the job does not end: {}", self.machine.doing());
    }
}

impl Guest {
    fn of(version: usize, savepoint: Option<&Savepoint>) -> Self {
        Self {
            version,
            segment: savepoint.map_or(0, |savepoint| savepoint.state[0].into()),
            place: 0,
        }
    }
}

fn rules() -> Rules {
    Rules {
        submitted: 0,
        wall_time: Duration::from_secs(1 << 40),
        steps: 100,
        asks: Default::default(),
    }
}

/// What the operations leave behind if this version does that segment: records that are emitted, and requests.
fn left_by(versions: &[Version], version: usize, segment: usize) -> [Vec<Vec<u8>>; 2] {
    let ops = || versions[version].segments[segment].iter().enumerate();
    let marked = |(place, _)| body((version, segment, place));
    let emits = ops().filter(|(_, op)| matches!(op, Op::Emit)).map(marked);
    let sends = ops().filter(|(_, op)| matches!(op, Op::Send)).map(marked);
    [emits.collect(), sends.collect()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn what_a_job_leaves_behind_is_what_its_versions_do_cut_at_savepoints(
        versions in prop::collection::vec(version(), 1..4), seed in any::<u64>(),
    ) {
        let mut world = World::new(versions.clone(), seed);
        let emitted = world.run();
        let sent: Vec<_> = world.sent.into_values().collect();
        let (mut emitted, mut sent) = (&emitted[..], &sent[..]);
        for segment in 0..SEGMENTS {
            // All that is left behind names its version: beside those that leave nothing one fits at most.
            let done = (0..versions.len()).map(|version| left_by(&versions, version, segment));
            let fitting = done.filter(|[emits, sends]| emitted.starts_with(emits) && sent.starts_with(sends));
            let done = fitting.max_by_key(|[emits, sends]| emits.len() + sends.len());
            prop_assert!(done.is_some(), "no version does segment {segment} like that: {emitted:?}, {sent:?}");
            let [emits, sends] = done.unwrap_or_default();
            (emitted, sent) = (&emitted[emits.len()..], &sent[sends.len()..]);
        }
        prop_assert!(emitted.is_empty() && sent.is_empty(), "more than versions do: {emitted:?}, {sent:?}");
    }
}
