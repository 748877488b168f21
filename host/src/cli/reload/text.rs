//! A reload for people: what differs, what becomes of what is remembered, and what both versions made of the same records.

use std::io;
use std::time::Duration;

use crate::cli::literal::printable;
use crate::cli::page::{Page, Table, numbers, words};
use crate::cli::quantity::{duration, grouped};
use crate::pipeline::reload::{Change, Comparison, Difference, Fate, Kind, Report, Step};
use crate::reload::Preview;

pub(super) fn preview(preview: &Preview, page: &mut Page<'_>) -> io::Result<()> {
    if preview.change.is_empty() {
        let running = short(&preview.former);
        return page.heading(&format!("Nothing would happen: the version {running} runs"));
    }
    page.heading(&format!(
        "What would happen: version {} takes the place of {}",
        short(&preview.new),
        short(&preview.former)
    ))?;
    change(&preview.change, page)
}

pub(in crate::cli) fn report(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    page.heading(&format!("Reload {}: {}", report.number, told(report)))?;
    if let Some(found) = &report.change {
        change(found, page)?;
    }
    if let Some(comparison) = &report.comparison {
        page.line("")?;
        compared(comparison, page)?;
    }
    if let Some(pause) = report.pause_seconds {
        page.line("")?;
        page.line(format!("The pipeline stood still for {}.", span(pause)))?;
    }
    Ok(())
}

/// Where it stands, in a line.
pub(in crate::cli) fn told(report: &Report) -> String {
    let (former, new) = (short(&report.former), short(&report.new));
    let reason = report.reason.as_deref().map(printable).unwrap_or_default();
    match report.step {
        Step::Preparing => "the new version is being looked at".to_owned(),
        Step::Shadow => format!("{new} works on copies beside {former}"),
        Step::CutOver => format!("{new} is given the state of {former}"),
        Step::Probation => format!("{new} works on probation, {former} may come back"),
        Step::RollBack => format!("{former} is coming back: {reason}"),
        Step::Done => format!("{new} has taken the place of {former}"),
        Step::Refused => format!("refused, {former} goes on: {reason}"),
        Step::RolledBack => format!("rolled back, {former} works again: {reason}"),
        Step::Cancelled => format!("left off, {former} goes on"),
    }
}

fn change(change: &Change, page: &mut Page<'_>) -> io::Result<()> {
    page.line("")?;
    let told = [
        ("", &change.differences),
        ("cannot change while it runs: ", &change.beyond),
        ("allows more: ", &change.grants),
        ("forgets the position of the ", &change.positions_dropped),
    ];
    for (what, parts) in told {
        for part in parts {
            page.line(format!("  {what}{}", printable(part)))?;
        }
    }
    if !change.state.is_empty() {
        page.line("")?;
        let mut table = Table::new(&[words("STAGE"), numbers("KEYS"), words("STATE")]);
        for state in &change.state {
            table.row([
                printable(&state.stage),
                grouped(state.keys),
                fate(&state.fate),
            ]);
        }
        page.table(&table)?;
    }
    page.line("")?;
    page.line(match change.in_place {
        true => "Sources, sinks and threads stay: the pipeline stands still for a moment.",
        false => "Sources and sinks are opened anew.",
    })
}

fn fate(fate: &Fate) -> String {
    let versions = |versions: &[u32]| {
        let texts: Vec<_> = versions.iter().map(u32::to_string).collect();
        texts.join(", ")
    };
    match fate {
        Fate::Kept => "kept".to_owned(),
        Fate::Migrated { from, to } => format!("migrated from version {} to {to}", versions(from)),
        Fate::Dropped => "forgotten".to_owned(),
        Fate::Unloadable { found, loads } => format!(
            "of version {}, the plugin loads {} to {}",
            versions(found),
            loads.0,
            loads.1
        ),
    }
}

pub(in crate::cli) fn compared(comparison: &Comparison, page: &mut Page<'_>) -> io::Result<()> {
    let cost = comparison
        .slowdown()
        .map(|times| format!(", at {times:.2} times the CPU time"))
        .unwrap_or_default();
    let records = grouped(comparison.records);
    page.line(format!("Both versions worked on {records} records{cost}."))?;
    if let Some(reason) = &comparison.cut_short {
        page.line(printable(reason))?;
    }
    if !comparison.outputs.is_empty() {
        page.line("")?;
        let mut table = Table::new(&[
            words("STAGE"),
            words("OUTPUT"),
            numbers("SAME"),
            numbers("CHANGED"),
            numbers("MISSING"),
            numbers("NEW"),
        ]);
        for output in &comparison.outputs {
            table.row([
                printable(&output.stage),
                printable(&output.output),
                grouped(output.same),
                grouped(output.changed),
                grouped(output.missing),
                grouped(output.new),
            ]);
        }
        page.table(&table)?;
    }
    for difference in &comparison.samples {
        page.line("")?;
        sample(difference, page)?;
    }
    Ok(())
}

fn sample(difference: &Difference, page: &mut Page<'_>) -> io::Result<()> {
    let kind = match difference.kind {
        Kind::Changed => "changed",
        Kind::Missing => "missing",
        Kind::New => "new",
    };
    let key = match difference.key.as_str() {
        "" => String::new(),
        key => format!(", key {}", printable(key)),
    };
    page.line(format!(
        "{kind} at {}.{}{key}",
        printable(&difference.stage),
        printable(&difference.output)
    ))?;
    if let Some(record) = &difference.running {
        page.line(format!("  - {}", printable(record)))?;
    }
    if let Some(record) = &difference.made_new {
        page.line(format!("  + {}", printable(record)))?;
    }
    Ok(())
}

/// The beginning of a digest.
pub(in crate::cli) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn span(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
