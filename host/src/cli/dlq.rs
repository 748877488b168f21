//! `jackfield dlq`: what a pipeline refused, and why.

mod replay;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::inspection::{Inspected, Problem, print};
use super::literal::{hex_dump, literal, printable};
use super::page::{OutputFormat, Page, Table, numbers, words};
use super::quantity::{bytes, counted, grouped, moment};
use super::{Exit, LogFormat};
use crate::checkpoint::{DeadLetterFilter, LetterJson, Store, StoredDeadLetter};
use crate::config::{KafkaDeadLetters, Manifest};
use crate::record::NO_EVENT_TIME;
use replay::Replay;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List dead letters, the oldest first.
    List(List),
    /// Show everything that is known of dead letters.
    Show(Show),
    /// Give dead letters back to the stages and sinks that refused them. What is refused again is a new dead letter.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pipeline: Inspected,
    /// Only what this stage, source or sink refused.
    #[arg(long)]
    stage: Option<String>,
    /// Only what was refused with this code.
    #[arg(long)]
    code: Option<String>,
    /// At most so many.
    #[arg(long, conflicts_with = "counts")]
    limit: Option<u64>,
    /// How many there are of each stage and code, instead of the letters.
    #[arg(long)]
    counts: bool,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    pipeline: Inspected,
    /// By which `list` names them.
    #[arg(required = true)]
    ids: Vec<i64>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    match command {
        Command::List(arguments) => print(log, |page| list(arguments, log, page)),
        Command::Show(arguments) => print(log, |page| show(arguments, log, page)),
        Command::Replay(arguments) => replay::replay(arguments, log),
    }
}

fn list(arguments: &List, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let (manifest, store) = arguments.pipeline.open(log)?;
    if let Some(stage) = &arguments.stage {
        check_stage(stage, &manifest, &store)?;
    }
    let filter = DeadLetterFilter {
        stage: arguments.stage.clone(),
        code: arguments.code.clone(),
        limit: arguments.limit,
        ..DeadLetterFilter::default()
    };
    if arguments.counts {
        return counts(&store.dead_letter_counts(&filter)?, arguments.format, page);
    }
    let letters = store.dead_letters(&filter)?;
    if arguments.format == OutputFormat::Json {
        return write_json(&letters, page);
    }
    if letters.is_empty() {
        return match manifest.dead_letters.topic() {
            Some(options) => Err(elsewhere(options)),
            None => Ok(page.line("no dead letters")?),
        };
    }
    let mut table = Table::new(&[
        numbers("ID"),
        numbers("EPOCH"),
        words("STAGE"),
        words("CODE"),
        words("MESSAGE"),
    ]);
    for StoredDeadLetter {
        id, epoch, letter, ..
    } in &letters
    {
        let (code, message) = (printable(&letter.code), printable(&letter.message));
        table.row([
            id.to_string(),
            epoch.to_string(),
            letter.stage.clone(),
            code,
            message,
        ]);
    }
    Ok(page.table(&table)?)
}

/// The letters are not kept with the checkpoints.
fn elsewhere(options: &KafkaDeadLetters) -> Problem {
    Problem::NotFound(format!(
        "the dead letters of this pipeline are in the topic `{}` of the connection `{}`: any reader of committed records shows them",
        options.topic, options.connection
    ))
}

/// Whatever the manifest names or the queue knows can have refused something.
fn check_stage(stage: &str, manifest: &Manifest, store: &Store) -> Result<(), Problem> {
    let counts = store.dead_letter_counts(&DeadLetterFilter::default())?;
    let stages = manifest
        .stages
        .iter()
        .map(|stage| stage.name.value.to_string());
    let sources = manifest
        .sources
        .iter()
        .map(|source| source.name.value.to_string());
    let sinks = manifest
        .sinks
        .iter()
        .map(|sink| sink.name.value.to_string());
    let remembered = counts.into_iter().map(|(stage, ..)| stage);
    let mut known: Vec<String> = sources
        .chain(stages)
        .chain(sinks)
        .chain(remembered)
        .collect();
    known.sort();
    known.dedup();
    match known.iter().any(|known| known == stage) {
        true => Ok(()),
        false => Err(Problem::not_found(
            "stage, source or sink",
            stage,
            known.iter().map(String::as_str),
        )),
    }
}

/// How often something was refused, as JSON.
#[derive(Serialize)]
struct Count<'a> {
    stage: &'a str,
    code: &'a str,
    count: u64,
}

fn counts(
    counts: &[(String, String, u64)],
    format: OutputFormat,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    if format == OutputFormat::Json {
        for (stage, code, count) in counts {
            page.json(&Count {
                stage,
                code,
                count: *count,
            })?;
        }
        return Ok(());
    }
    if counts.is_empty() {
        return Ok(page.line("no dead letters")?);
    }
    let mut table = Table::new(&[numbers("COUNT"), words("STAGE"), words("CODE")]);
    for (stage, code, count) in counts {
        table.row([grouped(*count), stage.clone(), printable(code)]);
    }
    page.table(&table)?;
    let sum = counts.iter().map(|(.., count)| count).sum();
    Ok(page.line(format!(
        "{} in all",
        counted(sum, "dead letter", "dead letters")
    ))?)
}

fn show(arguments: &Show, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let (_, store) = arguments.pipeline.open(log)?;
    let filter = DeadLetterFilter {
        ids: arguments.ids.clone(),
        ..DeadLetterFilter::default()
    };
    let letters = store.dead_letters(&filter)?;
    match arguments.format {
        OutputFormat::Json => write_json(&letters, page)?,
        OutputFormat::Text => {
            for (index, letter) in letters.iter().enumerate() {
                if index > 0 {
                    page.line("")?;
                }
                write_letter(letter, page)?;
            }
        }
    }
    let missing = |id: &&i64| letters.iter().all(|letter| letter.id != **id);
    let missing: Vec<String> = arguments
        .ids
        .iter()
        .filter(missing)
        .map(i64::to_string)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    // What was found stands on its own, also when standard output and standard error go to the same place.
    page.flush()?;
    Err(Problem::NotFound(format!(
        "there is no dead letter {}",
        missing.join(", ")
    )))
}

fn write_letter(stored: &StoredDeadLetter, page: &mut Page<'_>) -> Result<(), Problem> {
    let letter = &stored.letter;
    page.heading(&format!("Dead letter {}", stored.id))?;
    page.facts(&facts(stored))?;
    page.line("")?;
    write_content(&letter.record, page)?;
    if let Some(entry) = &letter.state {
        page.line("")?;
        page.heading("State of its key when the plugin failed")?;
        write_content(&entry.value, page)?;
        if entry.is_cut() {
            page.line("  … and so on")?;
        }
    }
    if let Some(backtrace) = &letter.backtrace {
        page.line("")?;
        page.heading("Where the plugin failed")?;
        write_content(backtrace.trim_end().as_bytes(), page)?;
    }
    Ok(())
}

fn facts(stored: &StoredDeadLetter) -> Vec<(&'static str, String)> {
    let StoredDeadLetter {
        epoch,
        rejected_at,
        letter,
        ..
    } = stored;
    let or_none = |text: &str| match text {
        "" => "none".to_owned(),
        text => printable(text),
    };
    let event_time = match letter.timestamp {
        NO_EVENT_TIME => "none".to_owned(),
        timestamp => format!("{} ({timestamp} ms)", moment(timestamp)),
    };
    let key = letter.key.as_deref();
    let when = format!("{}, in epoch {epoch}", moment(*rejected_at));
    let mut facts = vec![
        ("refused by", letter.stage.clone()),
        ("at port", or_none(&letter.port)),
        ("when", when),
        ("code", printable(&letter.code)),
        ("message", printable(&letter.message)),
        ("plugin", or_none(&letter.plugin)),
        ("key", key.map_or_else(|| "none".to_owned(), literal)),
        ("event time", event_time),
        ("record", bytes(letter.record.len() as u64)),
    ];
    if let Some(entry) = &letter.state {
        let text = format!("{} in version {}", bytes(entry.bytes), entry.version);
        facts.push(("state", text));
    }
    facts
}

/// Text as text, all else in hexadecimal.
fn write_content(content: &[u8], page: &mut Page<'_>) -> Result<(), Problem> {
    match str::from_utf8(content) {
        Ok(text) => text
            .lines()
            .try_for_each(|line| page.line(format!("  {}", printable(line))))?,
        Err(_) => hex_dump(content)
            .iter()
            .try_for_each(|line| page.line(format!("  {line}")))?,
    }
    Ok(())
}

fn write_json(letters: &[StoredDeadLetter], page: &mut Page<'_>) -> Result<(), Problem> {
    for stored in letters {
        let letter = LetterJson::of(&stored.letter, stored.epoch, stored.rejected_at, usize::MAX);
        page.json(&letter.numbered(stored.id))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{DeadLetter, EntrySnapshot};

    fn letter(record: &[u8]) -> StoredDeadLetter {
        let letter = DeadLetter {
            stage: "parse".to_owned(),
            port: "lines".to_owned(),
            code: "not-json".to_owned(),
            message: "expected a value".to_owned(),
            record: record.to_vec(),
            key: None,
            timestamp: 1_704_067_205_250,
            plugin: "5f".repeat(32),
            backtrace: None,
            state: None,
        };
        StoredDeadLetter {
            id: 7,
            epoch: 3,
            rejected_at: 1_704_067_300_000,
            letter,
        }
    }

    fn written(write: impl FnOnce(&mut Page<'_>) -> Result<(), Problem>) -> String {
        let mut out = Vec::new();
        let mut page = Page::to(&mut out, Some(80));
        write(&mut page).unwrap();
        drop(page);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_that_is_text_is_shown_as_text() {
        let shown = written(|page| write_letter(&letter(b"{\"a\":\"\x1b[2J\"}"), page));
        assert!(shown.contains("\n  {\"a\":\"\\x1b[2J\"}\n"), "{shown}");
        assert!(
            shown.contains("event time  2024-01-01T00:00:05.250Z (1704067205250 ms)"),
            "{shown}"
        );
        assert!(shown.lines().all(|line| line.len() <= 80), "{shown}");
    }

    #[test]
    fn what_a_plugin_met_when_it_failed_is_shown_behind_the_record() {
        let mut failed = letter(b"{}");
        failed.letter.state = Some(EntrySnapshot {
            version: 3,
            value: b"\x00\xff".to_vec(),
            bytes: 5 << 20,
        });
        failed.letter.backtrace = Some("0: 0x1f - process\n1: \x1b[2J\n".to_owned());
        let shown = written(|page| write_letter(&failed, page));
        for part in [
            "state       5.0 MiB in version 3\n",
            "\n  00000000  00 ff",
            "\n  … and so on\n",
            "\n  0: 0x1f - process\n  1: \\x1b[2J\n",
        ] {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
        let json = written(|page| write_json(&[failed], page));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let state = serde_json::json!({"version": 3, "value_hex": "00ff", "value_bytes": 5 << 20});
        assert_eq!(json["state"], state);
        assert_eq!(json["backtrace"], "0: 0x1f - process\n1: \u{1b}[2J\n");
    }

    #[test]
    fn a_record_that_is_not_text_is_shown_in_hexadecimal() {
        let shown = written(|page| write_letter(&letter(b"\xff\x00abc"), page));
        assert!(shown.contains("  00000000  ff 00 61 62 63"), "{shown}");
        let json = written(|page| write_json(&[letter(b"\xff\x00")], page));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["record_hex"], &json["record"]),
            (&"ff00".into(), &serde_json::Value::Null)
        );
    }
}
