//! What `run` shows while it runs, and at its end.
//!
//! One thread looks at the counters of all pipelines now and then; the pipelines know nothing of it. On a terminal each has a
//! line that is drawn anew, elsewhere there is a log line every ten seconds.

mod live;
mod meter;
mod summary;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use indicatif::MultiProgress;

use self::live::Live;
use self::meter::{Facts, Meter};
use super::LogFormat;
use crate::checkpoint::Location;
use crate::connection::Services;
use crate::pipeline::progress::{Committed, Progress};

pub(super) use self::summary::print as summary;

/// Between two drawings of the lines.
const FRAME: Duration = Duration::from_millis(200);

/// Between two log lines.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A pipeline that is looked at.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    name: String,
    progress: Arc<Progress>,
    /// What it had done before this run.
    before: Committed,
    started: Instant,
    checkpoints: Checkpoints,
    /// The command line that its dead letters are listed by.
    hint: String,
}

/// Where a pipeline that is watched keeps its checkpoints, and what it reaches them with.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    pub(super) location: Location,
    pub(super) services: Services,
}

impl Watched {
    /// From now on, by what `progress` says; `named` is how the command line names the pipeline.
    pub(super) fn new(
        name: String,
        progress: Arc<Progress>,
        checkpoints: Checkpoints,
        named: &str,
    ) -> Self {
        let before = progress.committed();
        let hint = format!("jackfield dlq list {named}");
        Self {
            name,
            progress,
            before,
            started: Instant::now(),
            checkpoints,
            hint,
        }
    }

    /// The pipeline's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Shows the pipelines until it is stopped.
pub(super) struct Display {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// Starts; lines are drawn through `bars` if that is a terminal.
    pub(super) fn start(watched: Vec<Watched>, format: LogFormat, bars: &MultiProgress) -> Self {
        let (stop, stopped) = bounded(0);
        let live = format == LogFormat::Text && !bars.is_hidden();
        let bars = bars.clone();
        let body = move || match live {
            true => draw(&watched, &bars, &stopped),
            false => log(&watched, format, &stopped),
        };
        let thread = thread::Builder::new()
            .name("display".to_owned())
            .spawn(body);
        if let Err(error) = &thread {
            tracing::warn!(%error, "progress is not shown");
        }
        Self {
            stop,
            thread: thread.ok(),
        }
    }

    /// Ends it, and clears what it has drawn.
    pub(super) fn stop(self) {
        drop(self.stop);
        if let Some(thread) = self.thread {
            // A display that broke off has nothing to say about the pipelines.
            let _ = thread.join();
        }
    }
}

/// Whether to go on after a while.
fn wait(stopped: &Receiver<()>, interval: Duration) -> bool {
    stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout)
}

fn draw(watched: &[Watched], bars: &MultiProgress, stopped: &Receiver<()>) {
    let mut live = Live::new(watched, bars);
    let mut meters: Vec<Meter> = watched
        .iter()
        .map(|watched| Meter::new(&watched.progress))
        .collect();
    loop {
        for (index, (watched, meter)) in watched.iter().zip(&mut meters).enumerate() {
            live.show(index, &meter.look(&watched.progress, Instant::now(), now()));
        }
        if !wait(stopped, FRAME) {
            return live.clear();
        }
    }
}

fn log(watched: &[Watched], format: LogFormat, stopped: &Receiver<()>) {
    let mut meters: Vec<Meter> = watched
        .iter()
        .map(|watched| Meter::new(&watched.progress))
        .collect();
    while wait(stopped, LOG_INTERVAL) {
        for (watched, meter) in watched.iter().zip(&mut meters) {
            write_log_line(
                &watched.name,
                &meter.look(&watched.progress, Instant::now(), now()),
                format,
            );
        }
    }
}

fn write_log_line(pipeline: &str, facts: &Facts, format: LogFormat) {
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    match format {
        LogFormat::Text => tracing::info!("{pipeline}: {}", facts.sentence()),
        LogFormat::Json => tracing::info!(
            event = "progress",
            pipeline,
            records = facts.records,
            records_per_second = facts.rate.round(),
            input_share = facts.share,
            remaining_seconds = seconds(facts.remaining),
            watermark_delay_seconds = seconds(facts.watermark_delay),
            epoch = facts.epoch,
            checkpoint_age_seconds = seconds(facts.checkpoint_age),
            checkpoint_pause_seconds = seconds(facts.checkpoint_pause),
            rejected = facts.rejected,
            late = facts.late,
            restarts = facts.restarts,
        ),
    }
}

/// Milliseconds since the Unix epoch, by the clock on the wall.
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
