//! `jackfield state`: what the stages of a pipeline remember, as of its last checkpoint.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::inspection::{Inspected, Problem, print};
use super::literal::{self, hex_dump, literal, printable};
use super::page::{OutputFormat, Page, Table, numbers, words};
use super::quantity::{bytes, grouped};
use super::{Exit, LogFormat};
use crate::checkpoint::{StageState, Store, StoredEntry};
use crate::config::Manifest;
use crate::hexadecimal;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the stages that remember something, or the keys of one of them.
    List(List),
    /// Show what a stage remembers of a key.
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pipeline: Inspected,
    /// The keys of this stage.
    #[arg(long)]
    stage: Option<String>,
    /// Only keys that begin so; bytes that are not text as \xNN.
    #[arg(long, requires = "stage")]
    prefix: Option<String>,
    /// At most so many keys.
    #[arg(long, requires = "stage")]
    limit: Option<u64>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    pipeline: Inspected,
    /// The stage.
    stage: String,
    /// The key as `list` shows it: bytes that are not text as \xNN, a backslash doubled.
    key: String,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    print(log, |page| match command {
        Command::List(arguments) => {
            let (manifest, store) = arguments.pipeline.open(log)?;
            match &arguments.stage {
                Some(stage) => list_keys(stage, arguments, &manifest, &store, page),
                None => list_stages(arguments.format, &store, page),
            }
        }
        Command::Show(arguments) => show(arguments, log, page),
    })
}

/// A stage as JSON.
#[derive(Serialize)]
struct Stage<'a> {
    stage: &'a str,
    keys: u64,
    bytes: u64,
    versions: &'a [u32],
}

fn list_stages(format: OutputFormat, store: &Store, page: &mut Page<'_>) -> Result<(), Problem> {
    let mut table = Table::new(&[
        words("STAGE"),
        numbers("KEYS"),
        numbers("SIZE"),
        words("STATE VERSIONS"),
    ]);
    let stages = store.stages_with_state()?;
    for StageState {
        stage,
        keys,
        bytes: size,
    } in &stages
    {
        let versions = store.state_versions(stage)?;
        if format == OutputFormat::Json {
            page.json(&Stage {
                stage,
                keys: *keys,
                bytes: *size,
                versions: &versions,
            })?;
        }
        let versions: Vec<String> = versions.iter().map(u32::to_string).collect();
        table.row([
            stage.clone(),
            grouped(*keys),
            bytes(*size),
            versions.join(", "),
        ]);
    }
    match format {
        OutputFormat::Json => Ok(()),
        OutputFormat::Text if stages.is_empty() => Ok(page.line("no stage remembers anything")?),
        OutputFormat::Text => Ok(page.table(&table)?),
    }
}

/// A key as JSON. What is not UTF-8 stands in hexadecimal under another name.
#[derive(Serialize)]
struct Key<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hex: Option<String>,
    key_group: u16,
    version: u32,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

impl<'a> Key<'a> {
    fn of(key: &'a [u8], key_group: u16, version: u32, bytes: u64) -> Self {
        let (key, key_hex) = hexadecimal::text_or_digits(key);
        Self {
            key,
            key_hex,
            key_group,
            version,
            bytes,
            value_hex: None,
        }
    }
}

fn list_keys(
    stage: &str,
    arguments: &List,
    manifest: &Manifest,
    store: &Store,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    check_stage(stage, manifest, store)?;
    let prefix = bytes_of(arguments.prefix.as_deref().unwrap_or_default())?;
    // One more than is shown tells whether there are more.
    let keys = store.keys(
        stage,
        &prefix,
        arguments.limit.map(|limit| limit.saturating_add(1)),
    )?;
    let limit = arguments.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let shown = &keys[..keys.len().min(limit)];
    if arguments.format == OutputFormat::Json {
        for key in shown {
            page.json(&Key::of(&key.key, key.key_group, key.version, key.bytes))?;
        }
        return Ok(());
    }
    if keys.is_empty() {
        return Ok(page.line(format!(
            "the stage `{stage}` remembers nothing of such a key"
        ))?);
    }
    let mut table = Table::new(&[
        numbers("GROUP"),
        numbers("VERSION"),
        numbers("SIZE"),
        words("KEY"),
    ]);
    for key in shown {
        table.row([
            key.key_group.to_string(),
            key.version.to_string(),
            bytes(key.bytes),
            literal(&key.key),
        ]);
    }
    page.table(&table)?;
    if shown.len() < keys.len() {
        page.line("there are more; raise `--limit` or narrow `--prefix`")?;
    }
    Ok(())
}

fn show(arguments: &Show, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let (manifest, store) = arguments.pipeline.open(log)?;
    check_stage(&arguments.stage, &manifest, &store)?;
    let key = bytes_of(&arguments.key)?;
    let Some(entry) = store.entry(&arguments.stage, &key)? else {
        let (stage, key) = (&arguments.stage, literal(&key));
        return Err(Problem::NotFound(format!(
            "the stage `{stage}` remembers nothing of the key `{key}`"
        )));
    };
    match arguments.format {
        OutputFormat::Text => write_entry(&entry, page),
        OutputFormat::Json => {
            let size = entry.value.len() as u64;
            let key = Key::of(&entry.key, entry.key_group, entry.version, size);
            Ok(page.json(&Key {
                value_hex: Some(hexadecimal::text(&entry.value)),
                ..key
            })?)
        }
    }
}

fn write_entry(entry: &StoredEntry, page: &mut Page<'_>) -> Result<(), Problem> {
    page.facts(&[
        ("stage", entry.stage.clone()),
        ("key", literal(&entry.key)),
        ("key group", entry.key_group.to_string()),
        ("version", entry.version.to_string()),
        ("size", bytes(entry.value.len() as u64)),
    ])?;
    page.line("")?;
    for line in hex_dump(&entry.value) {
        page.line(format!("  {line}"))?;
    }
    if let Ok(text) = str::from_utf8(&entry.value)
        && !text.is_empty()
        && !text
            .chars()
            .any(|character| character.is_control() && !character.is_whitespace())
    {
        page.line("")?;
        text.lines()
            .try_for_each(|line| page.line(format!("  {}", printable(line))))?;
    }
    Ok(())
}

/// A stage of the manifest, or one that is remembered though the manifest has it no more.
fn check_stage(stage: &str, manifest: &Manifest, store: &Store) -> Result<(), Problem> {
    let mut known: Vec<String> = manifest
        .stages
        .iter()
        .map(|stage| stage.name.value.to_string())
        .collect();
    known.extend(
        store
            .stages_with_state()?
            .into_iter()
            .map(|state| state.stage),
    );
    match known.iter().any(|known| known == stage) {
        true => Ok(()),
        false => {
            known.sort();
            known.dedup();
            Err(Problem::not_found(
                "stage",
                stage,
                known.iter().map(String::as_str),
            ))
        }
    }
}

fn bytes_of(text: &str) -> Result<Vec<u8>, Problem> {
    literal::parse(text).ok_or_else(|| {
        Problem::NotFound(format!(
            "there is no key `{text}`: a backslash is written `\\\\`, any other byte `\\xNN`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &[u8]) -> String {
        let entry = StoredEntry {
            stage: "join".to_owned(),
            key_group: 5,
            key: b"c-1".to_vec(),
            version: 1,
            value: value.to_vec(),
        };
        let mut out = Vec::new();
        let mut page = Page::to(&mut out, Some(80));
        write_entry(&entry, &mut page).unwrap();
        drop(page);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_is_shown_as_bytes_and_where_it_is_text_as_text_too() {
        assert!(shown(b"{\"tier\":1}").ends_with("  {\"tier\":1}\n\n  {\"tier\":1}\n"));
        assert!(
            shown(b"\x04GOLD")
                .ends_with("  00000000  04 47 4f 4c 44                                    .GOLD\n")
        );
    }
}
