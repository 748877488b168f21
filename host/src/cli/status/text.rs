//! How a pipeline fares, for people: facts, and a table each of sources, stages and sinks.

use std::io;
use std::time::Duration;

use crate::admin::{
    CheckpointStatus, HostStatus, ReloadStatus, SinkStatus, SourceStatus, StageStatus, State,
    Status, TaskStatus, WaitStatus,
};
use crate::cli::literal::printable;
use crate::cli::page::{Page, Table, numbers, words};
use crate::cli::quantity::{bytes, counted, duration, grouped, moment, whole_seconds};
use crate::cli::reload;
use crate::source::Unit;

/// Stands for what is not known.
const NOTHING: &str = "-";

pub(super) fn write(status: &Status, page: &mut Page<'_>) -> io::Result<()> {
    page.heading(&heading(status))?;
    if let Some(reload) = &status.reload {
        page.facts(&versions(reload))?;
    }
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

fn versions(reload: &ReloadStatus) -> Vec<(&'static str, String)> {
    let mut facts = vec![("version", reload::short(&reload.version).to_owned())];
    if let Some(last) = &reload.last {
        facts.push(("reload", format!("{}, {}", last.number, reload::told(last))));
    }
    facts
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
            let stored = checkpoint.stored_bytes.map(bytes);
            facts.extend(stored.map(|stored| ("stored", stored)));
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
    let mut text = format!(
        "{}, {} ago, paused for {}",
        checkpoint.epoch,
        whole_seconds(seconds(checkpoint.age_seconds)),
        duration(seconds(checkpoint.pause_seconds)),
    );
    if let (Some(entries), Some(size)) = (checkpoint.entries_written, checkpoint.bytes_written) {
        let entries = counted(entries, "entry", "entries");
        text.push_str(&format!(", wrote {entries} ({})", bytes(size)));
    }
    if checkpoint.complete == Some(true) {
        text.push_str(", all input worked on");
    }
    text
}

/// The last column of each table takes what is left of the terminal's width.
fn sources(sources: &[SourceStatus]) -> Table {
    let mut table = Table::new(&[
        words("SOURCE"),
        numbers("POSITION"),
        numbers("END"),
        numbers("LAG"),
        numbers("A SECOND"),
        words("PARTITION"),
    ]);
    for source in sources {
        for partition in &source.partitions {
            let rate = partition.read_per_second.map(|rate| rate.round() as u64);
            table.row([
                printable(&source.name),
                amount(partition.position, source.unit),
                amount(partition.end, source.unit),
                amount(partition.lag, source.unit),
                amount(rate, source.unit),
                printable(&partition.name),
            ]);
        }
    }
    table.without_blanks(NOTHING)
}

fn stages(stages: &[StageStatus]) -> Table {
    let mut table = Table::new(&[
        words("STAGE"),
        numbers("IN"),
        numbers("OUT"),
        numbers("CPU"),
        numbers("IN A SECOND"),
        numbers("OVER LIMITS"),
        words("WATERMARK"),
    ]);
    for stage in stages {
        table.row([
            printable(&stage.name),
            known(stage.records_in, grouped),
            known(stage.records_out, grouped),
            known(stage.cpu_seconds, |cpu| duration(seconds(cpu))),
            known(stage.records_in_per_second, whole),
            known(stage.limit_breaches.filter(|&count| count > 0), grouped),
            watermark(stage),
        ]);
    }
    table.without_blanks(NOTHING)
}

fn watermark(stage: &StageStatus) -> String {
    match (stage.watermark, stage.watermark_delay_seconds) {
        (Some(watermark), Some(delay)) => {
            let delay = duration(seconds(delay));
            format!("{}, {delay} behind", moment(watermark))
        }
        (Some(watermark), None) => moment(watermark),
        (None, _) if stage.at_end_of_input => "end of input".to_owned(),
        // Not yet, or never: a stage in front of where watermarks are made has none.
        (None, _) => NOTHING.to_owned(),
    }
}

fn sinks(sinks: &[SinkStatus]) -> Table {
    let mut table = Table::new(&[
        words("SINK"),
        numbers("RECORDS"),
        numbers("A SECOND"),
        words("STATE"),
    ]);
    for sink in sinks {
        table.row([
            printable(&sink.name),
            known(sink.records, grouped),
            known(sink.records_per_second, whole),
            standing(sink),
        ]);
    }
    table.without_blanks(NOTHING)
}

/// What a sink is doing, and what it has still to do.
fn standing(sink: &SinkStatus) -> String {
    let mut standing = match &sink.waits_for {
        Some(reason) => format!("waits: {}", printable(reason)),
        None => "ready".to_owned(),
    };
    if let Some(pending) = sink.pending.filter(|&pending| pending > 0) {
        standing = format!("{} to deliver, {standing}", grouped(pending));
    }
    standing
}

fn known<T>(fact: Option<T>, write: impl FnOnce(T) -> String) -> String {
    fact.map_or_else(|| NOTHING.to_owned(), write)
}

fn amount(number: Option<u64>, unit: Option<Unit>) -> String {
    known(number, |number| match unit {
        Some(Unit::Bytes) => bytes(number),
        Some(Unit::Records) | None => grouped(number),
    })
}

fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// What a host says may be anything.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests;
