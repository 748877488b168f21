//! What a run came to, on standard error. With `--log-format json` it is one line that programs can rely on.

use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;

use super::{Checkpoints, Watched};
use crate::checkpoint::{DeadLetterFilter, Store, StoreError};
use crate::cli::LogFormat;
use crate::cli::literal::printable;
use crate::cli::quantity::{counted, grouped};
use crate::pipeline::task::Ending;

/// A run that ended well. Counts are of this run alone: what earlier runs had committed is not among them.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    level: &'static str,
    event: &'static str,
    pipeline: &'a str,
    ending: &'static str,
    records: u64,
    rejected: u64,
    late: u64,
    /// Dead letters of this run by stage and code, most first.
    rejected_by_code: Vec<Rejected>,
    seconds: f64,
    records_per_second: f64,
    /// Checkpoints that this run took, and the number of the last one.
    checkpoints: u64,
    epoch: u64,
    restarts: u64,
    stages: Vec<Stage>,
}

#[derive(Debug, Serialize)]
struct Rejected {
    stage: String,
    code: String,
    count: u64,
}

/// Of this run, with what was done again after a failure.
#[derive(Debug, Serialize)]
struct Stage {
    name: String,
    records_in: u64,
    records_out: u64,
    cpu_nanos: u64,
}

/// Says how the run went.
pub(in crate::cli) fn print(ending: Ending, watched: &Watched, format: LogFormat) {
    let summary = Summary::of(ending, watched);
    match format {
        LogFormat::Text => eprint!("{}", summary.text(&watched.hint)),
        LogFormat::Json => match serde_json::to_string(&summary) {
            Ok(line) => eprintln!("{line}"),
            Err(error) => tracing::error!(%error, "the summary cannot be written"),
        },
    }
}

impl<'a> Summary<'a> {
    fn of(ending: Ending, watched: &'a Watched) -> Self {
        // A worker that is told to stop may have a batch in hand that was never committed: the next run reads it again.
        let (committed, before) = (watched.progress.committed(), &watched.before);
        let totals = committed.totals;
        let seconds = watched.started.elapsed().as_secs_f64();
        let records = totals.records.saturating_sub(before.totals.records);
        let rejected = totals.rejected.saturating_sub(before.totals.rejected);
        let stages = watched.progress.stages();
        let stages = stages.iter().map(|stage| Stage {
            name: stage.name.clone(),
            records_in: stage.records_in.load(Relaxed),
            records_out: stage.records_out.load(Relaxed),
            cpu_nanos: stage.cpu_nanos.load(Relaxed),
        });
        Self {
            level: "INFO",
            event: "summary",
            pipeline: &watched.name,
            ending: match ending {
                Ending::Complete => "complete",
                Ending::AlreadyComplete => "already-complete",
                Ending::Stopped => "stopped",
                Ending::Abandoned => "abandoned",
            },
            records,
            rejected,
            late: totals.late.saturating_sub(before.totals.late),
            rejected_by_code: if rejected > 0 {
                rejected_by_code(watched)
            } else {
                Vec::new()
            },
            seconds,
            records_per_second: records as f64 / seconds.max(f64::MIN_POSITIVE),
            checkpoints: watched.progress.checkpoints.load(Relaxed),
            epoch: committed.epoch,
            restarts: watched.progress.restarts.load(Relaxed),
            stages: stages.collect(),
        }
    }

    fn text(&self, hint: &str) -> String {
        let pipeline = self.pipeline;
        let ending = match self.ending {
            "complete" => "complete",
            "already-complete" => {
                return format!(
                    "{pipeline}: all of its input was worked on by an earlier run: nothing to do\n"
                );
            }
            _ => "stopped; it goes on from here when it is run again",
        };
        let mut text = format!(
            "{pipeline}: {ending}\n  {} in {:.2} s, {} a second\n",
            counted(self.records, "record", "records"),
            self.seconds,
            grouped(self.records_per_second.round() as u64),
        );
        text.push_str(&format!("  {} rejected", grouped(self.rejected)));
        if self.late > 0 {
            text.push_str(&format!(", of which {} late", grouped(self.late)));
        }
        text.push('\n');
        let width = self
            .rejected_by_code
            .iter()
            .map(|rejected| grouped(rejected.count).len())
            .max();
        for Rejected { stage, code, count } in &self.rejected_by_code {
            let (count, width) = (grouped(*count), width.unwrap_or(0));
            text.push_str(&format!(
                "    {count:>width$}  {stage}: {}\n",
                printable(code)
            ));
        }
        if !self.rejected_by_code.is_empty() {
            text.push_str(&format!("    see them: {hint}\n"));
        }
        let checkpoints = counted(self.checkpoints, "checkpoint", "checkpoints");
        text.push_str(&format!(
            "  {checkpoints}, the last is number {}\n",
            self.epoch
        ));
        if self.restarts > 0 {
            let restarts = counted(self.restarts, "restart", "restarts");
            text.push_str(&format!(
                "  {restarts} from the checkpoint before a failure\n"
            ));
        }
        text
    }
}

/// The counters know how many, the queue knows why.
fn rejected_by_code(watched: &Watched) -> Vec<Rejected> {
    let filter = DeadLetterFilter {
        after_epoch: Some(watched.before.epoch),
        ..DeadLetterFilter::default()
    };
    let Checkpoints { location, services } = &watched.checkpoints;
    let counts = Store::open_read_only(location, &watched.name, None, services)
        .and_then(|store| store.dead_letter_counts(&filter));
    match counts {
        Ok(counts) => counts
            .into_iter()
            .map(|(stage, code, count)| Rejected { stage, code, count })
            .collect(),
        // The tasks of a pipeline that several processes share have queues of their own.
        Err(StoreError::Missing { .. }) => Vec::new(),
        Err(error) => {
            tracing::warn!(code = error.code().id, "{error}");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(ending: &'static str) -> Summary<'static> {
        Summary {
            level: "INFO",
            event: "summary",
            pipeline: "data-actions",
            ending,
            records: 200_000,
            rejected: 1_017,
            late: 17,
            rejected_by_code: vec![
                Rejected {
                    stage: "parse".to_owned(),
                    code: "not-json".to_owned(),
                    count: 1_000,
                },
                Rejected {
                    stage: "count".to_owned(),
                    code: "late".to_owned(),
                    count: 17,
                },
            ],
            seconds: 0.5,
            records_per_second: 400_000.0,
            checkpoints: 2,
            epoch: 5,
            restarts: 0,
            stages: vec![Stage {
                name: "parse".to_owned(),
                records_in: 200_000,
                records_out: 400_000,
                cpu_nanos: 9,
            }],
        }
    }

    #[test]
    fn a_person_reads_how_it_went_and_where_to_look() {
        assert_eq!(
            summary("complete").text("jackfield dlq list m.toml"),
            "data-actions: complete\n  200,000 records in 0.50 s, 400,000 a second\n  1,017 rejected, of which 17 late\n    \
             1,000  parse: not-json\n       17  count: late\n    \
             see them: jackfield dlq list m.toml\n  2 checkpoints, the last is number 5\n"
        );
        assert!(
            summary("already-complete")
                .text("")
                .ends_with("nothing to do\n")
        );
    }

    #[test]
    fn a_program_reads_one_object() {
        let json = serde_json::to_value(summary("stopped")).unwrap();
        assert_eq!(
            (&json["event"], &json["ending"]),
            (&"summary".into(), &"stopped".into())
        );
        assert_eq!(json["stages"][0]["cpu_nanos"], 9);
    }
}
