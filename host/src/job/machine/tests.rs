//! What a job is answered, event by event.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Action, Effect, Ending, Event, Machine, Reception, Rules, Standing};
use crate::job::call::{
    Answer, Call, Expectation, Method, Received, Request, RequestFailure, RequestFailureKind,
    Response, Time,
};
use crate::job::journal::{Callback, Entry, Fact, Failure, Outcome};

/// A job, its journal, and the time.
struct Scene {
    rules: Rules,
    machine: Machine,
    journal: Vec<Entry>,
    now: Time,
}

impl Scene {
    fn new() -> Self {
        let rules = Rules {
            submitted: 0,
            wall_time: Duration::from_secs(3600),
            steps: 5,
            asks: BTreeSet::from(["careful".to_owned()]),
        };
        let mut scene = Self {
            machine: Machine::replay(rules.clone(), []),
            rules,
            journal: Vec::new(),
            now: 0,
        };
        scene.tell(Event::Begin);
        scene
    }

    /// Lets something happen; gives what is to be done beside writing.
    fn tell(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.machine.apply(self.now, event);
        for action in &actions {
            if let Action::Record(entry, effect) = action {
                if *effect == Effect::Cut {
                    self.journal.clear();
                }
                self.journal.push(entry.clone());
            }
        }
        actions.retain(|action| !matches!(action, Action::Record(..)));
        actions
    }

    fn ask(&mut self, call: Call) -> Vec<Action> {
        self.tell(Event::Called(call, 7))
    }

    fn respond(&mut self, step: u32, index: u32, received: Received) -> Vec<Action> {
        self.tell(Event::Responded {
            step,
            index,
            received,
        })
    }

    /// The process ends, and another begins.
    fn crash(&mut self) -> Vec<Action> {
        self.machine = Machine::replay(self.rules.clone(), &self.journal);
        self.tell(Event::Begin)
    }

    fn outcome(&self) -> &Outcome {
        self.machine.outcome().expect("it is over")
    }
}

fn request(method: Method, connection: &str, path: &str) -> Request {
    Request {
        connection: connection.to_owned(),
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        body: None,
    }
}

fn send(requests: &[Request], width: u32) -> Call {
    Call::Send {
        requests: requests.to_vec(),
        width,
    }
}

fn post(connection: &str) -> Call {
    send(&[request(Method::Post, connection, "/orders?secret=1")], 1)
}

fn status(status: u16) -> Received {
    Ok(Response {
        status,
        headers: Vec::new(),
        body: Vec::new(),
    })
}

fn sent(actions: &[Action]) -> Vec<u32> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Send { index, .. } => Some(*index),
        _ => None,
    });
    sent.collect()
}

fn callback(delivery: &str) -> Event {
    Event::CalledBack(Callback {
        trigger: "hook".to_owned(),
        correlation: "7".to_owned(),
        delivery: delivery.to_owned(),
        payload: delivery.as_bytes().to_vec(),
    })
}

fn wait(timeout: Option<u64>) -> Call {
    Call::Await {
        trigger: "hook".to_owned(),
        correlation: "7".to_owned(),
        timeout,
    }
}

#[test]
fn a_run_that_is_repeated_is_given_the_same_time() {
    let mut scene = Scene::new();
    assert_eq!(scene.ask(Call::Now), [Action::Answer(Answer::Time(0))]);
    scene.now = 999;
    scene.crash();
    assert_eq!(scene.ask(Call::Now), [Action::Answer(Answer::Time(0))]);
    assert_eq!(scene.ask(Call::Now), [Action::Answer(Answer::Time(999))]);
}

#[test]
fn a_run_that_asks_for_something_else_is_stopped_with_both_sides_shown() {
    let mut scene = Scene::new();
    scene.ask(Call::Now);
    scene.ask(Call::Random);
    scene.crash();
    scene.ask(Call::Now);
    assert_eq!(scene.ask(Call::Sleep(5)), [Action::Stop]);
    let expected = Outcome::Diverged {
        step: 1,
        journal: "random".to_owned(),
        asked: "sleep 5 ms".to_owned(),
    };
    assert_eq!(*scene.outcome(), expected);
}

#[test]
fn a_request_with_another_body_is_another_request() {
    let mut scene = Scene::new();
    scene.ask(post("service"));
    scene.crash();
    let mut other = request(Method::Post, "service", "/orders?secret=1");
    other.body = Some(Vec::new());
    scene.ask(send(&[other], 1));
    let Outcome::Diverged { journal, asked, .. } = scene.outcome() else {
        panic!("{:?}", scene.outcome());
    };
    assert_eq!(journal, "send POST service /orders");
    assert_eq!(asked, "send POST service /orders, with other contents");
}

#[test]
fn a_run_that_ends_before_its_journal_does_is_stopped() {
    let mut scene = Scene::new();
    scene.ask(Call::Now);
    scene.crash();
    scene.tell(Event::Ended(Ending::Said(Ok(Vec::new()))));
    assert!(matches!(scene.outcome(), Outcome::Diverged { step: 0, .. }));
}

#[test]
fn requests_are_sent_as_many_at_once_as_the_job_says_and_answered_in_order() {
    let mut scene = Scene::new();
    let requests: Vec<_> = ["/0", "/1", "/2"]
        .map(|path| request(Method::Get, "service", path))
        .into();
    assert_eq!(sent(&scene.ask(send(&requests, 2))), [0, 1]);
    assert_eq!(sent(&scene.respond(0, 1, status(201))), [2]);
    assert_eq!(sent(&scene.respond(0, 2, status(202))), [] as [u32; 0]);
    let answer = Answer::Responses(vec![status(200), status(201), status(202)]);
    assert_eq!(scene.respond(0, 0, status(200)), [Action::Answer(answer)]);
}

#[test]
fn after_a_crash_only_what_was_not_answered_is_sent_again() {
    let mut scene = Scene::new();
    let requests: Vec<_> = ["/0", "/1", "/2"]
        .map(|path| request(Method::Post, "service", path))
        .into();
    scene.ask(send(&requests, 2));
    scene.respond(0, 0, status(200));
    scene.crash();
    assert_eq!(sent(&scene.ask(send(&requests, 3))), [1, 2]);
}

#[test]
fn a_response_that_was_not_asked_for_is_passed_over() {
    let mut scene = Scene::new();
    scene.ask(post("service"));
    assert_eq!(scene.respond(0, 3, status(200)), []);
    assert_eq!(scene.respond(4, 0, status(200)), []);
}

#[test]
fn a_request_in_doubt_waits_for_a_decision_where_its_connection_says_so() {
    let mut scene = Scene::new();
    scene.ask(post("careful"));
    scene.crash();
    assert_eq!(scene.ask(post("careful")), [Action::Stop]);
    assert_eq!(scene.machine.standing(), Standing::Asking);
    assert_eq!(scene.crash(), [], "nothing is done before it is decided");
    assert_eq!(scene.tell(Event::Retry), [Action::Retried(true)]);
    scene.crash();
    assert_eq!(sent(&scene.ask(post("careful"))), [0]);
}

#[test]
fn an_idempotent_request_is_sent_again_whatever_its_connection_says() {
    let mut scene = Scene::new();
    let put = send(&[request(Method::Put, "careful", "/")], 1);
    scene.ask(put.clone());
    scene.crash();
    assert_eq!(sent(&scene.ask(put)), [0]);
}

#[test]
fn a_sleep_ends_at_the_time_that_was_decided_first() {
    let mut scene = Scene::new();
    assert_eq!(scene.ask(Call::Sleep(100)), [Action::Wait(100)]);
    scene.now = 60;
    assert_eq!(scene.crash(), [Action::Wait(100)]);
    scene.now = 100;
    assert_eq!(scene.crash(), [Action::Start(None)]);
    let answer = Action::Answer(Answer::Done);
    assert_eq!(scene.ask(Call::Sleep(100)), [answer]);
}

#[test]
fn a_callback_that_comes_before_it_is_awaited_is_kept() {
    let mut scene = Scene::new();
    scene.ask(Call::Expect(Expectation {
        trigger: "hook".to_owned(),
        correlation: Some("7".to_owned()),
    }));
    let taken = Action::Receive(Reception::Accepted);
    assert_eq!(scene.tell(callback("a")), [taken]);
    let answer = Answer::Callback(Some(b"a".to_vec()));
    assert_eq!(scene.ask(wait(None)), [Action::Answer(answer)]);
}

#[test]
fn a_callback_is_taken_once_also_over_a_crash_and_a_savepoint() {
    let mut scene = Scene::new();
    scene.ask(wait(None));
    scene.tell(callback("a"));
    let again = [Action::Receive(Reception::Repeated)];
    assert_eq!(scene.tell(callback("a")), again);
    scene.ask(Call::Save {
        version: 1,
        state: Vec::new(),
    });
    scene.crash();
    assert_eq!(scene.tell(callback("a")), again);
    assert_eq!(scene.journal.len(), 1, "a savepoint cuts the journal");
}

#[test]
fn callbacks_wait_in_line_for_who_awaits_them() {
    let mut scene = Scene::new();
    scene.ask(wait(None));
    scene.tell(callback("a"));
    scene.tell(callback("b"));
    let answer = Answer::Callback(Some(b"b".to_vec()));
    assert_eq!(scene.ask(wait(None)), [Action::Answer(answer)]);
}

#[test]
fn a_callback_that_nobody_expects_is_unknown() {
    let mut scene = Scene::new();
    let unknown = [Action::Receive(Reception::Unknown)];
    assert_eq!(scene.tell(callback("a")), unknown);
    scene.tell(Event::Cancel);
    assert_eq!(scene.tell(callback("b")), unknown);
}

#[test]
fn a_wait_for_a_callback_ends_without_one_when_its_time_is_up() {
    let mut scene = Scene::new();
    assert_eq!(scene.ask(wait(Some(50))), [Action::Wait(50)]);
    scene.now = 50;
    let answer = Action::Answer(Answer::Callback(None));
    assert_eq!(scene.tell(Event::Elapsed), [answer]);
    scene.tell(callback("late"));
    scene.crash();
    let answer = Action::Answer(Answer::Callback(None));
    assert_eq!(scene.ask(wait(Some(50))), [answer], "it was decided");
}

#[test]
fn a_job_that_takes_too_long_says_what_it_was_doing() {
    let mut scene = Scene::new();
    scene.ask(wait(None));
    scene.now = 3_600_000;
    assert_eq!(scene.tell(Event::Elapsed), [Action::Stop]);
    let Outcome::Exceeded { limit, doing } = scene.outcome() else {
        panic!("{:?}", scene.outcome());
    };
    assert!(limit.contains("3600s (wall-time)"), "{limit}");
    assert_eq!(doing, "step 0: await `hook` with `7`");
}

#[test]
fn steps_are_counted_from_the_last_savepoint() {
    let mut scene = Scene::new();
    (0..5).for_each(|_| drop(scene.ask(Call::Now)));
    let save = Call::Save {
        version: 1,
        state: Vec::new(),
    };
    assert_eq!(scene.ask(save.clone()), [Action::Stop]);
    let mut scene = Scene::new();
    for _ in 0..5 {
        scene.ask(Call::Now);
        scene.ask(save.clone());
    }
    assert_eq!(scene.ask(Call::Now).len(), 1);
    assert_eq!(scene.machine.outcome(), None);
}

#[test]
fn a_retry_makes_the_last_request_that_failed_again() {
    let mut scene = Scene::new();
    scene.ask(post("service"));
    scene.respond(0, 0, status(201));
    let get = send(&[request(Method::Get, "service", "/")], 1);
    scene.ask(get.clone());
    let failure = RequestFailure {
        kind: RequestFailureKind::Timeout,
        message: "no answer".to_owned(),
        retry_after: None,
    };
    scene.respond(1, 0, Err(failure));
    scene.ask(Call::Progress("giving up".to_owned()));
    let failure = Failure {
        code: "timeout".to_owned(),
        message: String::new(),
        details: None,
        status: None,
        retry_after: None,
    };
    scene.tell(Event::Ended(Ending::Said(Err(failure))));
    assert_eq!(scene.tell(Event::Retry), [Action::Retried(true)]);
    scene.crash();
    let answered = Answer::Responses(vec![status(201)]);
    assert_eq!(scene.ask(post("service")), [Action::Answer(answered)]);
    assert_eq!(sent(&scene.ask(get)), [0]);
}

#[test]
fn what_has_succeeded_is_not_retried() {
    let mut scene = Scene::new();
    scene.tell(Event::Ended(Ending::Said(Ok(Vec::new()))));
    assert_eq!(scene.tell(Event::Retry), [Action::Retried(false)]);
}

#[test]
fn a_cancelled_job_hears_of_nothing_more() {
    let mut scene = Scene::new();
    scene.ask(post("service"));
    assert_eq!(scene.tell(Event::Cancel), [Action::Stop]);
    assert_eq!(scene.respond(0, 0, status(200)), []);
    assert_eq!(*scene.outcome(), Outcome::Cancelled);
    assert!(scene.machine.expectations().is_empty());
}

#[test]
fn records_are_emitted_with_the_entry_that_says_so() {
    let mut scene = Scene::new();
    let emit = Call::Emit {
        port: 2,
        records: vec![b"x".to_vec()],
    };
    let first = scene.machine.apply(0, Event::Called(emit.clone(), 0));
    let Action::Record(entry, effect) = &first[0] else {
        panic!("{first:?}");
    };
    let records = vec![b"x".to_vec()];
    assert_eq!(*effect, Effect::Emit { port: 2, records });
    assert!(matches!(entry.fact, Fact::Decided { .. }));
    let mut again = Machine::replay(scene.rules.clone(), [entry]);
    again.apply(0, Event::Begin);
    let repeated = again.apply(0, Event::Called(emit, 0));
    assert_eq!(repeated, [Action::Answer(Answer::Done)]);
}

#[test]
fn a_job_stands_at_a_savepoint_until_it_makes_a_step() {
    let mut scene = Scene::new();
    assert!(scene.machine.stands_at_savepoint(), "it has not begun");
    scene.ask(Call::Now);
    assert!(!scene.machine.stands_at_savepoint());
    let (version, state) = (1, Vec::new());
    scene.ask(Call::Save { version, state });
    assert!(scene.machine.stands_at_savepoint());
    scene.ask(Call::Sleep(1));
    assert!(!scene.machine.stands_at_savepoint());
}

#[test]
fn a_request_that_is_made_again_is_a_step_since_the_savepoint() {
    let mut scene = Scene::new();
    scene.ask(post("service"));
    scene.respond(0, 0, status(500));
    let failure = Failure {
        code: "refused".to_owned(),
        message: String::new(),
        details: None,
        status: None,
        retry_after: None,
    };
    scene.tell(Event::Ended(Ending::Said(Err(failure))));
    scene.tell(Event::Retry);
    assert_eq!(scene.machine.standing(), Standing::Ready);
    assert!(!scene.machine.stands_at_savepoint(), "its effect may stand");
}
