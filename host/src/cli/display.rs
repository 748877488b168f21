//! What `run` shows while it runs, and at its end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::LogFormat;
use crate::pipeline::progress::Progress;
use crate::pipeline::task::Ending;

/// A pipeline that is looked at.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) progress: Arc<Progress>,
    pub(super) started: Instant,
}

pub(super) struct Display;

impl Display {
    pub(super) fn start(_watched: Vec<Watched>, _format: LogFormat) -> Self {
        Self
    }

    pub(super) fn stop(self) {}
}

pub(super) fn summary(ending: Ending, watched: &Watched, _format: LogFormat) {
    let totals = watched.progress.totals();
    let seconds = watched.started.elapsed().as_secs_f64();
    eprintln!("{}: {ending:?}: {totals:?} in {seconds:.2} s", watched.name);
    for stage in &watched.progress.stages {
        let records = stage.records_in.load(Relaxed);
        let nanos = stage.cpu_nanos.load(Relaxed) as f64 / records.max(1) as f64;
        eprintln!("  {}: {records} in, {} out, {nanos:.0} ns", stage.name, stage.records_out.load(Relaxed));
    }
}
