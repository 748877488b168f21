//! What happens in a second: from two looks at the same process.

use std::time::Instant;

use crate::admin::{SourceStatus, Status, TaskStatus};

/// Remembers the last look.
#[derive(Debug, Default)]
pub(super) struct Rates {
    last: Option<(Instant, Status)>,
}

impl Rates {
    /// Says in `status`, which is of that moment, what has happened a second since the last look.
    pub(super) fn tell(&mut self, status: &mut Status, at: Instant) {
        if let Some((then, before)) = &self.last {
            let seconds = at.saturating_duration_since(*then).as_secs_f64();
            let process = |status: &Status| status.host.as_ref().map(|host| host.process);
            if process(before) == process(status) && seconds > 0.0 {
                for task in &mut status.tasks {
                    let before = before.tasks.iter().find(|known| known.name == task.name);
                    before
                        .into_iter()
                        .for_each(|before| tell(task, before, seconds));
                }
            }
        }
        self.last = Some((at, status.clone()));
    }
}

fn tell(task: &mut TaskStatus, before: &TaskStatus, seconds: f64) {
    task.records_per_second = rate(Some(before.records), Some(task.records), seconds);
    for (stage, before) in task.stages.iter_mut().zip(&before.stages) {
        stage.records_in_per_second = rate(before.records_in, stage.records_in, seconds);
    }
    for (sink, before) in task.sinks.iter_mut().zip(&before.sinks) {
        sink.records_per_second = rate(before.records, sink.records, seconds);
    }
    for source in &mut task.sources {
        let before = before
            .sources
            .iter()
            .find(|known| known.name == source.name);
        before
            .into_iter()
            .for_each(|before| tell_source(source, before, seconds));
    }
}

/// Partitions come and go.
fn tell_source(source: &mut SourceStatus, before: &SourceStatus, seconds: f64) {
    for partition in &mut source.partitions {
        let mut known = before.partitions.iter();
        let before = known.find(|known| known.name == partition.name);
        partition.read_per_second = rate(
            before.and_then(|before| before.position),
            partition.position,
            seconds,
        );
    }
}

/// None where it went back to a checkpoint in between: that is no speed.
fn rate(before: Option<u64>, now: Option<u64>, seconds: f64) -> Option<f64> {
    let difference = now?.checked_sub(before?)?;
    Some(difference as f64 / seconds)
}
