//! The clock starts jobs. A run is known by the time that it was scheduled for: that is its idempotency key, so that a crash
//! between starting a job and writing down that it was started starts none twice.

mod ledger;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

pub use ledger::CronLedger;
use schedule::Schedule;

use super::service::JobService;
use super::until;
use crate::config::CronTrigger;
use crate::job::SubmitError;

/// However far the next run is off, the clock is looked at this often: it can be set, and a machine can sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// When a run could not be started for want of room.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Starts the runs of one trigger.
pub(super) struct CronRunner {
    name: String,
    job: String,
    input: Bytes,
    schedule: Schedule,
    jobs: Arc<dyn JobService>,
    ledger: Arc<CronLedger>,
}

impl CronRunner {
    pub fn new(
        name: String,
        options: CronTrigger,
        jobs: &Arc<dyn JobService>,
        ledger: &Arc<CronLedger>,
    ) -> Self {
        Self {
            name,
            job: options.job.value.clone(),
            input: options.input.json.to_string().into(),
            schedule: Schedule::of(options),
            jobs: Arc::clone(jobs),
            ledger: Arc::clone(ledger),
        }
    }

    /// Starts what is due by `now`, until it is stopped.
    pub async fn run(self, now: impl Fn() -> Timestamp, mut stopped: watch::Receiver<bool>) {
        loop {
            let wait = self.turn(now()).await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = until(&mut stopped) => return,
            }
        }
    }

    /// Starts what is due, and says how long there is nothing to do.
    async fn turn(&self, now: Timestamp) -> Duration {
        let Some(last) = self.ledger.last(&self.name) else {
            // Nothing can have been missed before the first start.
            self.record(now).await;
            return self.until_next(now);
        };
        let due = self.schedule.due(last, now);
        if due.left_out > 0 {
            let (trigger, left_out) = (&self.name, due.left_out);
            tracing::warn!(trigger, left_out, "runs were missed and are left out");
        }
        for scheduled in due.runs {
            if !self.start(scheduled).await {
                return TRY_AGAIN;
            }
            self.record(scheduled).await;
        }
        // Those that were left out are not to be looked at again.
        if due.left_out > 0
            && self
                .ledger
                .last(&self.name)
                .is_none_or(|last| last < due.until)
        {
            self.record(due.until).await;
        }
        self.until_next(now)
    }

    /// Whether the run is under way, or never will be.
    async fn start(&self, scheduled: Timestamp) -> bool {
        let key = format!("{}/{scheduled}", self.name);
        let (job, input) = (self.job.clone(), self.input.clone());
        let trigger = &self.name;
        match self.jobs.submit(job, input, Some(key)).await {
            Ok(submission) => {
                let (id, repeated) = (submission.id, submission.repeated);
                tracing::info!(trigger, %scheduled, id, repeated, "started a job by the clock");
                true
            }
            Err(error @ (SubmitError::Busy { .. } | SubmitError::Job(_))) => {
                tracing::warn!(trigger, %scheduled, %error, "a job could not be started; it is tried again");
                false
            }
            Err(error) => {
                tracing::error!(trigger, %scheduled, %error, "a job refuses the input of its trigger");
                true
            }
        }
    }

    async fn record(&self, at: Timestamp) {
        let (ledger, trigger) = (Arc::clone(&self.ledger), self.name.clone());
        let record = tokio::task::spawn_blocking(move || ledger.record(&trigger, at));
        // One that breaks off does so as the runtime ends.
        if let Ok(Err(error)) = record.await {
            // The job's key keeps it from being started twice all the same.
            tracing::error!(trigger = self.name, %error, "what the clock has started could not be written down");
        }
    }

    fn until_next(&self, now: Timestamp) -> Duration {
        let next = self.schedule.next(now);
        let wait =
            next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        wait.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }
}

#[cfg(test)]
mod tests;
