//! Jobs of several versions side by side in one engine: each ends on the version that it began with, unless it is moved at a savepoint.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jackfield::config::Grant;
use jackfield::job::call::{Received, Request, Response};
use jackfield::job::{
    AfterCrash, Definition, Engine, Filter, JobError, JobStore, Jobs, Migrated, Outcome, Reception,
    State, SubmitError, Transport, View,
};
use jackfield::plugin::job::JobComponent;
use jackfield::plugin::{Limits, Runtime};
use jackfield_tests::harness::guest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A service that answers everything, and keeps what it was asked.
#[derive(Default)]
struct Service {
    asked: Mutex<Vec<String>>,
}

impl Transport for Service {
    fn send(&self, request: Request, _: &Grant, _: String) -> BoxFuture<'static, Received> {
        self.asked.lock().unwrap().push(request.path);
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: b"ok".to_vec(),
        };
        Box::pin(std::future::ready(Ok(response)))
    }

    fn after_crash(&self, _: &str) -> AfterCrash {
        AfterCrash::Resend
    }
}

/// Definitions of the guest `courier`, told apart by their greeting.
struct Versions {
    component: JobComponent,
}

impl Versions {
    fn new() -> Self {
        let runtime = Runtime::new(None).unwrap();
        Self {
            component: runtime.load_job(&guest("courier")).unwrap(),
        }
    }

    fn of(&self, greeting: &str) -> Definition {
        Definition {
            name: "courier".to_owned(),
            component: self.component.clone(),
            configuration: json!({"greeting": greeting}).to_string(),
            connected: BTreeSet::new(),
            streamed: BTreeSet::new(),
            connections: [("service".to_owned(), Grant::default())].into(),
            limits: Limits::default(),
            steps: 100,
            wall_time: Duration::from_hours(1),
            output: 1 << 20,
            concurrency: 4,
            queue: 10_000,
            keep_finished: Duration::from_hours(1),
        }
    }
}

/// A process that runs jobs; ends with the test.
struct Process {
    engine: Arc<Engine>,
    jobs: Jobs,
    service: Arc<Service>,
    runtime: tokio::runtime::Runtime,
}

impl Process {
    fn start(folder: &Path, current: Vec<Definition>, former: Vec<Definition>) -> Self {
        let store = JobStore::open(&folder.join("jobs.db"), "couriers").unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let service = Arc::<Service>::default();
        let transport = Arc::clone(&service) as Arc<dyn Transport>;
        let handle = runtime.handle().clone();
        let engine = Engine::start(store, current, former, transport, handle).unwrap();
        Self {
            jobs: Jobs::of(Arc::clone(&engine)),
            engine,
            service,
            runtime,
        }
    }

    fn submit(&self, steps: Value) -> String {
        let input = json!({"steps": steps}).to_string();
        let submitted = self.jobs.submit("courier", input.as_bytes(), None);
        submitted.unwrap().id
    }

    /// Waits until a job stands so.
    fn wait(&self, id: &str, condition: impl Fn(&View) -> bool) -> View {
        wait_for(|| Some(self.jobs.view(id).unwrap()).filter(&condition))
    }

    fn wait_until_it_waits(&self, id: &str) {
        self.wait(id, |view| view.state == State::Waiting);
    }

    /// What a job ended with.
    fn greeting(&self, id: &str) -> String {
        let outcome = self.jobs.outcome(id, Duration::from_secs(60));
        let view = self.runtime.block_on(outcome).unwrap();
        let Some(Outcome::Returned(output)) = view.outcome else {
            panic!("{view:?}")
        };
        let output: Value = serde_json::from_slice(&output).unwrap();
        output["greeting"].as_str().unwrap().to_owned()
    }

    fn call_back(&self, correlation: &str) {
        let reception = self.jobs.call_back("hook", correlation, correlation, b"1");
        assert_eq!(reception.unwrap(), Reception::Accepted);
    }

    fn asked(&self) -> Vec<String> {
        self.service.asked.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it does not come"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// What a SIGKILL at this moment would leave: the files as they are.
fn crash(folder: &TempDir) -> TempDir {
    let left = tempfile::tempdir().unwrap();
    for name in ["jobs.db", "jobs.db-wal"] {
        std::fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    left
}

/// Waits to be called back between two requests.
fn two_halves() -> Value {
    json!([{"get": "/first"}, {"await": ["hook", "a", null]}, {"get": "/second"}])
}

#[test]
fn a_job_ends_on_the_version_that_it_began_with_and_a_new_one_begins_with_the_current() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let old = process.submit(two_halves());
    process.wait_until_it_waits(&old);
    process.engine.adopt(vec![versions.of("two")]).unwrap();
    let new = process.submit(json!(["now"]));
    assert_eq!(process.greeting(&new), "two");
    process.call_back("a");
    assert_eq!(process.greeting(&old), "one");
    assert_eq!(process.asked(), ["/first", "/second"]);
    wait_for(|| (process.engine.versions_held() == 1).then_some(()));
    assert!(process.engine.versions_in_use().unwrap().is_empty());
}

#[test]
fn a_job_ends_on_its_version_after_a_crash_where_both_are_given() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let old = process.submit(two_halves());
    process.wait_until_it_waits(&old);
    process.engine.adopt(vec![versions.of("two")]).unwrap();
    let left = crash(&folder);
    let (current, former) = (vec![versions.of("two")], vec![versions.of("one")]);
    let process = Process::start(left.path(), current, former);
    let in_use = process.engine.versions_in_use().unwrap();
    let first = versions.of("one").version();
    assert_eq!(in_use["courier"], BTreeSet::from([first]));
    process.call_back("a");
    assert_eq!(process.greeting(&old), "one");
    assert_eq!(process.asked(), ["/second"]);
}

/// A process after a crash that has only another version than the one that its job began with, which waits for a callback.
fn without_its_version(versions: &Versions) -> (Process, String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let old = process.submit(two_halves());
    process.wait_until_it_waits(&old);
    let left = crash(&folder);
    let process = Process::start(left.path(), vec![versions.of("two")], Vec::new());
    (process, old, left)
}

#[test]
fn a_job_whose_version_is_not_here_waits_for_it_and_loses_no_callback() {
    let versions = Versions::new();
    let (process, old, _left) = without_its_version(&versions);
    process.call_back("a");
    let view = process.jobs.view(&old).unwrap();
    assert_eq!((view.state, view.waits_for_version), (State::Waiting, true));
    assert!(process.engine.is_idle(), "there is nothing that can go on");
    process.engine.adopt(vec![versions.of("one")]).unwrap();
    assert_eq!(process.greeting(&old), "one");
    assert_eq!(process.asked(), ["/second"]);
}

#[test]
fn a_job_whose_version_is_not_here_is_listed_among_those_that_wait() {
    let versions = Versions::new();
    let (process, old, _left) = without_its_version(&versions);
    // It could go on, had it its version.
    process.call_back("a");
    let listed = |state| -> Vec<String> {
        let filter = Filter {
            state: Some(state),
            limit: Some(1),
            ..Filter::default()
        };
        let views = process.jobs.list(&filter).unwrap().into_iter();
        views.map(|view| view.id).collect()
    };
    assert_eq!(listed(State::Waiting), [old]);
    assert!(listed(State::Ready).is_empty());
}

#[test]
fn a_job_whose_version_is_not_here_can_be_cancelled_and_then_not_be_retried() {
    let versions = Versions::new();
    let (process, old, _left) = without_its_version(&versions);
    assert_eq!(process.jobs.cancel(&old).unwrap().state, State::Cancelled);
    let retried = process.jobs.retry(&old);
    assert!(
        matches!(retried, Err(JobError::VersionAbsent { .. })),
        "{retried:?}"
    );
}

#[test]
fn a_job_that_the_manifest_has_no_more_ends_and_no_other_is_made() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let old = process.submit(two_halves());
    process.wait_until_it_waits(&old);
    process.engine.adopt(Vec::new()).unwrap();
    let other = process.jobs.submit("courier", b"{}", None);
    assert!(
        matches!(other, Err(SubmitError::UnknownJob(_))),
        "{other:?}"
    );
    let moved = process.engine.migrate("courier", None);
    assert!(matches!(moved, Err(JobError::Undefined(_))), "{moved:?}");
    process.call_back("a");
    assert_eq!(process.greeting(&old), "one");
    wait_for(|| (process.engine.versions_held() == 0).then_some(()));
}

#[test]
fn a_job_is_moved_at_its_next_savepoint() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let steps = json!([{"get": "/1"}, {"await": ["hook", "a", null]}, {"get": "/2"}, "save", {"get": "/3"}]);
    let moves = process.submit(steps);
    let stays = process.submit(json!([{"get": "/4"}, {"await": ["hook", "b", null]}]));
    process.wait_until_it_waits(&moves);
    process.wait_until_it_waits(&stays);
    process.engine.adopt(vec![versions.of("two")]).unwrap();
    let migrated = process.engine.migrate("courier", None).unwrap();
    let pending = |pending| Migrated {
        pending,
        ..Migrated::default()
    };
    assert_eq!(migrated, pending(2));
    process.call_back("a");
    process.call_back("b");
    assert_eq!(process.greeting(&moves), "two");
    assert_eq!(process.greeting(&stays), "one", "it comes to no savepoint");
    let mut asked = process.asked();
    asked.sort();
    assert_eq!(asked, ["/1", "/2", "/3", "/4"]);
}

#[test]
fn a_job_that_has_not_begun_is_moved_at_once_if_its_input_is_accepted() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let nowhere_to_run = |greeting| Definition {
        concurrency: 0,
        ..versions.of(greeting)
    };
    let process = Process::start(folder.path(), vec![nowhere_to_run("one")], Vec::new());
    let id = process.submit(json!(["now"]));
    let mut refuses = nowhere_to_run("two");
    refuses.limits.memory = 1;
    process.engine.adopt(vec![refuses]).unwrap();
    let migrated = process.engine.migrate("courier", None).unwrap();
    assert_eq!((migrated.moved, migrated.kept), (0, 1));
    process.engine.adopt(vec![nowhere_to_run("three")]).unwrap();
    let migrated = process.engine.migrate("courier", Some(&id)).unwrap();
    assert_eq!((migrated.moved, migrated.kept), (1, 0));
    process.engine.adopt(vec![versions.of("three")]).unwrap();
    assert_eq!(process.greeting(&id), "three");
}

#[test]
fn a_job_goes_back_where_the_new_version_fails_before_its_first_step() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let steps = json!([{"await": ["hook", "a", null]}, "save", {"get": "/1"}]);
    let id = process.submit(steps);
    process.wait_until_it_waits(&id);
    let mut fails = versions.of("two");
    fails.limits.memory = 1;
    process.engine.adopt(vec![fails]).unwrap();
    process.engine.migrate("courier", Some(&id)).unwrap();
    process.call_back("a");
    assert_eq!(process.greeting(&id), "one");
    assert_eq!(process.asked(), ["/1"]);
}

#[test]
fn what_a_job_may_do_is_changed_under_jobs_that_run() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("one")], Vec::new());
    let id = process.submit(json!([{"await": ["hook", "a", null]}, "now", "now", "now"]));
    process.wait_until_it_waits(&id);
    let fewer = Definition {
        steps: 2,
        ..versions.of("one")
    };
    assert_eq!(fewer.version(), versions.of("one").version());
    process.engine.adopt(vec![fewer]).unwrap();
    assert_eq!(process.engine.versions_held(), 1);
    let next = process.submit(json!(["now", "now", "now"]));
    let ended = process.wait(&next, |view| view.state.is_over());
    assert!(
        matches!(ended.outcome, Some(Outcome::Exceeded { .. })),
        "{ended:?}"
    );
}

#[test]
fn nothing_grows_over_a_thousand_adoptions() {
    let (versions, folder) = (Versions::new(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), vec![versions.of("first")], Vec::new());
    let id = process.submit(two_halves());
    process.wait_until_it_waits(&id);
    for number in 0..1_000 {
        let greeting = format!("{number}");
        process.engine.adopt(vec![versions.of(&greeting)]).unwrap();
        assert_eq!(
            process.engine.versions_held(),
            2,
            "the current and that of the job"
        );
    }
    process.call_back("a");
    assert_eq!(process.greeting(&id), "first");
    wait_for(|| (process.engine.versions_held() == 1).then_some(()));
}
