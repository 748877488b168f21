//! The work on one event: what it means for the job, fact by fact, and what is to be done.

use std::collections::BTreeSet;

use super::durable::{Progressed, Sent};
use super::{Action, Effect, Ending, Machine, Reception, Run, Standing, after};
use crate::job::call::{Answer, Call, Received, Request, Time};
use crate::job::journal::{Callback, Entry, Fact, Outcome, Pending};

/// The work on one event.
pub(super) struct Turn<'a> {
    pub(super) machine: &'a mut Machine,
    pub(super) at: Time,
    pub(super) actions: Vec<Action>,
}

impl Turn<'_> {
    fn record(&mut self, fact: Fact, effect: Effect) {
        let entry = Entry { at: self.at, fact };
        self.machine.durable.fold(&entry);
        self.actions.push(Action::Record(entry, effect));
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        self.record(Fact::Finished(outcome), Effect::None);
        self.machine.run = Run::None;
        self.actions.push(Action::Stop);
    }

    pub(super) fn is_over_due(&mut self) -> bool {
        let over = self.machine.deadline() <= self.at;
        if over {
            let limit = format!("it may take {:?} (wall-time)", self.machine.rules.wall_time);
            let doing = self.machine.doing();
            self.finish(Outcome::Exceeded { limit, doing });
        }
        over
    }

    pub(super) fn begin(&mut self) {
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

    pub(super) fn called(&mut self, call: Call, random: u64) {
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
    pub(super) fn proceed(&mut self) {
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

    pub(super) fn responded(&mut self, step: u32, index: u32, received: Received) {
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

    pub(super) fn called_back(&mut self, callback: Callback) {
        let reception = self.machine.durable.receive(&callback);
        if reception == Reception::Accepted {
            self.record(Fact::CalledBack(callback), Effect::None);
        }
        self.actions.push(Action::Receive(reception));
        if reception == Reception::Accepted && !self.is_over_due() {
            self.proceed();
        }
    }

    pub(super) fn ended(&mut self, ending: Ending) {
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

    pub(super) fn retry(&mut self) {
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
