//! Documents 000, 002, 003 and 004: systems of jobs, each with a simulated platform of its own.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use jackfield_tests::chart::grouped;
use jackfield_tests::systems::{SYSTEMS, Site, System};
use serde_json::Value;

use super::heading;

/// Lines of a table.
const SHOWN: usize = 4;

/// What is said and shown of a system.
struct Story {
    name: &'static str,
    title: &'static str,
    text: &'static str,
    /// The records that are shown: the audit log, or a file of JSON lines.
    file: &'static str,
    /// Headings, and where in a record the cells are.
    columns: &'static [(&'static str, &'static str)],
}

const STORIES: &[Story] = &[
    Story {
        name: "schedule-report",
        title: "Report exports by schedule",
        text: "Twelve reports are asked for by POST /exports at once. Each is scheduled, watched until its export is there, and announced.",
        file: "audit",
        columns: &[
            ("schedule", "/scheduleId"),
            ("status", "/status"),
            ("rows", "/actualRowCount"),
            ("completeness", "/dataCompletenessScore"),
            ("took ms", "/executionLatencyMs"),
        ],
    },
    Story {
        name: "query-journeys",
        title: "Journey metrics",
        text: "Twelve months are asked for by POST /aggregate. Results come page by page, are checked for gaps, rid of outliers and handed on.",
        file: "audit",
        columns: &[
            ("query", "/queryId"),
            ("status", "/status"),
            ("rows", "/rows_processed"),
            ("accuracy %", "/accuracy_rate"),
            ("took ms", "/latency_ms"),
        ],
    },
    Story {
        name: "sync-extension",
        title: "Synchronising data extensions",
        text: "Sixty contacts are made ready in a stage and served page by page; the platform pulls them into five extensions and calls back.",
        file: "audit",
        columns: &[
            ("extension", "/resource"),
            ("action", "/action"),
            ("records", "/metrics/totalRecords"),
            ("rejected", "/metrics/rejectedRecords"),
            ("took ms", "/metrics/latencyMs"),
        ],
    },
    Story {
        name: "stream-export",
        title: "Batch exports over WebSockets",
        text: "Six clients connect to /stream, each for an export of its own, compressed or not, in chunks of its own sizes, and acknowledge each message.",
        file: "metrics.jsonl",
        columns: &[
            ("export", "/export_job_id"),
            ("chunks", "/metrics/total_chunks"),
            ("messages", "/metrics/total_frames"),
            ("records", "/metrics/total_records"),
            ("bytes", "/metrics/total_bytes"),
            ("took ms", "/metrics/elapsed_ms"),
        ],
    },
];

/// Runs each system in a folder of its own below `folder`, and shows what came out.
pub fn demonstrate(folder: &Path) -> Result<(), Box<dyn Error>> {
    for system in SYSTEMS {
        let story = STORIES.iter().find(|story| story.name == system.name());
        let story = story.ok_or_else(|| format!("nothing is told of {}", system.name()))?;
        heading(story.title);
        println!("{}\n", story.text);
        run(*system, story, &folder.join(story.name))?;
    }
    Ok(())
}

fn run(system: &dyn System, story: &Story, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let site = Site::open(system, folder, system.platform())?;
    let begun = Instant::now();
    let tables = site.run(system)?;
    let took = begun.elapsed();
    let records = match story.file {
        "audit" => site.audit()?,
        lines => site.lines(lines)?,
    };
    print(story.columns, &records);
    let counts: Vec<String> = tables
        .iter()
        .map(|table| format!("{} {}", table.name, grouped(table.rows.len() as u64)))
        .collect();
    println!(
        "\nDone in {:.1} s. What came of it: {}. The audit log holds together.",
        took.as_secs_f64(),
        counts.join(", ")
    );
    Ok(())
}

/// The first records, a line each.
fn print(columns: &[(&str, &str)], records: &[Value]) {
    let mut rows = vec![columns.iter().map(|(name, _)| (*name).to_owned()).collect()];
    rows.extend(records.iter().take(SHOWN).map(|record| {
        let cells = columns.iter().map(|(_, place)| cell(record.pointer(place)));
        cells.collect::<Vec<String>>()
    }));
    let width = |column: usize| {
        let cells = rows
            .iter()
            .map(|row: &Vec<String>| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        println!("  {}", line.join("  "));
    }
    if records.len() > SHOWN {
        println!("  … and {} more", records.len() - SHOWN);
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => grouped(whole),
            (None, Some(real)) => format!("{real:.3}"),
            _ => number.to_string(),
        },
        Some(Value::Null) | None => "–".to_owned(),
        Some(other) => other.to_string(),
    }
}
