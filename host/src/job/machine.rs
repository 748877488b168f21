//! A job as a pure state machine: events in, actions out. It knows no clock, no socket and no store, so that all that can happen to a job, in any order, can
//! happen in a test.
//!
//! What is durable is the sum of the journal ([`Machine::replay`]): a fact comes out as [`Action::Record`], and everything that leaves the host (a request, the word that
//! a callback was taken, the end of the job) is behind it in the list of actions and waits until it is durable. What is volatile is that a run of the guest is
//! under way. To let a job sleep is therefore the same as to crash: the machine is dropped, and made anew from the journal when there is something to do.

mod durable;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use super::call::{Answer, Call, Expectation, Received, Request, Time};
use super::journal::{Callback, Entry, Fact, Outcome, Pending, Savepoint};
use durable::{Durable, Progressed, Sent};

/// What a job may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When it was submitted.
    pub submitted: Time,
    /// How long it may take, from when it was submitted or retried.
    pub wall_time: Duration,
    /// Steps that its journal may hold.
    pub steps: u32,
    /// Connections whose requests are not sent again by themselves if nobody knows whether they arrived.
    pub asks: BTreeSet<String>,
}

/// A job: what is durable, and what this process is doing for it.
#[derive(Clone, Debug)]
pub struct Machine {
    rules: Rules,
    durable: Durable,
    run: Run,
}

/// What the guest is doing, in this process.
#[derive(Clone, Debug, PartialEq)]
enum Run {
    /// There is no instance.
    None,
    /// It is computing; `next` is the step that it will ask for.
    Computing { next: u32 },
    /// It waits for the answer of that step. What this process has sent and not heard of is under way.
    Waiting {
        step: u32,
        call: Call,
        under_way: BTreeSet<u32>,
    },
}

/// What happens to a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Its machine was just made, and there may be something to do.
    Begin,
    /// The guest asks for something; with a random number, for the case that it asks for one.
    Called(Call, u64),
    /// A request that was sent was answered, or came to nothing.
    Responded {
        /// The step.
        step: u32,
        /// Which of its requests.
        index: u32,
        /// What came of it.
        received: Received,
    },
    /// Time has passed.
    Elapsed,
    /// A callback came.
    CalledBack(Callback),
    /// The guest is done, or can do no more.
    Ended(Ending),
    /// Somebody wants it to end.
    Cancel,
    /// Somebody wants it to go on: it failed, or is in doubt.
    Retry,
}

/// How a run of the guest ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned something, or said that it failed.
    Said(Result<Vec<u8>, super::journal::Failure>),
    /// It went over a limit, in these words.
    Exceeded(String),
    /// It broke off, in these words.
    Trapped(String),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write the entry, and in the same transaction what it means beside itself.
    Record(Entry, Effect),
    /// Start an instance, from the beginning or from a savepoint.
    Start(Option<Savepoint>),
    /// Answer the guest.
    Answer(Answer),
    /// Send a request of the call that the guest waits for.
    Send {
        /// The step.
        step: u32,
        /// Which of its requests.
        index: u32,
        /// The request itself.
        request: Request,
    },
    /// Nothing can be done before that time, but that a callback comes.
    Wait(Time),
    /// Drop the instance, and whatever it has under way: the job is over, or in doubt.
    Stop,
    /// Say what became of the callback.
    Receive(Reception),
    /// Say whether it goes on.
    Retried(bool),
}

/// What an entry means beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Records go to an output port.
    Emit {
        /// The port, by index.
        port: u32,
        /// The records.
        records: Vec<Vec<u8>>,
    },
    /// Words for those who look on.
    Progress(String),
    /// All entries before it go.
    Cut,
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// It was taken.
    Accepted,
    /// It had been taken before.
    Repeated,
    /// Nobody expects it.
    Unknown,
}

/// What a job needs to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing but a place.
    Ready,
    /// That it is so late; or a callback.
    Waiting(Time),
    /// Somebody who says what is to become of the request in doubt.
    Asking,
    /// It is over.
    Finished,
}

impl Machine {
    /// A job of which that much is known.
    #[must_use]
    pub fn replay<'a>(rules: Rules, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut durable = Durable::new(rules.submitted);
        entries.into_iter().for_each(|entry| durable.fold(entry));
        Self {
            rules,
            durable,
            run: Run::None,
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.durable.outcome.as_ref()
    }

    /// What is kept for the job.
    #[must_use]
    pub fn expectations(&self) -> &BTreeSet<Expectation> {
        static NONE: BTreeSet<Expectation> = BTreeSet::new();
        match self.durable.outcome {
            Some(_) => &NONE,
            None => &self.durable.expected,
        }
    }

    /// What it needs to go on.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.durable.outcome.is_some() {
            return Standing::Finished;
        }
        if self.durable.doubt.is_some() {
            return Standing::Asking;
        }
        match self.durable.waits() {
            Some(until) => {
                Standing::Waiting(until.map_or(self.deadline(), |until| until.min(self.deadline())))
            }
            None => Standing::Ready,
        }
    }

    /// What it does, or was doing last, for people.
    #[must_use]
    pub fn doing(&self) -> String {
        match &self.run {
            Run::Waiting { step, call, .. } => format!("step {step}: {}", call.fingerprint().what),
            Run::Computing { next: 0 } => "before its first step".to_owned(),
            Run::Computing { next } => match self.durable.step(next - 1) {
                Some(step) => format!("after step {}: {}", next - 1, step.call.what),
                None => format!("after step {}", next - 1),
            },
            Run::None => match self.durable.steps.last() {
                Some(step) => step.call.what.clone(),
                None => "nothing yet".to_owned(),
            },
        }
    }

    /// Works on an event that happens at this time.
    pub fn apply(&mut self, at: Time, event: Event) -> Vec<Action> {
        let mut turn = Turn {
            machine: self,
            at,
            actions: Vec::new(),
        };
        match event {
            Event::CalledBack(callback) => turn.called_back(callback),
            Event::Retry => turn.retry(),
            // It is over: whatever still arrives is late.
            _ if turn.machine.durable.outcome.is_some() => {}
            _ if turn.is_over_due() => {}
            Event::Begin => turn.begin(),
            Event::Called(call, random) => turn.called(call, random),
            Event::Responded {
                step,
                index,
                received,
            } => turn.responded(step, index, received),
            Event::Elapsed => turn.proceed(),
            Event::Ended(ending) => turn.ended(ending),
            Event::Cancel => turn.finish(Outcome::Cancelled),
        }
        turn.actions
    }

    fn deadline(&self) -> Time {
        after(self.durable.began, self.rules.wall_time.as_millis())
    }

    fn may_repeat(&self, request: &Request) -> bool {
        request.method.is_idempotent() || !self.rules.asks.contains(&request.connection)
    }
}

/// The work on one event.
struct Turn<'a> {
    machine: &'a mut Machine,
    at: Time,
    actions: Vec<Action>,
}

impl Turn<'_> {
    fn record(&mut self, fact: Fact, effect: Effect) {
        let entry = Entry { at: self.at, fact };
        self.machine.durable.fold(&entry);
        self.actions.push(Action::Record(entry, effect));
    }

    fn finish(&mut self, outcome: Outcome) {
        self.record(Fact::Finished(outcome), Effect::None);
        self.machine.run = Run::None;
        self.actions.push(Action::Stop);
    }

    fn is_over_due(&mut self) -> bool {
        let over = self.machine.deadline() <= self.at;
        if over {
            let limit = format!("it may take {:?} (wall-time)", self.machine.rules.wall_time);
            let doing = self.machine.doing();
            self.finish(Outcome::Exceeded { limit, doing });
        }
        over
    }

    fn begin(&mut self) {
        match self.machine.standing() {
            Standing::Waiting(until) if until > self.at => self.actions.push(Action::Wait(until)),
            Standing::Ready | Standing::Waiting(_) => {
                let next = self.machine.durable.first;
                self.machine.run = Run::Computing { next };
                let savepoint = self.machine.durable.savepoint.clone();
                self.actions.push(Action::Start(savepoint));
            }
            Standing::Asking | Standing::Finished => {}
        }
    }

    fn called(&mut self, call: Call, random: u64) {
        let Run::Computing { next } = self.machine.run else {
            return;
        };
        let fingerprint = call.fingerprint();
        match self.machine.durable.step(next) {
            Some(known) if known.call != fingerprint => {
                let (journal, mut asked) = (known.call.what.clone(), fingerprint.what);
                if journal == asked {
                    asked.push_str(", with other contents");
                }
                let step = next;
                return self.finish(Outcome::Diverged {
                    step,
                    journal,
                    asked,
                });
            }
            Some(_) => {}
            None => {
                let most = self.machine.rules.steps;
                if self.machine.durable.steps.len() >= most as usize {
                    let limit =
                        format!("its journal may hold {most} steps (steps); a savepoint cuts it");
                    let doing = format!("step {next}: {}", fingerprint.what);
                    return self.finish(Outcome::Exceeded { limit, doing });
                }
                let (fact, effect) = self.first(next, &call, random);
                self.record(fact, effect);
            }
        }
        self.machine.run = Run::Waiting {
            step: next,
            call,
            under_way: BTreeSet::new(),
        };
        if !self.is_doubtful() {
            self.proceed();
        }
    }

    /// What a call that is new means.
    fn first(&self, step: u32, call: &Call, random: u64) -> (Fact, Effect) {
        let until = |milliseconds: u64| after(self.at, milliseconds.into());
        let fingerprint = call.fingerprint();
        let pending = match call {
            Call::Send { requests, .. } => {
                Pending::Responses(u32::try_from(requests.len()).unwrap_or(u32::MAX))
            }
            Call::Sleep(milliseconds) => Pending::Sleep {
                until: until(*milliseconds),
            },
            Call::Await {
                trigger,
                correlation,
                timeout,
            } => Pending::Callback {
                trigger: trigger.clone(),
                correlation: correlation.clone(),
                until: timeout.map(until),
            },
            Call::Save { version, state } => {
                let saved = self.machine.durable.saved(step, *version, state.clone());
                return (Fact::Saved(Box::new(saved)), Effect::Cut);
            }
            at_once => return self.decided(step, at_once, random),
        };
        let asked = Fact::Asked {
            step,
            call: fingerprint,
            pending,
        };
        (asked, Effect::None)
    }

    /// What a call means that is answered at once.
    fn decided(&self, step: u32, call: &Call, random: u64) -> (Fact, Effect) {
        let (answer, effect) = match call {
            Call::Now => (Answer::Time(self.at), Effect::None),
            Call::Random => (Answer::Number(random), Effect::None),
            Call::Progress(text) => (Answer::Done, Effect::Progress(text.clone())),
            Call::Emit { port, records } => {
                let (port, records) = (*port, records.clone());
                (Answer::Done, Effect::Emit { port, records })
            }
            _ => (Answer::Done, Effect::None),
        };
        let expected = match call {
            Call::Expect(expectation) => Some(expectation.clone()),
            _ => None,
        };
        let decided = Fact::Decided {
            step,
            call: call.fingerprint(),
            answer,
            expected,
        };
        (decided, effect)
    }

    /// A request that an earlier process may have sent, and that may not be sent again, stops the job before anything else is sent.
    fn is_doubtful(&mut self) -> bool {
        let Run::Waiting { step, call, .. } = &self.machine.run else {
            return false;
        };
        let (Call::Send { requests, .. }, Some(known)) = (call, self.machine.durable.step(*step))
        else {
            return false;
        };
        let Progressed::Responses(sent) = &known.progressed else {
            return false;
        };
        let doubtful = |(sent, request): (&Sent, &Request)| {
            *sent == Sent::Intended && !self.machine.may_repeat(request)
        };
        let Some(index) = sent.iter().zip(requests).position(doubtful) else {
            return false;
        };
        let (step, index) = (*step, u32::try_from(index).unwrap_or(u32::MAX));
        self.record(Fact::Doubted { step, index }, Effect::None);
        self.machine.run = Run::None;
        self.actions.push(Action::Stop);
        true
    }

    /// Does what can be done for the step that the guest waits for.
    fn proceed(&mut self) {
        let Run::Waiting { step, .. } = self.machine.run else {
            return;
        };
        // A savepoint forgets the step that made it.
        let Some(known) = self.machine.durable.step(step) else {
            return self.answer(step, Answer::Done);
        };
        match &known.progressed {
            Progressed::Decided(answer) => {
                let answer = answer.clone();
                self.answer(step, answer);
            }
            Progressed::Responses(sent) => match Sent::all(sent) {
                Some(responses) => self.answer(step, Answer::Responses(responses)),
                None => self.send_more(step),
            },
            Progressed::Sleep { until } => {
                let until = *until;
                self.wait_or(step, Some(until), false);
            }
            Progressed::Callback { until, .. } => {
                let (until, has_come) = (*until, self.machine.durable.has_come(step));
                self.wait_or(step, until, has_come);
            }
        }
    }

    fn answer(&mut self, step: u32, answer: Answer) {
        self.actions.push(Action::Answer(answer));
        self.machine.run = Run::Computing { next: step + 1 };
    }

    fn wait_or(&mut self, step: u32, until: Option<Time>, has_come: bool) {
        if has_come {
            self.record(Fact::Delivered { step }, Effect::None);
            return self.proceed();
        }
        if until.is_some_and(|until| until <= self.at) {
            self.record(Fact::Elapsed { step }, Effect::None);
            return self.proceed();
        }
        let deadline = self.machine.deadline();
        let until = until.map_or(deadline, |until| until.min(deadline));
        self.actions.push(Action::Wait(until));
    }

    /// Sends what may be sent, as many at once as the call says.
    fn send_more(&mut self, step: u32) {
        loop {
            let Run::Waiting {
                call: Call::Send { requests, width },
                under_way,
                ..
            } = &self.machine.run
            else {
                return;
            };
            let room = under_way.len() < *width as usize;
            let next = self.machine.durable.unanswered(step, under_way);
            let (true, Some((index, intended))) = (room, next) else {
                return;
            };
            let Some(request) = requests.get(index as usize).cloned() else {
                return;
            };
            if !intended {
                self.record(Fact::Intended { step, index }, Effect::None);
            }
            if let Run::Waiting { under_way, .. } = &mut self.machine.run {
                under_way.insert(index);
            }
            self.actions.push(Action::Send {
                step,
                index,
                request,
            });
        }
    }

    fn responded(&mut self, step: u32, index: u32, received: Received) {
        let known = match &mut self.machine.run {
            Run::Waiting {
                step: waiting,
                under_way,
                ..
            } => *waiting == step && under_way.remove(&index),
            _ => false,
        };
        if known {
            let fact = Fact::Responded {
                step,
                index,
                received,
            };
            self.record(fact, Effect::None);
            self.proceed();
        }
    }

    fn called_back(&mut self, callback: Callback) {
        let reception = self.machine.durable.receive(&callback);
        if reception == Reception::Accepted {
            self.record(Fact::CalledBack(callback), Effect::None);
        }
        self.actions.push(Action::Receive(reception));
        if reception == Reception::Accepted && !self.is_over_due() {
            self.proceed();
        }
    }

    fn ended(&mut self, ending: Ending) {
        let doing = self.machine.doing();
        let left = match self.machine.run {
            Run::Computing { next } => self.machine.durable.step(next).map(|step| (next, step)),
            _ => None,
        };
        let outcome = match (ending, left) {
            (Ending::Said(_), Some((step, known))) => Outcome::Diverged {
                step,
                journal: known.call.what.clone(),
                asked: "nothing more: it ended".to_owned(),
            },
            (Ending::Said(Ok(output)), None) => Outcome::Returned(output),
            (Ending::Said(Err(failure)), None) => Outcome::Failed(failure),
            (Ending::Exceeded(limit), _) => Outcome::Exceeded { limit, doing },
            (Ending::Trapped(reason), _) => Outcome::Trapped { reason, doing },
        };
        self.finish(outcome);
    }

    fn retry(&mut self) {
        let durable = &self.machine.durable;
        let may = match &durable.outcome {
            Some(Outcome::Returned(_)) => false,
            Some(_) => true,
            None => durable.doubt.is_some(),
        };
        if may {
            let from = match durable.outcome {
                Some(_) => durable.last_failed_request(),
                None => None,
            };
            self.record(Fact::Retried { from }, Effect::None);
        }
        self.actions.push(Action::Retried(may));
    }
}

fn after(at: Time, milliseconds: u128) -> Time {
    at.saturating_add_unsigned(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}
