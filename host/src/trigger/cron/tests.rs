use tokio::time::Instant;

use super::*;
use crate::trigger::tests::{FakeJobs, manifest};

struct Clock {
    runner: CronRunner,
    jobs: Arc<FakeJobs>,
    _folder: tempfile::TempDir,
}

fn clock(options: &str) -> Clock {
    let folder = tempfile::tempdir().unwrap();
    let ledger = CronLedger::open(folder.path().join("cron.json")).unwrap();
    let jobs = Arc::new(FakeJobs::default());
    let manifest = manifest(&format!(
        "[triggers.nightly]\ntype = \"cron\"\njob = \"report\"\ninput = {{ day = \"yesterday\" }}\n{options}"
    ));
    let crate::config::TriggerKind::Cron(options) = &manifest.triggers[0].kind else {
        panic!("it is a cron trigger");
    };
    let service: Arc<dyn JobService> = jobs.clone();
    let runner = CronRunner::new(
        "nightly".into(),
        (**options).clone(),
        &service,
        &Arc::new(ledger),
    );
    Clock {
        runner,
        jobs,
        _folder: folder,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn nothing_was_missed_before_the_first_start() {
    let clock = clock("schedule = \"0 2 * * *\"\nmissed = \"all\"");
    clock.runner.turn(at("2026-11-21T12:00:00Z")).await;
    assert!(clock.jobs.submissions().is_empty());
}

#[tokio::test]
async fn a_run_is_the_job_of_its_scheduled_time() {
    let clock = clock("schedule = \"0 2 * * *\"");
    clock.runner.record(at("2026-11-20T02:00:00Z")).await;
    clock.runner.turn(at("2026-11-21T02:00:01Z")).await;
    let submissions = clock.jobs.submissions();
    assert_eq!(submissions.len(), 1);
    assert_eq!(&submissions[0].input[..], br#"{"day":"yesterday"}"#);
    assert_eq!(
        submissions[0].idempotency_key.as_deref(),
        Some("nightly/2026-11-21T02:00:00Z")
    );
}

#[tokio::test]
async fn a_run_without_room_is_tried_again_and_not_forgotten() {
    let clock = clock("schedule = \"0 2 * * *\"");
    clock.runner.record(at("2026-11-20T02:00:00Z")).await;
    clock.jobs.refuse(SubmitError::Busy {
        job: "report".into(),
        unfinished: 1,
    });
    let now = at("2026-11-21T02:00:01Z");
    assert_eq!(clock.runner.turn(now).await, TRY_AGAIN);
    clock.runner.turn(now).await;
    assert_eq!(clock.jobs.submissions().len(), 2);
    assert_eq!(
        clock.runner.ledger.last("nightly"),
        Some(at("2026-11-21T02:00:00Z"))
    );
}

#[tokio::test(start_paused = true)]
async fn runs_come_at_their_times_until_it_is_stopped() {
    let clock = clock("schedule = \"*/10 * * * *\"");
    let began = Instant::now();
    let start = at("2026-11-21T02:05:00Z");
    let now = move || start + began.elapsed();
    let (stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(clock.runner.run(now, stopped));
    tokio::time::sleep(Duration::from_mins(60)).await;
    stop.send(true).unwrap();
    runner.await.unwrap();
    let keys: Vec<String> = clock
        .jobs
        .submissions()
        .into_iter()
        .filter_map(|submission| submission.idempotency_key)
        .collect();
    assert_eq!(keys.len(), 6, "{keys:?}");
    assert_eq!(keys[0], "nightly/2026-11-21T02:10:00Z");
}
