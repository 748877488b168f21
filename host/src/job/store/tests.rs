//! What is on disk of jobs, and what is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    Append, Filter, JobStore, JobStoreError, Look, Made, Port, Relocation, Route, Submitted,
};
use crate::job::call::{Answer, Call, Expectation};
use crate::job::journal::{Callback, Entry, Fact, Outcome};
use crate::job::machine::{Effect, Reception, Standing};
use crate::job::view::State;

struct Scene {
    folder: TempDir,
    store: JobStore,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = JobStore::open(&folder.path().join("jobs.db"), "orders").unwrap();
        Self { folder, store }
    }

    fn submit(&self, id: &str, key: Option<&str>, input: &str) -> Made {
        let submitted = Submitted {
            id: id.to_owned(),
            job: "courier".to_owned(),
            version: "v1".to_owned(),
            idempotency_key: key.map(str::to_owned),
            input: input.as_bytes().to_vec(),
            at: 5,
        };
        self.store.submit(submitted).wait().unwrap()
    }

    fn append(&self, append: Append) -> Result<(), JobStoreError> {
        self.store.append(append).wait()
    }

    fn due(&self, now: i64) -> Vec<String> {
        let due = self.store.due("courier", "v1", now, 10).unwrap();
        due.into_iter().map(|due| due.id).collect()
    }

    fn route(&self, correlation: &str, delivery: &str) -> Route {
        let callback = callback(correlation, delivery);
        self.store.route(callback, 9).wait().unwrap()
    }
}

fn callback(correlation: &str, delivery: &str) -> Callback {
    Callback {
        trigger: "hook".to_owned(),
        correlation: correlation.to_owned(),
        delivery: delivery.to_owned(),
        payload: b"{}".to_vec(),
    }
}

fn expect(correlation: Option<&str>) -> BTreeSet<Expectation> {
    BTreeSet::from([Expectation {
        trigger: "hook".to_owned(),
        correlation: correlation.map(str::to_owned),
    }])
}

fn decided(step: u32) -> Entry {
    let fact = Fact::Decided {
        step,
        call: Call::Now.fingerprint(),
        answer: Answer::Time(7),
        expected: None,
    };
    Entry { at: 7, fact }
}

/// One entry more for the first job.
fn adding(entry: Entry, written: i64) -> Append {
    Append {
        number: 1,
        version: Some("v1".to_owned()),
        settles: false,
        written,
        entries: vec![(entry, Effect::None)],
        standing: Standing::Ready,
        expectations: None,
        ports: Arc::default(),
    }
}

#[test]
fn a_journal_is_read_as_it_was_written() {
    let scene = Scene::new();
    scene.submit("a", None, "input");
    scene.append(adding(decided(0), 0)).unwrap();
    scene.append(adding(decided(1), 1)).unwrap();
    let loaded = scene.store.load("a").unwrap().unwrap();
    assert_eq!(loaded.entries, [decided(0), decided(1)]);
    assert_eq!((loaded.input, loaded.written), (b"input".to_vec(), 2));
}

#[test]
fn an_append_that_does_not_go_on_where_the_journal_ends_comes_to_nothing() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    scene.append(adding(decided(0), 0)).unwrap();
    assert!(scene.append(adding(decided(1), 0)).is_err());
    assert!(scene.append(adding(decided(1), 2)).is_err());
    assert_eq!(scene.store.load("a").unwrap().unwrap().entries.len(), 1);
    scene.append(adding(decided(1), 1)).unwrap();
}

#[test]
fn a_savepoint_leaves_nothing_of_what_was_before() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    scene.append(adding(decided(0), 0)).unwrap();
    let mut cut = adding(decided(1), 1);
    cut.entries[0].1 = Effect::Cut;
    scene.append(cut).unwrap();
    assert_eq!(
        scene.store.load("a").unwrap().unwrap().entries,
        [decided(1)]
    );
}

#[test]
fn a_job_that_is_submitted_again_with_its_key_is_that_job() {
    let scene = Scene::new();
    assert_eq!(scene.submit("a", Some("k"), "1"), Made::New);
    assert_eq!(
        scene.submit("b", Some("k"), "1"),
        Made::Repeated("a".to_owned())
    );
    assert_eq!(
        scene.submit("c", Some("k"), "2"),
        Made::OtherInput("a".to_owned())
    );
    assert_eq!(scene.submit("d", None, "1"), Made::New);
}

#[test]
fn a_job_that_waits_is_due_when_its_time_has_come() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    assert_eq!(
        scene.due(0),
        ["a"],
        "what is ready is so whatever the clock says"
    );
    let mut waits = adding(decided(0), 0);
    waits.standing = Standing::Waiting(100);
    scene.append(waits).unwrap();
    assert_eq!(scene.due(99), [] as [&str; 0]);
    assert_eq!(scene.due(100), ["a"]);
    assert_eq!(scene.store.next_wake("courier", "v1").unwrap(), Some(100));
}

#[test]
fn a_callback_goes_to_the_job_that_expects_it_and_later_ones_are_known() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    assert_eq!(scene.route("7", "x"), Route::Kept(Reception::Unknown));
    let mut expects = adding(decided(0), 0);
    expects.expectations = Some(expect(Some("7")));
    scene.append(expects).unwrap();
    assert_eq!(scene.route("7", "x"), Route::Job("a".to_owned()));
    assert_eq!(scene.route("8", "y"), Route::Kept(Reception::Unknown));
    let fact = Fact::CalledBack(callback("7", "x"));
    let mut ends = adding(Entry { at: 8, fact }, 1);
    let fact = Fact::Finished(Outcome::Cancelled);
    ends.entries.push((Entry { at: 8, fact }, Effect::None));
    ends.standing = Standing::Finished;
    ends.expectations = Some(BTreeSet::new());
    scene.append(ends).unwrap();
    assert_eq!(
        scene.route("7", "x"),
        Route::Kept(Reception::Repeated),
        "also when the job is over"
    );
    assert_eq!(scene.route("7", "z"), Route::Kept(Reception::Unknown));
}

#[test]
fn a_callback_that_comes_before_its_correlation_is_known_is_kept_for_it() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    let mut expects = adding(decided(0), 0);
    expects.expectations = Some(expect(None));
    scene.append(expects).unwrap();
    assert_eq!(scene.route("7", "x"), Route::Kept(Reception::Accepted));
    assert_eq!(scene.route("7", "x"), Route::Kept(Reception::Repeated));
    assert_eq!(scene.store.kept_for(1).unwrap(), []);
    let mut knows = adding(decided(1), 1);
    knows.expectations = Some(expect(Some("7")));
    scene.append(knows).unwrap();
    assert_eq!(scene.store.kept_for(1).unwrap(), [callback("7", "x")]);
    assert_eq!(scene.store.with_kept().unwrap(), ["a"]);
}

#[test]
fn what_is_emitted_is_read_in_order_until_a_checkpoint_is_behind_it() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    let mut emits = adding(decided(0), 0);
    let records = vec![b"1".to_vec(), b"2".to_vec()];
    emits.entries[0].1 = Effect::Emit { port: 0, records };
    let port = |name: &str, is_consumed| Port {
        name: name.to_owned(),
        is_consumed,
        is_streamed: !is_consumed,
    };
    emits.ports = Arc::new([port("parcels", true)]);
    scene.append(emits).unwrap();
    let outbox = scene.store.outbox("courier", "parcels");
    assert!(!scene.store.is_drained().unwrap());
    let read = outbox.read(0, 10).unwrap();
    assert_eq!(read[1].record, b"2");
    assert_eq!(outbox.read(read[0].position, 10).unwrap().len(), 1);
    outbox.read(read[1].position, 10).unwrap();
    assert!(scene.store.is_drained().unwrap());
    outbox.forget(read[0].position);
    let mut streams = adding(decided(1), 1);
    let records = vec![b"3".to_vec()];
    streams.entries[0].1 = Effect::Emit { port: 0, records };
    streams.ports = Arc::new([port("frames", false)]);
    scene.append(streams).unwrap();
    assert_eq!(
        outbox.read(0, 10).unwrap().len(),
        1,
        "and not what a client reads"
    );
    let streamed = scene.store.streamed("a", "frames", 0, 10).unwrap();
    assert_eq!(streamed[0].record, b"3"[..]);
    let acknowledge = scene
        .store
        .acknowledge("a".to_owned(), "frames".to_owned(), 1);
    assert!(acknowledge.wait().unwrap());
    assert_eq!(scene.store.unacknowledged(1, "frames").unwrap(), 0);
}

#[test]
fn finished_jobs_are_forgotten_after_their_time() {
    let scene = Scene::new();
    scene.submit("a", Some("k"), "");
    let fact = Fact::Finished(Outcome::Returned(b"7".to_vec()));
    let mut ends = adding(Entry { at: 50, fact }, 0);
    ends.standing = Standing::Finished;
    scene.append(ends).unwrap();
    let view = scene.store.view("a").unwrap().unwrap();
    assert_eq!((view.state, view.finished_at), (State::Done, Some(50)));
    let forget = |before| scene.store.forget("courier".to_owned(), before).wait();
    assert_eq!(forget(50).unwrap(), 0);
    assert_eq!(forget(51).unwrap(), 1);
    assert_eq!(scene.store.view("a").unwrap(), None);
    assert_eq!(scene.submit("b", Some("k"), ""), Made::New);
}

#[test]
fn jobs_are_listed_by_job_and_state() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    scene.submit("b", None, "");
    let ids = |job: &str, state, limit| -> Vec<String> {
        let filter = Filter {
            job: Some(job.to_owned()),
            state: Some(state),
            limit: Some(limit),
        };
        let listed = scene.store.list(&filter, |view| view).unwrap();
        listed.into_iter().map(|view| view.id).collect()
    };
    assert_eq!(ids("courier", State::Ready, 9), ["b", "a"]);
    assert_eq!(ids("courier", State::Ready, 1), ["b"]);
    assert!(ids("other", State::Ready, 9).is_empty());
    assert!(ids("courier", State::Waiting, 9).is_empty());
}

#[test]
fn a_database_of_another_pipeline_or_of_something_else_is_refused() {
    let scene = Scene::new();
    let path = scene.store.path().to_owned();
    let locked = JobStore::open(&path, "orders").unwrap_err();
    assert!(matches!(locked, JobStoreError::Lock(_)), "{locked}");
    drop(scene.store);
    let foreign = JobStore::open(&path, "invoices").unwrap_err();
    assert!(
        foreign.to_string().contains("of the pipeline `orders`"),
        "{foreign}"
    );
    let other = scene.folder.path().join("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE mine (a)").unwrap();
    let other = JobStore::open(&other, "orders").unwrap_err();
    assert!(other.to_string().contains("of something else"), "{other}");
    let text = scene.folder.path().join("text.db");
    std::fs::write(&text, "this is no database, but text of some length").unwrap();
    assert!(JobStore::open(&text, "orders").is_err());
    let missing = Look::open(&scene.folder.path().join("none.db"), "orders").unwrap_err();
    assert!(matches!(missing, JobStoreError::Missing { .. }));
}

#[test]
fn an_entry_that_was_changed_on_disk_is_found_out() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    scene.append(adding(decided(0), 0)).unwrap();
    let connection = Connection::open(scene.store.path()).unwrap();
    let changed = "UPDATE jackfield_job_entries SET fact = x'00'";
    connection.execute_batch(changed).unwrap();
    let damaged = scene.store.load("a").unwrap_err();
    assert!(damaged.to_string().contains("checksum"), "{damaged}");
}

#[test]
fn jobs_of_a_database_without_versions_are_of_the_one_that_claims_them() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    let path = scene.store.path().to_owned();
    let Scene { folder, store } = scene;
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let former = "DROP INDEX jackfield_jobs_by_turn; DROP INDEX jackfield_jobs_by_former;
        ALTER TABLE jackfield_jobs DROP COLUMN version;
        ALTER TABLE jackfield_jobs DROP COLUMN target;
        ALTER TABLE jackfield_jobs DROP COLUMN former;
        CREATE INDEX jackfield_jobs_by_turn ON jackfield_jobs (job, state, wakes_at) WHERE wakes_at IS NOT NULL;
        CREATE INDEX jackfield_jobs_by_wake ON jackfield_jobs (state, wakes_at) WHERE wakes_at IS NOT NULL;
        PRAGMA user_version = 1";
    connection.execute_batch(former).unwrap();
    drop(connection);
    let early = Look::open(&path, "orders").unwrap_err().to_string();
    assert!(early.contains("brings it up to date"), "{early}");
    let store = JobStore::open(&path, "orders").unwrap();
    let scene = Scene { folder, store };
    assert_eq!(scene.store.load("a").unwrap().unwrap().version, None);
    let claim = |version: &str| {
        let versions = vec![("courier".to_owned(), version.to_owned())];
        scene.store.claim(versions).wait().unwrap()
    };
    assert_eq!((claim("v1"), claim("v2")), (1, 0));
    assert_eq!(scene.due(9), ["a"]);
    assert!(scene.store.is_needed("courier", "v1").unwrap());
}

#[test]
fn an_append_under_a_version_that_a_job_was_moved_away_from_comes_to_nothing() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    let moves = || Relocation {
        number: 1,
        written: 0,
        from: Some("v1".to_owned()),
        to: "v2".to_owned(),
        former: Some("v1".to_owned()),
    };
    scene.store.relocate(moves()).wait().unwrap();
    assert!(scene.append(adding(decided(0), 0)).is_err());
    assert!(
        scene.store.relocate(moves()).wait().is_err(),
        "it was moved before"
    );
    let needed = |version| scene.store.is_needed("courier", version).unwrap();
    assert!(needed("v1"), "it may go back");
    let mut settles = adding(decided(0), 0);
    settles.version = Some("v2".to_owned());
    settles.settles = true;
    scene.append(settles).unwrap();
    assert!(!needed("v1") && needed("v2"));
}

#[test]
fn a_job_wakes_when_it_was_to_where_nobody_knows_by_when_it_has_to_be_done() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    for (written, until) in [(0, 100), (1, i64::MAX)] {
        let mut waits = adding(decided(0), written);
        waits.standing = Standing::Waiting(until);
        scene.append(waits).unwrap();
    }
    assert_eq!(scene.store.next_wake("courier", "v1").unwrap(), Some(100));
}

#[test]
fn only_jobs_of_other_versions_are_marked() {
    let scene = Scene::new();
    scene.submit("a", None, "");
    scene.submit("b", None, "");
    let mark = |id: Option<&str>, version: &str| {
        let (id, version) = (id.map(str::to_owned), version.to_owned());
        let marked = scene.store.mark("courier".to_owned(), id, version);
        marked.wait().unwrap()
    };
    assert_eq!(mark(None, "v1"), 0);
    assert_eq!(mark(Some("b"), "v2"), 1);
    assert_eq!(scene.store.target(1).unwrap(), None);
    assert_eq!(scene.store.target(2).unwrap().as_deref(), Some("v2"));
    scene.store.unmark(2).wait().unwrap();
    assert_eq!(scene.store.target(2).unwrap(), None);
}
