//! What the journal of a job comes to.

use std::collections::{BTreeSet, VecDeque};

use super::Reception;
use crate::job::call::{Answer, Expectation, Fingerprint, Received, Time};
use crate::job::journal::{Callback, Entry, Fact, Outcome, Pending, Saved, Savepoint};

/// The sum of a journal.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    /// Where a run begins: the state that was saved, and the number of the step behind it.
    pub(super) savepoint: Option<Savepoint>,
    pub(super) first: u32,
    /// From `first` on.
    pub(super) steps: Vec<Step>,
    /// Whether a step was made since, be it one that was forgotten again.
    pub(super) is_under_way: bool,
    pub(super) expected: BTreeSet<Expectation>,
    mailbox: VecDeque<Callback>,
    /// Callbacks that have come: trigger and delivery.
    seen: BTreeSet<(String, String)>,
    /// The request of which nobody knows whether it arrived.
    pub(super) doubt: Option<(u32, u32)>,
    pub(super) outcome: Option<Outcome>,
    /// When the time that it may take began.
    pub(super) began: Time,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) call: Fingerprint,
    pub(super) progressed: Progressed,
}

/// How far a step is.
#[derive(Clone, Debug)]
pub(super) enum Progressed {
    Decided(Answer),
    Responses(Vec<Sent>),
    Sleep {
        until: Time,
    },
    Callback {
        trigger: String,
        correlation: String,
        until: Option<Time>,
    },
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has not been sent.
    Not,
    /// It may have been sent.
    Intended,
    /// It was answered, or came to nothing.
    Received(Received),
}

impl Sent {
    /// What came of all of them, once that is known.
    pub(super) fn all(sent: &[Self]) -> Option<Vec<Received>> {
        sent.iter()
            .map(|sent| match sent {
                Self::Received(received) => Some(received.clone()),
                _ => None,
            })
            .collect()
    }

    fn has_failed(&self) -> bool {
        match self {
            Self::Received(Ok(response)) => response.status >= 400,
            Self::Received(Err(_)) => true,
            _ => false,
        }
    }
}

impl Durable {
    pub(super) fn new(submitted: Time) -> Self {
        Self {
            savepoint: None,
            first: 0,
            steps: Vec::new(),
            is_under_way: false,
            expected: BTreeSet::new(),
            mailbox: VecDeque::new(),
            seen: BTreeSet::new(),
            doubt: None,
            outcome: None,
            began: submitted,
        }
    }

    /// A step that the journal holds.
    pub(super) fn step(&self, step: u32) -> Option<&Step> {
        self.steps.get(step.checked_sub(self.first)? as usize)
    }

    fn step_mut(&mut self, step: u32) -> Option<&mut Step> {
        self.steps.get_mut(step.checked_sub(self.first)? as usize)
    }

    /// Takes a fact into account. What does not fit is passed over: facts come from [`Turn`](super::Turn) alone.
    pub(super) fn fold(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Asked { call, pending, .. } => self.asked(call, pending),
            Fact::Decided {
                call,
                answer,
                expected,
                ..
            } => {
                self.expected.extend(expected.clone());
                self.push(call, Progressed::Decided(answer.clone()));
            }
            Fact::Intended { step, index } => self.sent(*step, *index, Sent::Intended),
            Fact::Responded {
                step,
                index,
                received,
            } => self.sent(*step, *index, Sent::Received(received.clone())),
            Fact::Doubted { step, index } => self.doubt = Some((*step, *index)),
            Fact::CalledBack(callback) => {
                let Callback {
                    trigger, delivery, ..
                } = callback;
                self.seen.insert((trigger.clone(), delivery.clone()));
                self.mailbox.push_back(callback.clone());
            }
            Fact::Delivered { step } => {
                let place = self.fitting(*step);
                let callback = place.and_then(|place| self.mailbox.remove(place));
                let payload = callback.map(|callback| callback.payload);
                self.decide(*step, Answer::Callback(payload));
            }
            Fact::Elapsed { step } => {
                let answer = match self.step(*step).map(|step| &step.progressed) {
                    Some(Progressed::Callback { .. }) => Answer::Callback(None),
                    _ => Answer::Done,
                };
                self.decide(*step, answer);
            }
            Fact::Saved(saved) => self.restore(saved),
            Fact::Finished(outcome) => self.outcome = Some(outcome.clone()),
            Fact::Retried { from } => self.retried(*from, entry.at),
        }
    }

    fn push(&mut self, call: &Fingerprint, progressed: Progressed) {
        let call = call.clone();
        self.steps.push(Step { call, progressed });
        self.is_under_way = true;
    }

    fn asked(&mut self, call: &Fingerprint, pending: &Pending) {
        let progressed = match pending {
            Pending::Responses(count) => {
                Progressed::Responses((0..*count).map(|_| Sent::Not).collect())
            }
            Pending::Sleep { until } => Progressed::Sleep { until: *until },
            Pending::Callback {
                trigger,
                correlation,
                until,
            } => {
                let expect = |correlation| Expectation {
                    trigger: trigger.clone(),
                    correlation,
                };
                // The service has said by what its callback is known: no others are kept any more.
                self.expected.remove(&expect(None));
                self.expected.insert(expect(Some(correlation.clone())));
                Progressed::Callback {
                    trigger: trigger.clone(),
                    correlation: correlation.clone(),
                    until: *until,
                }
            }
        };
        self.push(call, progressed);
    }

    fn sent(&mut self, step: u32, index: u32, now: Sent) {
        if let Some(Step {
            progressed: Progressed::Responses(sent),
            ..
        }) = self.step_mut(step)
            && let Some(sent) = sent.get_mut(index as usize)
        {
            *sent = now;
        }
    }

    fn decide(&mut self, step: u32, answer: Answer) {
        if let Some(step) = self.step_mut(step) {
            step.progressed = Progressed::Decided(answer);
        }
    }

    fn retried(&mut self, from: Option<u32>, at: Time) {
        self.outcome = None;
        self.began = at;
        if let Some((step, index)) = self.doubt.take() {
            self.sent(step, index, Sent::Not);
        }
        if let Some(left) = from.and_then(|from| from.checked_sub(self.first)) {
            self.steps.truncate(left as usize);
        }
    }

    /// What a savepoint keeps.
    pub(super) fn saved(&self, step: u32, version: u32, state: Vec<u8>) -> Saved {
        Saved {
            step,
            version,
            state,
            expected: self.expected.iter().cloned().collect(),
            mailbox: self.mailbox.iter().cloned().collect(),
            seen: self.seen.iter().cloned().collect(),
            began: self.began,
        }
    }

    fn restore(&mut self, saved: &Saved) {
        *self = Self {
            savepoint: Some(Savepoint {
                version: saved.version,
                state: saved.state.clone(),
            }),
            first: saved.step + 1,
            steps: Vec::new(),
            is_under_way: false,
            expected: saved.expected.iter().cloned().collect(),
            mailbox: saved.mailbox.iter().cloned().collect(),
            seen: saved.seen.iter().cloned().collect(),
            doubt: None,
            outcome: None,
            began: saved.began,
        };
    }

    /// Whether the last step waits for time or a callback, and until when.
    pub(super) fn waits(&self) -> Option<Option<Time>> {
        let step = self.first + u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        match &self.steps.last()?.progressed {
            Progressed::Sleep { until } => Some(Some(*until)),
            Progressed::Callback { until, .. } if !self.has_come(step - 1) => Some(*until),
            _ => None,
        }
    }

    /// Whether the callback has come that a step awaits.
    pub(super) fn has_come(&self, step: u32) -> bool {
        self.fitting(step).is_some()
    }

    fn fitting(&self, step: u32) -> Option<usize> {
        let Progressed::Callback {
            trigger,
            correlation,
            ..
        } = &self.step(step)?.progressed
        else {
            return None;
        };
        self.mailbox.iter().position(|callback| {
            callback.trigger == *trigger && callback.correlation == *correlation
        })
    }

    /// What is to become of a callback.
    pub(super) fn receive(&self, callback: &Callback) -> Reception {
        let Callback {
            trigger,
            correlation,
            delivery,
            ..
        } = callback;
        if self.seen.contains(&(trigger.clone(), delivery.clone())) {
            return Reception::Repeated;
        }
        let expectation = Expectation {
            trigger: trigger.clone(),
            correlation: Some(correlation.clone()),
        };
        match self.outcome.is_none() && self.expected.contains(&expectation) {
            true => Reception::Accepted,
            false => Reception::Unknown,
        }
    }

    /// The next request of a step that is neither answered nor under way, and whether it may have been sent before.
    pub(super) fn unanswered(&self, step: u32, under_way: &BTreeSet<u32>) -> Option<(u32, bool)> {
        let Progressed::Responses(sent) = &self.step(step)?.progressed else {
            return None;
        };
        (0..)
            .zip(sent)
            .find(|(index, sent)| !matches!(sent, Sent::Received(_)) && !under_way.contains(index))
            .map(|(index, sent)| (index, *sent == Sent::Intended))
    }

    /// The last step one of whose requests came to nothing or was answered by an error.
    pub(super) fn last_failed_request(&self) -> Option<u32> {
        let failed = |step: &Step| match &step.progressed {
            Progressed::Decided(_) | Progressed::Sleep { .. } | Progressed::Callback { .. } => {
                false
            }
            Progressed::Responses(sent) => sent.iter().any(Sent::has_failed),
        };
        let place = self.steps.iter().rposition(failed)?;
        Some(self.first + u32::try_from(place).unwrap_or(u32::MAX))
    }
}
