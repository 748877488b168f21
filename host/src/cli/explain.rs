//! `jackfield explain`.

use serde::Serialize;

use super::inspection::{Problem, print};
use super::page::{OutputFormat, Page, Table, words};
use super::{Exit, LogFormat};
use crate::config;
use crate::error::Code;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// For example JF-2101; without it, every code is listed.
    code: Option<String>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// A code as JSON.
#[derive(Serialize)]
struct Entry {
    code: &'static str,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

pub(super) fn run(arguments: &Arguments, log: LogFormat) -> Exit {
    print(log, |page| match &arguments.code {
        Some(code) => explain(code, arguments.format, page),
        None => list(arguments.format, page),
    })
}

/// Every code, by rising number.
fn codes() -> impl Iterator<Item = Code> + Clone {
    config::code::ALL
        .iter()
        .map(|code| **code)
        .chain(Code::ALL.iter().copied())
}

/// The code that is meant by `JF-2101`, `jf2101` or `2101`.
fn find(wanted: &str) -> Option<Code> {
    let upper = wanted.trim().to_ascii_uppercase();
    let number = upper
        .strip_prefix("JF")
        .unwrap_or(&upper)
        .trim_start_matches(['-', '_', ' ']);
    codes().find(|code| code.id.strip_prefix("JF-") == Some(number))
}

fn explain(wanted: &str, format: OutputFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let Some(code) = find(wanted) else {
        let hint = match config::nearest(wanted, codes().map(|code| code.id)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => "; `jackfield explain` lists all of them".to_owned(),
        };
        return Err(Problem::NotFound(format!(
            "there is no error code `{wanted}`{hint}"
        )));
    };
    match format {
        OutputFormat::Json => page.json(&Entry::of(code))?,
        OutputFormat::Text => {
            page.heading(&format!("{}: {}", code.id, code.title))?;
            page.line("")?;
            page.paragraph(code.meaning, 0)?;
            page.line("")?;
            page.heading("What to do")?;
            page.paragraph(code.remedy, 0)?;
        }
    }
    Ok(())
}

fn list(format: OutputFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    if format == OutputFormat::Json {
        for code in codes() {
            page.json(&Entry::of(code))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&[words("CODE"), words("TITLE")]);
    for code in codes() {
        table.row([code.id.to_owned(), code.title.to_owned()]);
    }
    Ok(page.table(&table)?)
}

impl Entry {
    fn of(
        Code {
            id,
            title,
            meaning,
            remedy,
        }: Code,
    ) -> Self {
        Self {
            code: id,
            title,
            meaning,
            remedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        for typed in ["JF-2101", "jf-2101", "JF2101", " 2101 "] {
            assert_eq!(find(typed), Some(Code::PLUGIN_TRAPPED), "{typed}");
        }
        assert_eq!(find("21"), None);
    }

    #[test]
    fn every_code_says_what_it_means_and_what_to_do() {
        for code in codes() {
            assert!(
                code.meaning.ends_with(['.', ')']) && code.remedy.ends_with(['.', ')']),
                "{}",
                code.id
            );
        }
    }

    #[test]
    fn codes_rise_over_all_tables() {
        let all: Vec<&str> = codes().map(|code| code.id).collect();
        assert!(all.is_sorted_by(|one, next| one < next));
    }
}
