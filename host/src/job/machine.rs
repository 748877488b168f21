//! A job as a pure state machine: events in, actions out. It knows no clock, no socket and no store, so that all that can happen to a job, in any order, can
//! happen in a test.
//!
//! What is durable is the sum of the journal ([`Machine::replay`]): a fact comes out as [`Action::Record`], and everything that leaves the host (a request, the word that
//! a callback was taken, the end of the job) is behind it in the list of actions and waits until it is durable. What is volatile is that a run of the guest is
//! under way. To let a job sleep is therefore the same as to crash: the machine is dropped, and made anew from the journal when there is something to do.

#[cfg(test)]
mod chance;
mod durable;
#[cfg(test)]
mod migration;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::BTreeSet;
use std::time::Duration;

use super::call::{Answer, Call, Expectation, Received, Request, Time};
use super::journal::{Callback, Entry, Outcome, Savepoint};
use durable::Durable;
use turn::Turn;

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

impl Rules {
    /// For a job that cannot be run here, so that nothing can be asked of it that rules are for.
    #[must_use]
    pub fn unknown(submitted: Time) -> Self {
        Self {
            submitted,
            wall_time: Duration::MAX,
            steps: u32::MAX,
            asks: BTreeSet::new(),
        }
    }
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

    /// Whether it stands at a savepoint, or at its beginning: no step was made since, so that nothing that it did depends on what it does next.
    ///
    /// A step that was forgotten to be made again counts as made: its requests may have had their effect, and those that come in its
    /// place have the same idempotency keys.
    #[must_use]
    pub fn stands_at_savepoint(&self) -> bool {
        self.durable.outcome.is_none() && !self.durable.is_under_way
    }

    /// The savepoint that a run begins with.
    #[must_use]
    pub fn savepoint(&self) -> Option<&Savepoint> {
        self.durable.savepoint.as_ref()
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

fn after(at: Time, milliseconds: u128) -> Time {
    at.saturating_add_unsigned(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}
