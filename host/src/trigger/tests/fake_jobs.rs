//! Jobs that do what a test says.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::job::journal::Callback;
use crate::job::{Emitted, JobError, Outcome, Reception, State, Submission, SubmitError, View};
use crate::trigger::service::JobService;

/// What was submitted.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub job: String,
    pub input: Bytes,
    pub idempotency_key: Option<String>,
}

/// Jobs that a test scripts. They never end by themselves, unless [`returning`](Self::returning) or
/// [`failing`](Self::failing) says how.
pub struct FakeJobs {
    script: Mutex<Script>,
    /// Counts the changes of the script.
    changes: watch::Sender<u64>,
    outcome: Option<Outcome>,
    schema: Option<Json>,
}

#[derive(Default)]
struct Script {
    submissions: Vec<Submitted>,
    refusals: VecDeque<SubmitError>,
    keys: BTreeMap<String, (String, Bytes)>,
    views: BTreeMap<String, View>,
    emitted: BTreeMap<String, Vec<Bytes>>,
    acknowledged: BTreeMap<String, u64>,
    expected: HashSet<(String, String)>,
    deliveries: HashSet<String>,
    callbacks: Vec<Callback>,
}

impl Default for FakeJobs {
    fn default() -> Self {
        Self {
            script: Mutex::default(),
            changes: watch::Sender::new(0),
            outcome: None,
            schema: None,
        }
    }
}

impl FakeJobs {
    /// Jobs that return this at once.
    pub fn returning(output: &str) -> Self {
        Self::ending(Outcome::Returned(output.into()))
    }

    /// Jobs that end like this at once.
    pub fn ending(outcome: Outcome) -> Self {
        Self {
            outcome: Some(outcome),
            ..Self::default()
        }
    }

    pub fn with_schema(mut self, schema: Json) -> Self {
        self.schema = Some(schema);
        self
    }

    pub fn submissions(&self) -> Vec<Submitted> {
        self.script().submissions.clone()
    }

    /// The next submission is refused.
    pub fn refuse(&self, refusal: SubmitError) {
        self.script().refusals.push_back(refusal);
    }

    /// A job expects a callback.
    pub fn expect(&self, trigger: &str, correlation: &str) {
        let expected = (trigger.to_owned(), correlation.to_owned());
        self.script().expected.insert(expected);
    }

    pub fn callbacks(&self) -> Vec<Callback> {
        self.script().callbacks.clone()
    }

    pub fn end(&self, id: &str, outcome: Outcome) {
        self.change(|script| {
            let view = script.views.get_mut(id).unwrap();
            view.state = State::of(&outcome);
            view.outcome = Some(outcome);
        });
    }

    pub fn progress(&self, id: &str, text: &str) {
        self.change(|script| script.views.get_mut(id).unwrap().progress = Some(text.into()));
    }

    pub fn emit(&self, id: &str, record: impl Into<Bytes>) {
        let record = record.into();
        self.change(|script| {
            script
                .emitted
                .entry(id.to_owned())
                .or_default()
                .push(record)
        });
    }

    /// Waits until something holds.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.changes.subscribe();
        let waiting = changes.wait_for(|_| holds(self));
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .expect("it never holds")
            .unwrap();
    }

    pub fn state(&self, id: &str) -> Option<State> {
        self.script().views.get(id).map(|view| view.state)
    }

    pub fn acknowledged(&self, id: &str) -> u64 {
        self.script()
            .acknowledged
            .get(id)
            .copied()
            .unwrap_or_default()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        let changed = change(&mut self.script());
        self.changes.send_modify(|count| *count += 1);
        changed
    }

    fn submitted(&self, submitted: Submitted) -> Result<Submission, SubmitError> {
        let outcome = self.outcome.clone();
        self.change(|script| {
            script.submissions.push(submitted.clone());
            if let Some(refusal) = script.refusals.pop_front() {
                return Err(refusal);
            }
            let key = submitted.idempotency_key.clone();
            if let Some((id, input)) = key.as_ref().and_then(|key| script.keys.get(key)) {
                let id = id.clone();
                return match *input == submitted.input {
                    true => Ok(Submission { id, repeated: true }),
                    false => Err(SubmitError::OtherInput { id }),
                };
            }
            let id = format!("job-{}", script.views.len() + 1);
            if let Some(key) = key {
                script
                    .keys
                    .insert(key, (id.clone(), submitted.input.clone()));
            }
            let view = View {
                id: id.clone(),
                job: submitted.job,
                state: outcome.as_ref().map_or(State::Ready, State::of),
                submitted_at: 0,
                finished_at: None,
                wakes_at: None,
                progress: None,
                outcome,
                version: None,
                waits_for_version: false,
            };
            script.views.insert(id.clone(), view);
            let repeated = false;
            Ok(Submission { id, repeated })
        })
    }

    fn viewed(&self, id: &str) -> Result<View, JobError> {
        let view = self.script().views.get(id).cloned();
        view.ok_or_else(|| JobError::Unknown(id.to_owned()))
    }
}

impl JobService for FakeJobs {
    fn submit(
        &self,
        job: String,
        input: Bytes,
        idempotency_key: Option<String>,
    ) -> BoxFuture<'_, Result<Submission, SubmitError>> {
        let submitted = self.submitted(Submitted {
            job,
            input,
            idempotency_key,
        });
        Box::pin(async move { submitted })
    }

    fn outcome(&self, id: String, within: Duration) -> BoxFuture<'_, Result<View, JobError>> {
        Box::pin(async move {
            let mut changes = self.changes.subscribe();
            let ended = changes.wait_for(|_| self.state(&id).is_none_or(State::is_over));
            let _ = tokio::time::timeout(within, ended).await;
            self.viewed(&id)
        })
    }

    fn view(&self, id: String) -> BoxFuture<'_, Result<View, JobError>> {
        Box::pin(async move { self.viewed(&id) })
    }

    fn cancel(&self, id: String) -> BoxFuture<'_, Result<View, JobError>> {
        self.end(&id, Outcome::Cancelled);
        Box::pin(async move { self.viewed(&id) })
    }

    fn call_back(&self, callback: Callback) -> BoxFuture<'_, Result<Reception, JobError>> {
        let reception = self.change(|script| {
            let about = (callback.trigger.clone(), callback.correlation.clone());
            if !script.expected.contains(&about) {
                return Reception::Unknown;
            }
            if !script.deliveries.insert(callback.delivery.clone()) {
                return Reception::Repeated;
            }
            script.callbacks.push(callback);
            Reception::Accepted
        });
        Box::pin(async move { Ok(reception) })
    }

    fn emitted(
        &self,
        id: String,
        _port: String,
        from: u64,
        maximum: usize,
    ) -> BoxFuture<'_, Result<Vec<Emitted>, JobError>> {
        Box::pin(async move {
            let found = || {
                let script = self.script();
                let from = from.max(script.acknowledged.get(&id).copied().unwrap_or_default());
                let records = script.emitted.get(&id).into_iter().flatten();
                let numbered = (0..).zip(records).skip_while(|(offset, _)| *offset < from);
                let emitted = numbered.map(|(offset, record)| Emitted {
                    offset,
                    record: record.clone(),
                });
                emitted.take(maximum).collect::<Vec<_>>()
            };
            let mut changes = self.changes.subscribe();
            let ready = |_: &u64| !found().is_empty() || self.state(&id).is_none_or(State::is_over);
            changes
                .wait_for(ready)
                .await
                .map_err(|_| JobError::Stopping)?;
            Ok(found())
        })
    }

    fn acknowledge(
        &self,
        id: String,
        _port: String,
        below: u64,
    ) -> BoxFuture<'_, Result<(), JobError>> {
        self.change(|script| script.acknowledged.insert(id, below));
        Box::pin(async move { Ok(()) })
    }

    fn input_schema(&self, _job: &str) -> Option<Json> {
        self.schema.clone()
    }
}
