//! Jobs as people read them.

use std::time::Duration;

use super::super::inspection::Problem;
use super::super::literal::printable;
use super::super::page::{OutputFormat, Page, Table, numbers, words};
use super::super::quantity::{duration, moment};
use crate::job::{self, Report, Step};

/// A line for each problem of an input.
pub(super) fn problems(
    problems: &[job::Problem],
    format: OutputFormat,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    for problem in problems {
        if format == OutputFormat::Json {
            page.json(problem)?;
            continue;
        }
        let place = match problem.field.as_str() {
            "" => "the input",
            field => field,
        };
        let mut line = format!("{place}: {}", problem.message);
        if let Some(value) = &problem.value {
            line.push_str(&format!("; found {value}"));
        }
        if !problem.allowed.is_empty() {
            line.push_str(&format!("; allowed: {}", problem.allowed.join(", ")));
        }
        page.line(printable(&line))?;
    }
    Ok(())
}

pub(super) fn list(
    jobs: &[Report],
    format: OutputFormat,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    if format == OutputFormat::Json {
        for job in jobs {
            page.json(job)?;
        }
        return Ok(());
    }
    if jobs.is_empty() {
        return Ok(page.line("no jobs")?);
    }
    let mut table = Table::new(&[
        words("ID"),
        words("JOB"),
        words("VERSION"),
        words("STATE"),
        words("SUBMITTED"),
        numbers("TOOK"),
        words("DOING"),
    ]);
    for job in jobs {
        let took = job.finished_at.map(|end| between(job.submitted_at, end));
        table.row([
            job.id.clone(),
            job.job.clone(),
            version(job).unwrap_or_default(),
            job.state.as_str().to_owned(),
            moment(job.submitted_at),
            took.unwrap_or_default(),
            printable(&doing(job)),
        ]);
    }
    Ok(page.table(&table)?)
}

/// Enough of it to tell it from another.
fn version(job: &Report) -> Option<String> {
    let version = job.version.as_ref()?;
    Some(format!("{version:.12}"))
}

/// What it does, or why it does no more.
fn doing(job: &Report) -> String {
    match (&job.failure, &job.progress) {
        (Some(failure), _) => failure.message.clone(),
        (None, Some(progress)) => progress.clone(),
        (None, None) => String::new(),
    }
}

pub(super) fn show(job: &Report, format: OutputFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    if format == OutputFormat::Json {
        return Ok(page.json(job)?);
    }
    page.heading(&format!("{} {}", job.job, job.id))?;
    let mut facts = vec![
        ("state", job.state.as_str().to_owned()),
        ("submitted", moment(job.submitted_at)),
    ];
    facts.extend(version(job).map(|version| ("version", version)));
    facts.extend(job.finished_at.map(|end| {
        let took = between(job.submitted_at, end);
        ("ended", format!("{}, after {took}", moment(end)))
    }));
    facts.extend(job.wakes_at.map(|until| ("waits until", moment(until))));
    let progress = job.progress.as_deref().map(printable);
    facts.extend(progress.map(|words| ("progress", words)));
    facts.extend(
        job.output
            .as_ref()
            .map(|output| ("output", output.to_string())),
    );
    if let Some(failure) = &job.failure {
        let codes = [&failure.code, &failure.reason];
        let codes: Vec<&str> = codes.into_iter().flatten().map(String::as_str).collect();
        let message = printable(&failure.message);
        facts.push(("failure", format!("{message} ({})", codes.join(", "))));
    }
    page.facts(&facts)?;
    if job.steps.is_empty() {
        return Ok(());
    }
    page.line("")?;
    page.heading("Steps")?;
    let mut table = Table::new(&[
        numbers("STEP"),
        words("ASKED"),
        numbers("TOOK"),
        words("RESULT"),
        words("CALL"),
    ]);
    for step in &job.steps {
        let Step {
            number,
            call,
            asked_at,
            decided_at,
            result,
        } = step;
        let took = decided_at.map(|decided| between(*asked_at, decided));
        table.row([
            number.to_string(),
            moment(*asked_at),
            took.unwrap_or_default(),
            printable(result),
            printable(call),
        ]);
    }
    Ok(page.table(&table)?)
}

fn between(from: i64, to: i64) -> String {
    let milliseconds = u64::try_from(to.saturating_sub(from)).unwrap_or_default();
    duration(Duration::from_millis(milliseconds))
}
