//! Document 001: the data-actions example on 200,000 records.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::{fs, io};

use jackfield_tests::chart::{columns, condense, grouped, time_of_day};
use jackfield_tests::generator::{self, Generator, Traffic};
use jackfield_tests::harness::{Finished, Pipeline, Simulator};
use jackfield_tests::table::Observation;
use rusqlite::Connection;

const RECORDS: u64 = 200_000;
/// A data action that the simulator has.
const ACTION: &str = "cxone-data-actions";
/// Columns of the chart; with names and totals before them they fit into eighty.
const CHART_WIDTH: usize = 58;
const CHART_HEIGHT: usize = 3;
const ALERTS_SHOWN: usize = 10;

/// Runs the example in `folder`, and shows what came out. Gives whether it ended well.
pub fn demonstrate(folder: &Path) -> Result<bool, Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let input = folder.join("input.jsonl");
    println!(
        "Half an hour of a contact centre: {} records, some late, some malformed.",
        grouped(RECORDS)
    );
    generator::write_files(Generator::new(2, Traffic::Realistic), RECORDS, &input, 1)?;
    println!("A simulated platform answers the check that precedes the start.\n");
    let finished = run(&input, folder)?;
    if !finished.status.success() {
        eprintln!("\nThe pipeline failed: {}", finished.status);
        return Ok(false);
    }
    let observation = Observation::of(folder);
    let database = observation.open_database()?;
    print_volumes(&database)?;
    print_alerts(&database)?;
    print_rejections(&database)?;
    print_speed(&finished);
    Ok(true)
}

fn run(input: &Path, folder: &Path) -> io::Result<Finished> {
    let simulator = Simulator::start(&["--data-action", ACTION])?;
    Pipeline::data_actions(folder)
        .input(input)
        .environment("CXONE_PREFLIGHT", "true")
        .environment("CXONE_URL", &simulator.url())
        .environment("CXONE_CLIENT_ID", Simulator::CLIENT_ID)
        .environment("CXONE_CLIENT_SECRET", Simulator::CLIENT_SECRET)
        .environment("CXONE_ACTION_ID", ACTION)
        .with_live_log()
        .run()
}

fn print_volumes(database: &Connection) -> rusqlite::Result<()> {
    let mut volumes: BTreeMap<String, BTreeMap<i64, u64>> = BTreeMap::new();
    let mut query =
        database.prepare("SELECT channel, window_end, volume FROM interaction_volumes")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        volumes
            .entry(row.get(0)?)
            .or_default()
            .insert(row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned());
    }
    let ends: Vec<i64> = volumes
        .values()
        .flat_map(|windows| windows.keys().copied())
        .collect();
    let (Some(first), Some(last)) = (ends.iter().min(), ends.iter().max()) else {
        return Ok(());
    };
    let series: Vec<(&str, Vec<u64>)> = volumes
        .iter()
        .map(|(channel, windows)| {
            let every_window = (*first..=*last)
                .step_by(10_000)
                .map(|end| windows.get(&end).copied().unwrap_or(0));
            (
                channel.as_str(),
                condense(&every_window.collect::<Vec<_>>(), CHART_WIDTH),
            )
        })
        .collect();
    let greatest = series
        .iter()
        .flat_map(|(_, values)| values)
        .copied()
        .max()
        .unwrap_or(1);
    println!(
        "\nInteractions a channel, in windows of 10 seconds ({} windows)\n",
        ends.len()
    );
    for (channel, values) in &series {
        let total = grouped(volumes[*channel].values().sum());
        let lines = columns(values, greatest, CHART_HEIGHT);
        let filled = lines
            .iter()
            .skip_while(|line| line.trim().is_empty())
            .collect::<Vec<_>>();
        for (number, line) in filled.iter().enumerate() {
            match number + 1 == filled.len() {
                true => println!("  {channel:<8}{total:>8}  {line}"),
                false => println!("  {:16}  {line}", ""),
            }
        }
    }
    let width = series.first().map_or(0, |(_, values)| values.len());
    let (from, to) = (time_of_day(first - 10_000), time_of_day(*last));
    println!(
        "  {:16}  {from}{to:>width$}",
        "",
        width = width.saturating_sub(from.len())
    );
    Ok(())
}

fn print_alerts(database: &Connection) -> rusqlite::Result<()> {
    let count: i64 =
        database.query_row("SELECT count(*) FROM pattern_alerts", [], |row| row.get(0))?;
    println!(
        "\nCustomers who failed three times and then asked for a callback: {}\n",
        grouped(count.cast_unsigned())
    );
    let mut query = database.prepare(
        "SELECT timestamp, customer_id, channel, failure_count FROM pattern_alerts ORDER BY timestamp, customer_id, channel LIMIT ?1",
    )?;
    let mut rows = query.query([ALERTS_SHOWN as i64])?;
    println!(
        "  {:<10}{:<12}{:<10}{:>8}",
        "time", "customer", "channel", "failures"
    );
    while let Some(row) = rows.next()? {
        let (timestamp, failures): (i64, i64) = (row.get(0)?, row.get(3)?);
        let (customer, channel): (String, String) = (row.get(1)?, row.get(2)?);
        println!(
            "  {:<10}{customer:<12}{channel:<10}{failures:>8}",
            time_of_day(timestamp)
        );
    }
    if count > ALERTS_SHOWN as i64 {
        println!("  … and {} more", count - ALERTS_SHOWN as i64);
    }
    Ok(())
}

fn print_rejections(database: &Connection) -> rusqlite::Result<()> {
    println!("\nRecords that were refused, in the dead-letter queue\n");
    let mut query = database
        .prepare("SELECT stage, code, count(*), min(message) FROM jackfield_dead_letters GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2")?;
    let mut rows = query.query([])?;
    println!(
        "  {:<10}{:<24}{:>8}  for example",
        "stage", "code", "records"
    );
    while let Some(row) = rows.next()? {
        let (stage, code, count): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let example = shortened(&row.get::<_, String>(3)?, 33);
        println!(
            "  {stage:<10}{code:<24}{:>8}  {example}",
            grouped(count.cast_unsigned())
        );
    }
    Ok(())
}

fn shortened(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

fn print_speed(finished: &Finished) {
    let wall = finished.wall.as_secs_f64();
    println!(
        "\n{} records in {wall:.2} s from start to end: {} records/s, {} MiB of memory at most.",
        grouped(RECORDS),
        grouped((RECORDS as f64 / wall) as u64),
        finished.peak_memory.div_ceil(1024 * 1024),
    );
}
