//! Random jobs through random schedules of crashes, time-outs, late and repeated callbacks and jumps of the clock.
//!
//! The world around the machine is kept as small as it can be: a journal whose end is lost in a crash if nothing had to wait for it, services that count what
//! they are sent by idempotency key, senders of callbacks that repeat themselves until they are heard. Which of the things that can happen next does is for chance to say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::chance::Chance;
use super::{Action, Ending, Event, Machine, Reception, Rules, Standing};
use crate::job::call::{Answer, Call, Expectation, Method, Request, Response, Time};
use crate::job::journal::{Callback, Entry, Fact, Outcome, Savepoint};

const TRIGGER: &str = "hook";

/// Something that a job does.
#[derive(Clone, Debug)]
enum Op {
    Now,
    Random,
    Progress,
    Sleep(u64),
    Emit(u8),
    Save,
    /// Requests, by number, of an idempotent method or not, side by side.
    Send {
        requests: Vec<(u8, bool)>,
        width: u32,
    },
    /// A request that makes the service call back, and the wait for it.
    CalledBack(u8),
    /// A wait for a callback that may or may not come in time.
    Hope(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        Just(Op::Now),
        Just(Op::Random),
        Just(Op::Progress),
        (1..5_000_u64).prop_map(Op::Sleep),
        any::<u8>().prop_map(Op::Emit),
        Just(Op::Save),
        (
            prop::collection::vec((any::<u8>(), any::<bool>()), 1..5),
            1..4_u32
        )
            .prop_map(|(requests, width)| Op::Send { requests, width }),
        any::<u8>().prop_map(Op::CalledBack),
        (1..5_000_u64).prop_map(Op::Hope),
    ]
}

fn request(number: u8, idempotent: bool) -> Request {
    Request {
        connection: "service".to_owned(),
        method: if idempotent {
            Method::Get
        } else {
            Method::Post
        },
        path: format!("/{number}"),
        headers: Vec::new(),
        body: None,
    }
}

/// The calls of an operation, in order.
fn calls(place: usize, op: &Op) -> Vec<Call> {
    let correlation = place.to_string();
    let expectation = || Expectation {
        trigger: TRIGGER.to_owned(),
        correlation: Some(correlation.clone()),
    };
    let wait = |timeout| Call::Await {
        trigger: TRIGGER.to_owned(),
        correlation: correlation.clone(),
        timeout,
    };
    match op {
        Op::Now => vec![Call::Now],
        Op::Random => vec![Call::Random],
        Op::Progress => vec![Call::Progress("on".to_owned())],
        Op::Sleep(time) => vec![Call::Sleep(*time)],
        Op::Emit(record) => vec![Call::Emit {
            port: 0,
            records: vec![vec![*record]],
        }],
        Op::Save => Vec::new(),
        Op::Send { requests, width } => vec![Call::Send {
            requests: requests
                .iter()
                .map(|(number, safe)| request(*number, *safe))
                .collect(),
            width: *width,
        }],
        Op::CalledBack(number) => vec![
            Call::Expect(expectation()),
            Call::Send {
                requests: vec![request(*number, false)],
                width: 1,
            },
            wait(None),
        ],
        Op::Hope(timeout) => vec![wait(Some(*timeout))],
    }
}

/// The code of a job: its place in the list of calls is all that it remembers, and what it was told by services.
#[derive(Clone, Debug, Default)]
struct Guest {
    next: usize,
    told: Vec<String>,
}

impl Guest {
    fn of(savepoint: Option<&Savepoint>) -> Self {
        savepoint.map_or_else(Self::default, |savepoint| {
            let text = String::from_utf8(savepoint.state.clone()).unwrap();
            let mut lines = text.lines().map(str::to_owned);
            Self {
                next: lines.next().unwrap().parse().unwrap(),
                told: lines.collect(),
            }
        })
    }

    fn save(&self) -> Call {
        let mut lines = vec![(self.next + 1).to_string()];
        lines.extend(self.told.clone());
        Call::Save {
            version: 1,
            state: lines.join("\n").into_bytes(),
        }
    }

    /// What depends on time and chance is not part of what comes out.
    fn hear(&mut self, call: &Call, answer: &Answer) {
        self.next += 1;
        match (call, answer) {
            (_, Answer::Responses(received)) => {
                let bodies = received.iter().map(|one| match one {
                    Ok(response) => String::from_utf8_lossy(&response.body).into_owned(),
                    Err(failure) => failure.message.clone(),
                });
                self.told.push(bodies.collect::<Vec<_>>().join(","));
            }
            (Call::Await { timeout: None, .. }, Answer::Callback(payload)) => {
                let payload = payload
                    .clone()
                    .expect("without a time-out it waits until it is called back");
                self.told.push(String::from_utf8(payload).unwrap());
            }
            _ => {}
        }
    }
}

/// The place in the program of a call: none is a savepoint.
fn program(ops: &[Op]) -> Vec<(usize, Option<Call>)> {
    let of = |(place, op): (usize, &Op)| match op {
        Op::Save => vec![(place, None)],
        op => calls(place, op)
            .into_iter()
            .map(|call| (place, Some(call)))
            .collect(),
    };
    ops.iter().enumerate().flat_map(of).collect()
}

/// What can go wrong, each once in so many chances; 0 is never.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    crash: u64,
    jump: u64,
    repeat: u64,
}

struct World {
    program: Vec<(usize, Option<Call>)>,
    provoking: BTreeMap<u32, String>,
    rules: Rules,
    chance: Chance,
    trouble: Trouble,
    now: Time,
    /// What is on disk, and what a crash would lose.
    durable: Vec<Entry>,
    written: Vec<Entry>,
    emitted: Vec<Vec<u8>>,
    emitted_unsafe: Vec<Vec<u8>>,
    /// Durable answers, by step: decided once.
    decided: BTreeMap<u32, Answer>,
    /// At the services: how often each request arrived, by key.
    arrived: BTreeMap<(u32, u32), u32>,
    /// Answers on their way.
    answers: Vec<(u32, u32)>,
    /// Callbacks that their senders still repeat.
    callbacks: Vec<Callback>,
    accepted: BTreeSet<String>,
}

struct Process {
    machine: Machine,
    guest: Option<Guest>,
    asked: Option<Call>,
}

impl World {
    fn new(ops: &[Op], seed: u64, trouble: Trouble, asks: bool) -> Self {
        Self {
            program: program(ops),
            provoking: BTreeMap::new(),
            rules: Rules {
                submitted: 0,
                wall_time: Duration::from_secs(1 << 40),
                steps: 10_000,
                asks: asks.then(|| "service".to_owned()).into_iter().collect(),
            },
            chance: Chance::new(seed),
            trouble,
            now: 0,
            durable: Vec::new(),
            written: Vec::new(),
            emitted: Vec::new(),
            emitted_unsafe: Vec::new(),
            decided: BTreeMap::new(),
            arrived: BTreeMap::new(),
            answers: Vec::new(),
            callbacks: Vec::new(),
            accepted: BTreeSet::new(),
        }
    }

    fn start(&mut self) -> Process {
        self.answers.clear();
        self.written.clear();
        self.emitted_unsafe.clear();
        let mut process = Process {
            machine: Machine::replay(self.rules.clone(), &self.durable),
            guest: None,
            asked: None,
        };
        self.tell(&mut process, Event::Begin);
        process
    }

    /// What was written reaches the disk, in order.
    fn sync(&mut self) {
        for entry in std::mem::take(&mut self.written) {
            if let Fact::Decided { step, answer, .. } = &entry.fact {
                self.decide(*step, answer);
            }
            if matches!(entry.fact, Fact::Saved(_)) {
                self.durable.clear();
            }
            self.durable.push(entry);
        }
        self.emitted.append(&mut self.emitted_unsafe);
    }

    fn decide(&mut self, step: u32, answer: &Answer) {
        let known = self.decided.entry(step).or_insert_with(|| answer.clone());
        assert_eq!(known, answer, "step {step} was decided twice");
    }

    fn tell(&mut self, process: &mut Process, event: Event) {
        let actions = process.machine.apply(self.now, event);
        for action in actions {
            self.perform(process, action);
        }
    }

    fn perform(&mut self, process: &mut Process, action: Action) {
        match action {
            Action::Record(entry, effect) => {
                if let super::Effect::Emit { records, .. } = effect {
                    self.emitted_unsafe.extend(records);
                }
                self.written.push(entry);
            }
            Action::Start(savepoint) => process.guest = Some(Guest::of(savepoint.as_ref())),
            Action::Answer(answer) => {
                let call = process.asked.take().expect("who is answered has asked");
                process
                    .guest
                    .as_mut()
                    .expect("it runs")
                    .hear(&call, &answer);
            }
            Action::Send {
                step,
                index,
                request,
            } => {
                self.sync();
                *self.arrived.entry((step, index)).or_default() += 1;
                self.answers.push((step, index));
                if let Some(correlation) = self.provokes(&request, process) {
                    self.provoking.insert(step, correlation.clone());
                    let callback = Callback {
                        trigger: TRIGGER.to_owned(),
                        delivery: format!("{step}"),
                        payload: format!("called back for {step}").into_bytes(),
                        correlation,
                    };
                    if !self.accepted.contains(&callback.delivery) {
                        self.callbacks.push(callback);
                    }
                }
            }
            Action::Receive(_) | Action::Wait(_) | Action::Stop | Action::Retried(_) => self.sync(),
        }
    }

    /// Whether the request is one that makes the service call back.
    fn provokes(&self, request: &Request, process: &Process) -> Option<String> {
        let next = process.guest.as_ref()?.next;
        let (place, _) = self.program[next];
        let expected = next
            .checked_sub(1)
            .map(|before| &self.program[before])
            .is_some_and(|(of, call)| *of == place && matches!(call, Some(Call::Expect(_))));
        (expected && request.method == Method::Post).then(|| place.to_string())
    }

    /// Lets one thing happen; gives whether the job is over.
    fn step(&mut self, process: &mut Process) -> bool {
        if process.machine.outcome().is_some() {
            return true;
        }
        if self.chance.one_in(self.trouble.crash) {
            *process = self.start();
            return false;
        }
        if self.chance.one_in(self.trouble.jump) {
            // Clocks are set back too.
            self.now = (self.now + self.chance.below(4_000) as Time - 1_000).max(0);
            self.tell(process, Event::Elapsed);
            return false;
        }
        if !self.callbacks.is_empty() && self.chance.one_in(3) {
            self.call_back(process);
            return false;
        }
        if !self.answers.is_empty() && self.chance.one_in(2) {
            let place = self.chance.below(self.answers.len() as u64) as usize;
            let (step, index) = self.answers.swap_remove(place);
            let response = Response {
                status: 200,
                headers: Vec::new(),
                body: format!("{step}.{index}").into_bytes(),
            };
            let received = Ok(response);
            self.tell(
                process,
                Event::Responded {
                    step,
                    index,
                    received,
                },
            );
            return false;
        }
        self.go_on(process);
        false
    }

    fn call_back(&mut self, process: &mut Process) {
        let place = self.chance.below(self.callbacks.len() as u64) as usize;
        let callback = self.callbacks[place].clone();
        let delivery = callback.delivery.clone();
        let actions = process.machine.apply(self.now, Event::CalledBack(callback));
        let mut reception = None;
        for action in actions {
            if let Action::Receive(said) = action {
                reception = Some(said);
            }
            self.perform(process, action);
        }
        match reception.expect("a sender is always answered") {
            Reception::Unknown => panic!("a callback was lost: nobody expected it"),
            Reception::Accepted => {
                assert!(self.accepted.insert(delivery), "a callback was taken twice");
            }
            Reception::Repeated => assert!(self.accepted.contains(&delivery)),
        }
        // The word may be lost on its way to the sender.
        if !self.chance.one_in(self.trouble.repeat) {
            self.callbacks.swap_remove(place);
        }
    }

    fn go_on(&mut self, process: &mut Process) {
        match (&process.guest, &process.asked) {
            (Some(guest), None) => {
                let guest = guest.clone();
                match self.program.get(guest.next).cloned() {
                    Some((_, call)) => {
                        let call = call.unwrap_or_else(|| guest.save());
                        process.asked = Some(call.clone());
                        let random = self.chance.below(u64::MAX);
                        self.tell(process, Event::Called(call, random));
                    }
                    None => {
                        let output = guest.told.join("\n").into_bytes();
                        self.tell(process, Event::Ended(Ending::Said(Ok(output))));
                    }
                }
            }
            _ => match process.machine.standing() {
                Standing::Waiting(until) if self.callbacks.is_empty() || self.chance.one_in(4) => {
                    // Nothing else can happen: time passes, in this process or, more often, in one that begins anew.
                    if until < 1 << 40 {
                        self.now = self.now.max(until);
                    }
                    match self.chance.one_in(2) {
                        true => self.tell(process, Event::Elapsed),
                        false => *process = self.start(),
                    }
                }
                // What it waited for came while there was no instance.
                Standing::Ready if process.guest.is_none() => self.tell(process, Event::Begin),
                Standing::Asking => {
                    self.tell(process, Event::Retry);
                    *process = self.start();
                }
                _ => {}
            },
        }
    }

    fn run(&mut self) -> Outcome {
        let mut process = self.start();
        for _ in 0..200_000 {
            if self.step(&mut process) {
                self.sync();
                return process.machine.outcome().cloned().expect("it is over");
            }
        }
        panic!(
            "the job does not end: {:?}, {}",
            process.machine.standing(),
            process.machine.doing()
        );
    }
}

fn quiet() -> Trouble {
    Trouble {
        crash: 0,
        jump: 0,
        repeat: 0,
    }
}

fn trouble() -> impl Strategy<Value = Trouble> {
    (
        prop::sample::select(vec![0, 4, 10, 40]),
        prop::sample::select(vec![0, 5, 20]),
        prop::sample::select(vec![0, 2, 4]),
    )
        .prop_map(|(crash, jump, repeat)| Trouble {
            crash,
            jump,
            repeat,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_job_ends_as_if_nothing_had(
        ops in prop::collection::vec(op(), 1..12), seed in any::<u64>(), trouble in trouble(), asks in any::<bool>(),
    ) {
        let mut calm = World::new(&ops, 1, quiet(), asks);
        let expected = calm.run();
        let mut world = World::new(&ops, seed, trouble, asks);
        let outcome = world.run();
        prop_assert_eq!(&outcome, &expected);
        prop_assert!(matches!(outcome, Outcome::Returned(_)));
        prop_assert_eq!(&world.emitted, &calm.emitted);
        let keys = |world: &World| world.arrived.keys().copied().collect::<Vec<_>>();
        prop_assert_eq!(keys(&world), keys(&calm));
        if trouble.crash == 0 {
            prop_assert!(world.arrived.values().all(|&times| times == 1));
        }
    }
}
