//! `--set path.to.key=value` replaces or adds a value of the manifest from the command line. It is applied to the tree
//! before anything is read, so that it obeys every rule that the manifest does.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::config::code;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::place::{Document, Place};
use crate::config::tree::{Entry, Node, Text, Value, key_path};

/// A `--set` option.
#[derive(Clone, Debug)]
pub struct Override {
    /// From the root to the value; never empty.
    path: Vec<Step>,
    value: Node,
}

#[derive(Clone, Debug)]
struct Step {
    key: String,
    place: Place,
}

impl Override {
    /// Parses what follows `--set`: `path.to.key=value`. The value is read as TOML and, failing that, as a string.
    ///
    /// # Errors
    /// The option is not of that form.
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        let document = Document::option(text);
        let equals = equals_sign(text)
            .ok_or_else(|| malformed(&document, 0..text.len(), "a `--set` option has no `=`"))?;
        let path = parse_path(&document, &text[..equals])
            .ok_or_else(|| malformed(&document, 0..equals, "a `--set` option has no valid key"))?;
        let value = parse_value(&document, equals + 1, &path)?;
        Ok(Self { path, value })
    }

    /// Parses the options of a command line; everything that is wrong with them is said at once.
    ///
    /// # Errors
    /// An option is not of that form.
    pub fn parse_all(options: &[String]) -> Result<Vec<Self>, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut overrides = Vec::new();
        for option in options {
            match Self::parse(option) {
                Ok(parsed) => overrides.push(parsed),
                Err(wrong) => found.extend(wrong),
            }
        }
        found.into_result(overrides)
    }

    /// Puts the value into the tree, with the tables that it takes.
    pub(crate) fn apply(&self, root: &mut Node) -> Result<(), Box<Diagnostic>> {
        let mut node = root;
        for step in &self.path {
            node = descend(node, step)?;
        }
        *node = self.value.clone();
        Ok(())
    }
}

/// The first `=` outside quotes: a quoted key may hold one.
fn equals_sign(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, '=') => return Some(index),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

fn parse_path(document: &Arc<Document>, text: &str) -> Option<Vec<Step>> {
    if text.contains('\n') {
        return None;
    }
    let assignment = format!("{text}=0");
    let root = DeTable::parse(&assignment).ok()?;
    let mut path = Vec::new();
    let mut key_so_far = String::new();
    let mut table = root.get_ref();
    loop {
        let (key, value) = table.iter().next()?;
        key_so_far = key_path(&key_so_far, key.get_ref());
        path.push(Step {
            key: key.get_ref().to_string(),
            place: Place::new(document, key.span(), &key_so_far),
        });
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(path),
        }
    }
}

fn parse_value(document: &Arc<Document>, start: usize, path: &[Step]) -> Result<Node, Diagnostics> {
    let written = document.text.get(start..).unwrap_or_default();
    let trimmed = written.trim();
    let start = start + (written.len() - written.trim_start().len());
    let last = path.last().map(|step| step.place.clone());
    let key_place = last.unwrap_or_else(|| Place::whole(document));
    let key = key_place.key().to_owned();
    match Node::parse_value(document, start, &key, key_place.clone()) {
        Ok(node) => Ok(node),
        Err(wrong) if trimmed.starts_with(['"', '\'', '[', '{']) => Err(invalid_value(wrong)),
        Err(_) => Ok(Node {
            value: Value::Text(Text {
                content: trimmed.to_owned(),
                ..Text::default()
            }),
            place: Place::new(document, start..start + trimmed.len(), &key),
            key_place,
        }),
    }
}

fn invalid_value(wrong: Diagnostics) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(wrong.into_iter().map(|wrong| {
        let problem = format!("the value of a `--set` option: {}", wrong.problem);
        Diagnostic::new(&code::INVALID_OVERRIDE, wrong.place, problem)
            .help("for text that begins with a quote or bracket, write a TOML string: '\"[text]\"'")
    }));
    diagnostics
}

/// The node that a step leads to; what is not there yet is made, as an empty table.
fn descend<'a>(node: &'a mut Node, step: &Step) -> Result<&'a mut Node, Box<Diagnostic>> {
    let place = node.place.clone();
    let kind = node.kind();
    match &mut node.value {
        Value::Table(entries) => {
            let index = match entries.iter().position(|entry| entry.key == step.key) {
                Some(index) => index,
                None => {
                    entries.push(Entry {
                        key: step.key.clone(),
                        node: Node {
                            value: Value::Table(Vec::new()),
                            place: step.place.clone(),
                            key_place: step.place.clone(),
                        },
                    });
                    entries.len() - 1
                }
            };
            Ok(&mut entries[index].node)
        }
        Value::Array(elements) => {
            let length = elements.len();
            step.key
                .parse::<usize>()
                .ok()
                .and_then(|index| elements.get_mut(index))
                .ok_or_else(|| {
                    Box::new(leads_nowhere(step, &place, "this array").expected(format!(
                        "the number of an element: the array has {length}, the first one is 0"
                    )))
                })
        }
        _ => Err(Box::new(leads_nowhere(step, &place, kind))),
    }
}

fn leads_nowhere(step: &Step, place: &Place, role: &str) -> Diagnostic {
    Diagnostic::new(
        &code::INVALID_OVERRIDE,
        step.place.clone(),
        format!(
            "the `--set` option leads to nothing: `{}` has no `{}`",
            place.key(),
            step.key
        ),
    )
    .related(place.clone(), role)
}

fn malformed(document: &Arc<Document>, span: std::ops::Range<usize>, problem: &str) -> Diagnostics {
    Diagnostic::new(
        &code::INVALID_OVERRIDE,
        Place::new(document, span, ""),
        problem,
    )
    .expected("`--set path.to.key=value`, such as `--set pipeline.parallelism=2`")
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(option: &Override) -> Vec<&str> {
        option.path.iter().map(|step| step.key.as_str()).collect()
    }

    #[test]
    fn the_first_equals_sign_ends_the_key() {
        let option = Override::parse("stages.parse.configuration.filter=a=b").unwrap();
        assert_eq!(
            keys(&option),
            ["stages", "parse", "configuration", "filter"]
        );
        assert!(matches!(&option.value.value, Value::Text(text) if text.content == "a=b"));
    }

    #[test]
    fn a_quoted_key_may_hold_dots_and_equals_signs() {
        let option = Override::parse("a.\"b.c=d\" = 1").unwrap();
        assert_eq!(keys(&option), ["a", "b.c=d"]);
        assert!(matches!(option.value.value, Value::Integer(1)));
        assert_eq!(option.value.place.key(), "a.\"b.c=d\"");
    }

    #[test]
    fn what_is_not_toml_is_text() {
        for (option, expected) in [("a=200ms", "200ms"), ("a= x y ", "x y"), ("a=", "")] {
            let option = Override::parse(option).unwrap();
            assert!(matches!(&option.value.value, Value::Text(text) if text.content == expected));
        }
    }

    #[test]
    fn an_option_without_a_key_is_refused() {
        for option in ["=1", ".a=1", "a..b=1", "a b=1", "[a]\nb=1", ""] {
            assert!(Override::parse(option).is_err(), "{option}");
        }
    }
}
