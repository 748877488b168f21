//! `jackfield checkpoint`: how far a pipeline has come, and what its checkpoints cost.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::inspection::{Inspected, Problem, print};
use super::page::{OutputFormat, Page, Table, numbers, words};
use super::quantity::{bytes, duration, grouped, moment, watermark};
use super::{Exit, LogFormat};
use crate::checkpoint::{Checkpoint, PartitionCheckpoint, Recorded};

/// Hexadecimal digits of a digest that tell plugins apart well enough to read.
const SHORT_DIGEST: usize = 12;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the last checkpoints, the newest first, and where the newest one stands.
    List(List),
    /// Say whether an undecided checkpoint counts, where the cluster that knew has forgotten it. The pipeline must not be running.
    Settle(Settle),
}

#[derive(Debug, Args)]
pub(super) struct Settle {
    #[command(flatten)]
    pipeline: Inspected,
    #[command(flatten)]
    verdict: Verdict,
}

/// What became of the epoch's transaction.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
struct Verdict {
    /// What the epoch wrote can be read: the checkpoint counts.
    #[arg(long)]
    committed: bool,
    /// What the epoch wrote cannot be read: the checkpoint is undone, and its records are read again.
    #[arg(long)]
    not_committed: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pipeline: Inspected,
    /// At most so many; the last 100 are remembered, in an object store as many as the manifest says.
    #[arg(long)]
    limit: Option<u64>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    match command {
        Command::List(arguments) => print(log, |page| list(arguments, log, page)),
        Command::Settle(arguments) => print(log, |page| settle(arguments, log, page)),
    }
}

fn settle(arguments: &Settle, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let (_, mut store) = arguments.pipeline.open_to_change(log)?;
    let nothing = || {
        let message = "no checkpoint is undecided: there is nothing to settle";
        Problem::NotFound(message.to_owned())
    };
    store.undecided().ok_or_else(nothing)?;
    // A host that runs still cannot commit from here on; and it may have settled the epoch meanwhile.
    store.claim()?;
    let epoch = store.undecided().ok_or_else(nothing)?;
    store.settle(arguments.verdict.committed)?;
    store.close()?;
    Ok(page.line(match arguments.verdict.committed {
        true => format!("Epoch {epoch} counts."),
        false => format!("Epoch {epoch} is undone."),
    })?)
}

/// A checkpoint as JSON: all of it, and what it wrote.
#[derive(Serialize)]
struct Entry<'a> {
    entries_written: u64,
    bytes_written: u64,
    #[serde(flatten)]
    checkpoint: &'a Checkpoint,
}

fn list(arguments: &List, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let (_, store) = arguments.pipeline.open(log)?;
    let history = store.history(arguments.limit.unwrap_or(i64::MAX.unsigned_abs()))?;
    if arguments.format == OutputFormat::Json {
        for recorded in &history {
            page.json(&Entry {
                entries_written: recorded.entries,
                bytes_written: recorded.bytes,
                checkpoint: &recorded.checkpoint,
            })?;
        }
        return Ok(());
    }
    if let Some(epoch) = store.undecided() {
        page.line(format!(
            "Epoch {epoch} is written and undecided: it counts if what it wrote elsewhere was committed, which the next epoch finds out.\n"
        ))?;
    }
    let Some(Recorded {
        checkpoint: newest, ..
    }) = history.first()
    else {
        return Ok(page.line("no checkpoints")?);
    };
    write_history(&history, page)?;
    write_positions(newest, page)?;
    write_stages(newest, page)
}

fn write_history(history: &[Recorded], page: &mut Page<'_>) -> Result<(), Problem> {
    let mut table = Table::new(&[
        numbers("EPOCH"),
        words("TAKEN"),
        numbers("PAUSE"),
        numbers("ENTRIES"),
        numbers("SIZE"),
        numbers("RECORDS"),
        numbers("REJECTED"),
        words(""),
    ]);
    for Recorded {
        checkpoint,
        entries,
        bytes: size,
    } in history
    {
        table.row([
            checkpoint.epoch.to_string(),
            moment(checkpoint.taken_at),
            duration(Duration::from_micros(checkpoint.pause_micros)),
            grouped(*entries),
            bytes(*size),
            grouped(checkpoint.totals.records),
            grouped(checkpoint.totals.rejected),
            if checkpoint.complete { "complete" } else { "" }.to_owned(),
        ]);
    }
    Ok(page.table(&table)?)
}

fn write_positions(checkpoint: &Checkpoint, page: &mut Page<'_>) -> Result<(), Problem> {
    let mut table = Table::new(&[
        words("SOURCE"),
        words("POSITION"),
        words("LATEST EVENT TIME"),
        words("PARTITION"),
    ]);
    for (source, partitions) in &checkpoint.sources {
        for (partition, known) in partitions {
            table.row([
                source.clone(),
                position(&known.position),
                latest(known),
                partition.clone(),
            ]);
        }
    }
    page.line("")?;
    page.heading(&format!("Checkpoint {}: the input", checkpoint.epoch))?;
    Ok(page.table(&table)?)
}

/// Its form is the source's; where it counts records and bytes, these are what one looks for.
fn position(position: &serde_json::Value) -> String {
    let number = |name: &str| {
        position
            .get(name)
            .and_then(serde_json::Value::as_u64)
            .map(grouped)
    };
    match (number("records"), number("offset")) {
        (Some(records), Some(offset)) => format!("record {records}, byte {offset}"),
        (None, Some(offset)) => format!("offset {offset}"),
        _ => position.to_string(),
    }
}

/// Watermarks may be made in several places, and one may know less than another.
fn latest(known: &PartitionCheckpoint) -> String {
    let Some(newest) = known.watermarks.values().max_by_key(|known| known.latest) else {
        return "none".to_owned();
    };
    format!(
        "{}{}",
        watermark(newest.latest),
        if newest.idle { ", idle" } else { "" }
    )
}

fn write_stages(checkpoint: &Checkpoint, page: &mut Page<'_>) -> Result<(), Problem> {
    let mut table = Table::new(&[
        words("STAGE"),
        words("WATERMARK"),
        numbers("STATE VERSION"),
        words("PLUGIN"),
    ]);
    for (stage, known) in &checkpoint.stages {
        let digest = known
            .digest
            .get(..SHORT_DIGEST)
            .unwrap_or(&known.digest)
            .to_owned();
        table.row([
            stage.clone(),
            watermark(known.watermark),
            known.state_version.to_string(),
            digest,
        ]);
    }
    page.line("")?;
    page.heading(&format!("Checkpoint {}: the stages", checkpoint.epoch))?;
    Ok(page.table(&table)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_position_in_a_file_is_its_record_and_byte() {
        assert_eq!(
            position(&json!({"offset": 1234, "records": 7, "size": 9, "head": 1})),
            "record 7, byte 1,234"
        );
        assert_eq!(position(&json!({"offset": 1234})), "offset 1,234");
        assert_eq!(position(&json!(["a"])), r#"["a"]"#);
    }
}
