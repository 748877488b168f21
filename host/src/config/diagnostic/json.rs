//! Programs read diagnostics too: an editor, a build server, a log collector.

use serde::Serialize;

use crate::config::diagnostic::Diagnostic;
use crate::config::place::Place;

#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    title: &'a str,
    #[serde(flatten)]
    place: Position<'a>,
    problem: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Position<'a>,
    role: &'a str,
}

#[derive(Serialize)]
struct Position<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "str::is_empty")]
    key: &'a str,
}

impl<'a> Position<'a> {
    fn new(place: &'a Place, hides_source: bool) -> Self {
        let is_override = place.is_override();
        let (line, column) = place.line_and_column().unzip();
        let option = if hides_source {
            format!("{} {}", place.document().name, place.key())
        } else {
            place.to_string()
        };
        Self {
            file: (!is_override).then_some(place.document().name.as_str()),
            option: is_override.then_some(option),
            line,
            column,
            key: place.key(),
        }
    }
}

pub(super) fn to_lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let line = serde_json::to_string(&Line::from(diagnostic));
            #[expect(
                clippy::expect_used,
                reason = "strings and numbers in a plain structure always have a JSON form"
            )]
            let line = line.expect("JSON");
            line + "\n"
        })
        .collect()
}

impl<'a> From<&'a Diagnostic> for Line<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let related = diagnostic.related.iter().map(|(place, role)| Related {
            place: Position::new(place, false),
            role,
        });
        Self {
            code: diagnostic.code.id,
            title: diagnostic.code.title,
            place: Position::new(&diagnostic.place, diagnostic.hides_source),
            problem: &diagnostic.problem,
            found: diagnostic.found.as_deref(),
            expected: diagnostic.expected.as_deref(),
            help: diagnostic.help.as_deref(),
            related: related.collect(),
        }
    }
}
