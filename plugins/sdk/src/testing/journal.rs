//! What a job asked for in a test and was answered, and the run again on that alone, which shows whether the job keeps its promise.

use crate::job::{Job, Savepoint, Steps};
use crate::job::{Request, RequestFailure, Response, Workflow};

/// A step, as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    Send(Vec<Request>),
    Now,
    Random,
    Sleep(u64),
    Expect(String, Option<String>),
    Await(String, String, Option<u64>),
    Emit(u32, Vec<Vec<u8>>),
    Progress(String),
    Save(Vec<u8>),
}

/// What it was answered.
#[derive(Clone, Debug)]
pub(super) enum Answered {
    Done,
    Number(u64),
    Time(i64),
    Responses(Vec<Result<Response, RequestFailure>>),
    Callback(Option<Vec<u8>>),
}

/// Steps from a journal, each compared with what is asked for now.
struct Replay<'a> {
    journal: &'a [(Asked, Answered)],
    step: usize,
}

/// Runs a job again, from its beginning and from each of its savepoints, on what it was answered the first time.
///
/// # Panics
/// Where it asks for anything else, or ends otherwise.
pub(super) fn assert_replayable<J: Job>(
    job: &J,
    input: &[u8],
    connected: &[bool],
    resume: Option<&Savepoint>,
    journal: &[(Asked, Answered)],
    ended: &Result<Vec<u8>, crate::Failure>,
) {
    let saved = journal.iter().enumerate().filter_map(|(step, (asked, _))| {
        let Asked::Save(state) = asked else {
            return None;
        };
        let savepoint = Savepoint::new(J::STATE_VERSION, state.clone());
        Some((step + 1, Some(savepoint)))
    });
    for (first, savepoint) in std::iter::once((0, resume.cloned())).chain(saved) {
        let mut replay = Replay {
            journal: &journal[first..],
            step: 0,
        };
        let mut workflow = Workflow::new(&mut replay, connected, savepoint);
        let again = crate::job::run(job, input, &mut workflow);
        let what = if first == 0 {
            "from its beginning".to_owned()
        } else {
            format!("from the savepoint of step {}", first - 1)
        };
        assert!(
            replay.step == replay.journal.len(),
            "the job, run again {what}, asked for {} steps less",
            replay.journal.len() - replay.step
        );
        assert_eq!(
            &again, ended,
            "the job, run again {what}, ended otherwise than the first time"
        );
    }
}

impl Replay<'_> {
    fn ask(&mut self, asked: &Asked) -> Answered {
        let Some((known, answered)) = self.journal.get(self.step) else {
            panic!("the job, run again, asked for one step more: {asked:?}");
        };
        assert_eq!(
            asked, known,
            "the job, run again, asked for something else in step {} (left) than the first time (right)",
            self.step
        );
        self.step += 1;
        answered.clone()
    }
}

impl Steps for Replay<'_> {
    fn send_all(
        &mut self,
        requests: Vec<Request>,
        _width: u32,
    ) -> Vec<Result<Response, RequestFailure>> {
        match self.ask(&Asked::Send(requests)) {
            Answered::Responses(responses) => responses,
            _ => Vec::new(),
        }
    }

    fn now(&mut self) -> i64 {
        match self.ask(&Asked::Now) {
            Answered::Time(time) => time,
            _ => 0,
        }
    }

    fn random(&mut self) -> u64 {
        match self.ask(&Asked::Random) {
            Answered::Number(number) => number,
            _ => 0,
        }
    }

    fn sleep(&mut self, milliseconds: u64) {
        self.ask(&Asked::Sleep(milliseconds));
    }

    fn expect(&mut self, trigger: &str, correlation: Option<&str>) {
        let correlation = correlation.map(str::to_owned);
        self.ask(&Asked::Expect(trigger.to_owned(), correlation));
    }

    fn await_callback(
        &mut self,
        trigger: &str,
        correlation: &str,
        timeout: Option<u64>,
    ) -> Option<Vec<u8>> {
        let asked = Asked::Await(trigger.to_owned(), correlation.to_owned(), timeout);
        match self.ask(&asked) {
            Answered::Callback(payload) => payload,
            _ => None,
        }
    }

    fn emit(&mut self, port: u32, records: Vec<Vec<u8>>) {
        self.ask(&Asked::Emit(port, records));
    }

    fn progress(&mut self, text: &str) {
        self.ask(&Asked::Progress(text.to_owned()));
    }

    fn save(&mut self, state: Vec<u8>) {
        self.ask(&Asked::Save(state));
    }
}
