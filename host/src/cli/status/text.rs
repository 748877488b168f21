//! How a pipeline fares, for people: facts, and a table each of sources, stages and sinks.

use std::io;
use std::time::Duration;

use crate::admin::{
    CheckpointStatus, HostStatus, PartitionStatus, SinkStatus, SourceStatus, StageStatus, State,
    Status, TaskStatus, WaitStatus,
};
use crate::cli::literal::printable;
use crate::cli::page::{Column, Page, Table, numbers, words};
use crate::cli::quantity::{bytes, counted, duration, grouped, moment, whole_seconds};
use crate::source::Unit;

/// Stands for what is not known.
const NOTHING: &str = "-";

pub(super) fn write(status: &Status, page: &mut Page<'_>) -> io::Result<()> {
    page.heading(&heading(status))?;
    for task in &status.tasks {
        // The only task of a pipeline has its name.
        if status.tasks.len() > 1 {
            page.line("")?;
            page.heading(&format!("Task {}", printable(&task.name)))?;
        }
        write_task(task, status.host.is_some(), page)?;
    }
    Ok(())
}

fn heading(status: &Status) -> String {
    let name = printable(&status.pipeline);
    match &status.host {
        Some(host) => format!("{name}: {}", process(host)),
        None => format!("{name}: no process runs it"),
    }
}

fn process(host: &HostStatus) -> String {
    let HostStatus {
        version,
        process,
        uptime_seconds,
        memory_bytes,
    } = host;
    let memory = memory_bytes.map_or_else(String::new, |memory| format!(", {}", bytes(memory)));
    format!(
        "process {process}, up {}{memory}, jackfield {}",
        whole_seconds(seconds(*uptime_seconds)),
        printable(version),
    )
}

fn write_task(task: &TaskStatus, is_run: bool, page: &mut Page<'_>) -> io::Result<()> {
    page.facts(&facts(task, is_run))?;
    if !task.sources.is_empty() {
        page.line("")?;
        page.table(&sources(&task.sources))?;
    }
    if !task.stages.is_empty() {
        page.line("")?;
        page.table(&stages(&task.stages))?;
    }
    if !task.sinks.is_empty() && is_run {
        page.line("")?;
        page.table(&sinks(&task.sinks))?;
    }
    Ok(())
}

fn facts(task: &TaskStatus, is_run: bool) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if is_run {
        facts.push(("state", state(task)));
    }
    facts.extend(task.waits.iter().map(|wait| ("waits", waits(wait))));
    facts.push(("records", records(task)));
    facts.push(("event time", event_time(task)));
    match &task.checkpoint {
        Some(checkpoint) => {
            facts.push(("checkpoint", taken(checkpoint)));
            facts.push(("state size", size(checkpoint)));
        }
        None => facts.push(("checkpoint", "none yet".to_owned())),
    }
    facts
}

fn state(task: &TaskStatus) -> String {
    let mut text = match task.state {
        State::Starting => "starting",
        State::Running => "running",
        State::Waiting => "waiting",
        State::Recovering => "recovering",
        State::Stopping => "stopping",
        State::Ended => "ended",
    }
    .to_owned();
    if let Some(standstill) = task.standstill_seconds {
        text.push_str(&format!(
            ", for {} at a standstill for a checkpoint",
            duration(seconds(standstill))
        ));
    }
    if let (Some(restarts @ 1..), Some(attempt)) = (task.restarts, task.attempt) {
        let restarts = counted(restarts, "restart", "restarts");
        text.push_str(&format!(", attempt {attempt} after {restarts}"));
    }
    text
}

fn waits(wait: &WaitStatus) -> String {
    format!(
        "{} for {}: {}",
        printable(&wait.part),
        whole_seconds(seconds(wait.seconds)),
        printable(&wait.reason)
    )
}

fn records(task: &TaskStatus) -> String {
    let mut text = format!("{} read", grouped(task.records));
    if let Some(rate) = task.records_per_second {
        text.push_str(&format!(" ({} a second)", whole(rate)));
    }
    text.push_str(&format!(", {} rejected", grouped(task.rejected)));
    if task.late > 0 {
        text.push_str(&format!(", of which {} late", grouped(task.late)));
    }
    text
}

fn event_time(task: &TaskStatus) -> String {
    let Some(latest) = task.latest_event_time else {
        return "none yet".to_owned();
    };
    match task.watermark_delay_seconds {
        Some(delay) => format!(
            "{}, watermark {} behind",
            moment(latest),
            duration(seconds(delay))
        ),
        None => moment(latest),
    }
}

fn taken(checkpoint: &CheckpointStatus) -> String {
    let complete = match checkpoint.complete {
        Some(true) => ", all input worked on",
        _ => "",
    };
    format!(
        "{}, {} ago, after a pause of {}{complete}",
        checkpoint.epoch,
        whole_seconds(seconds(checkpoint.age_seconds)),
        duration(seconds(checkpoint.pause_seconds)),
    )
}

fn size(checkpoint: &CheckpointStatus) -> String {
    let mut parts = Vec::new();
    if let (Some(entries), Some(size)) = (checkpoint.entries_written, checkpoint.bytes_written) {
        let entries = counted(entries, "entry", "entries");
        parts.push(format!("{entries} of {} written by it", bytes(size)));
    }
    parts.extend(
        checkpoint
            .stored_bytes
            .map(|stored| format!("{} stored in all", bytes(stored))),
    );
    parts.join(", ")
}

fn sources(sources: &[SourceStatus]) -> Table {
    let mut partitions = sources.iter().flat_map(|source| &source.partitions);
    let has_rates = partitions.any(|partition| partition.read_per_second.is_some());
    let mut table = Table::new(&columns(
        &[
            words("SOURCE"),
            numbers("POSITION"),
            numbers("END"),
            numbers("LAG"),
        ],
        has_rates.then_some(numbers("A SECOND")),
        words("PARTITION"),
    ));
    for source in sources {
        let quantity = |number: Option<u64>| amount(number, source.unit);
        for partition in &source.partitions {
            let PartitionStatus {
                name,
                position,
                end,
                lag,
                read_per_second,
            } = partition;
            let mut row = vec![
                printable(&source.name),
                quantity(*position),
                quantity(*end),
                quantity(*lag),
            ];
            if has_rates {
                row.push(quantity(read_per_second.map(|rate| rate.round() as u64)));
            }
            row.push(printable(name));
            table.row(row);
        }
    }
    table
}

fn stages(stages: &[StageStatus]) -> Table {
    let has_rates = stages
        .iter()
        .any(|stage| stage.records_in_per_second.is_some());
    let mut table = Table::new(&columns(
        &[
            words("STAGE"),
            numbers("IN"),
            numbers("OUT"),
            numbers("CPU"),
        ],
        has_rates.then_some(numbers("IN A SECOND")),
        words("WATERMARK"),
    ));
    for stage in stages {
        let mut row = vec![
            printable(&stage.name),
            amount(stage.records_in, Some(Unit::Records)),
            amount(stage.records_out, Some(Unit::Records)),
            stage
                .cpu_seconds
                .map_or_else(|| NOTHING.to_owned(), |cpu| duration(seconds(cpu))),
        ];
        if has_rates {
            row.push(stage.records_in_per_second.map_or_else(String::new, whole));
        }
        row.push(watermark(stage));
        table.row(row);
    }
    table
}

fn watermark(stage: &StageStatus) -> String {
    match (stage.watermark, stage.watermark_delay_seconds) {
        (Some(watermark), Some(delay)) => {
            let delay = duration(seconds(delay));
            format!("{}, {delay} behind", moment(watermark))
        }
        (Some(watermark), None) => moment(watermark),
        (None, _) if stage.at_end_of_input => "end of input".to_owned(),
        (None, _) => "none yet".to_owned(),
    }
}

fn sinks(sinks: &[SinkStatus]) -> Table {
    let has_rates = sinks.iter().any(|sink| sink.records_per_second.is_some());
    let mut table = Table::new(&columns(
        &[words("SINK"), numbers("RECORDS")],
        has_rates.then_some(numbers("A SECOND")),
        words("STATE"),
    ));
    for sink in sinks {
        let mut row = vec![
            printable(&sink.name),
            amount(sink.records, Some(Unit::Records)),
        ];
        if has_rates {
            row.push(sink.records_per_second.map_or_else(String::new, whole));
        }
        row.push(match &sink.waits_for {
            Some(reason) => format!("waits: {}", printable(reason)),
            None => "ready".to_owned(),
        });
        table.row(row);
    }
    table
}

/// The last column takes what is left of the terminal's width.
fn columns(first: &[Column], rate: Option<Column>, last: Column) -> Vec<Column> {
    first.iter().copied().chain(rate).chain([last]).collect()
}

fn amount(number: Option<u64>, unit: Option<Unit>) -> String {
    match (number, unit) {
        (None, _) => NOTHING.to_owned(),
        (Some(number), Some(Unit::Bytes)) => bytes(number),
        (Some(number), _) => grouped(number),
    }
}

fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// What a host says may be anything.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
