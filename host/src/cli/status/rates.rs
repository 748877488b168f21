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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admin::{HostStatus, PartitionStatus};

    fn look(process: u32, records: u64, position: u64) -> Status {
        let partition = PartitionStatus {
            name: "topic/0".to_owned(),
            position: Some(position),
            ..PartitionStatus::default()
        };
        let source = SourceStatus {
            name: "records".to_owned(),
            partitions: vec![partition],
            ..SourceStatus::default()
        };
        let task = TaskStatus {
            name: "orders".to_owned(),
            records,
            sources: vec![source],
            ..TaskStatus::default()
        };
        Status {
            host: Some(HostStatus {
                process,
                ..HostStatus::default()
            }),
            tasks: vec![task],
            ..Status::default()
        }
    }

    /// Records and positions a second, at the second of two looks that are 2 s apart.
    fn rates(first: Status, mut second: Status) -> (Option<f64>, Option<f64>) {
        let (mut rates, start) = (Rates::default(), Instant::now());
        rates.tell(&mut first.clone(), start);
        rates.tell(&mut second, start + Duration::from_secs(2));
        let task = &second.tasks[0];
        let read = task.sources[0].partitions[0].read_per_second;
        (task.records_per_second, read)
    }

    #[test]
    fn a_rate_is_what_was_added_between_two_looks() {
        let rates = rates(look(1, 100, 5_000), look(1, 1_100, 5_500));
        assert_eq!(rates, (Some(500.0), Some(250.0)));
    }

    #[test]
    fn to_go_back_to_a_checkpoint_is_no_rate() {
        assert_eq!(rates(look(1, 100, 9), look(1, 50, 4)), (None, None));
    }

    #[test]
    fn counts_of_another_process_are_not_compared() {
        assert_eq!(rates(look(1, 100, 4), look(2, 200, 9)), (None, None));
    }
}
