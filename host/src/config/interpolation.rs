//! `${NAME}` and `${NAME:-default}` take a value from the environment, so that one manifest serves every machine.
//! Interpolation works on the tree, not on the text: whatever a variable holds, it stays inside its string.

use crate::config::code;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::environment::Environment;
use crate::config::place::Place;
use crate::config::tree::{Node, Text, Value};

/// Replaces the references in every string value below `node`; keys are left as they are.
pub(crate) fn interpolate(
    node: &mut Node,
    environment: &dyn Environment,
    diagnostics: &mut Diagnostics,
) {
    match &mut node.value {
        Value::Text(text) if text.content.contains("${") => {
            match substitute(&text.content, &node.place, environment) {
                Ok(substituted) => *text = substituted,
                Err(wrong) => {
                    diagnostics.push(*wrong);
                    node.value = Value::Unresolved;
                }
            }
        }
        Value::Array(elements) => {
            for element in elements {
                interpolate(element, environment, diagnostics);
            }
        }
        Value::Table(entries) => {
            for entry in entries {
                interpolate(&mut entry.node, environment, diagnostics);
            }
        }
        _ => {}
    }
}

fn substitute(
    text: &str,
    place: &Place,
    environment: &dyn Environment,
) -> Result<Text, Box<Diagnostic>> {
    let mut result = Text::default();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        if let Some(before) = before.strip_suffix('$') {
            result.content.push_str(before);
            result.content.push_str("${");
            rest = &from[2..];
            continue;
        }
        result.content.push_str(before);
        let reference = Reference::parse(from).map_err(|wrong| wrong.diagnostic(from, place))?;
        let value = reference.value(place, environment)?;
        let is_first = from.len() == text.len();
        result.begins_with_variable |= is_first && value.is_variable && !value.text.is_empty();
        result.content.push_str(&value.text);
        rest = &from[reference.length..];
        result.supplied |= is_first && rest.is_empty();
    }
    result.content.push_str(rest);
    Ok(result)
}

/// `${NAME}` or `${NAME:-default}`.
struct Reference<'a> {
    name: &'a str,
    default: Option<&'a str>,
    /// Of the whole reference, in bytes.
    length: usize,
}

struct Supplied {
    text: String,
    is_variable: bool,
}

#[derive(Clone, Copy)]
enum Malformed {
    Unterminated,
    Nested,
    Name,
}

impl<'a> Reference<'a> {
    /// Parses the reference that `text` begins with.
    fn parse(text: &'a str) -> Result<Self, Malformed> {
        let inside = text.strip_prefix("${").ok_or(Malformed::Unterminated)?;
        let end = inside.find('}').ok_or(Malformed::Unterminated)?;
        let inside = &inside[..end];
        if inside.contains("${") {
            return Err(Malformed::Nested);
        }
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_variable_name(name) {
            return Err(Malformed::Name);
        }
        Ok(Self {
            name,
            default,
            length: "${}".len() + end,
        })
    }

    /// As in a shell, a default also stands in for a variable that is empty.
    fn value(
        &self,
        place: &Place,
        environment: &dyn Environment,
    ) -> Result<Supplied, Box<Diagnostic>> {
        let unset = |problem: String| {
            Diagnostic::new(
                &code::UNSET_VARIABLE,
                place.narrowed_to(&format!("${{{}", self.name)),
                problem,
            )
        };
        let variable = environment
            .variable(self.name)
            .map_err(|error| Box::new(unset(error.to_string())))?;
        match (variable, self.default) {
            (Some(text), None) => Ok(Supplied {
                text,
                is_variable: true,
            }),
            (Some(text), Some(_)) if !text.is_empty() => Ok(Supplied {
                text,
                is_variable: true,
            }),
            (_, Some(default)) => Ok(Supplied {
                text: default.to_owned(),
                is_variable: false,
            }),
            (None, None) => Err(Box::new(
                unset(format!(
                    "the environment variable `{}` is not set",
                    self.name
                ))
                .help(format!(
                    "set it, or write a default: `${{{}:-default}}`",
                    self.name
                )),
            )),
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

impl Malformed {
    fn diagnostic(self, text: &str, place: &Place) -> Box<Diagnostic> {
        let problem = match self {
            Self::Unterminated => "a reference to the environment has no end",
            Self::Nested => "a reference to the environment stands inside another",
            Self::Name => "a reference to the environment does not name a variable",
        };
        let reference = match text.find('}') {
            Some(end) => &text[..=end],
            None => text,
        };
        Box::new(
            Diagnostic::new(
                &code::MALFORMED_REFERENCE,
                place.narrowed_to(reference),
                problem,
            )
            .found(format!("`{reference}`"))
            .expected("`${NAME}` or `${NAME:-default}`, the name of letters, digits and `_`")
            .help("where `${` is meant as text, write `$${`"),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::place::Document;

    fn substituted(text: &str) -> Text {
        let document = Document::option(text);
        let place = Place::new(&document, 0..text.len(), "key");
        let environment = BTreeMap::from([
            ("HOME".to_owned(), "/home/ada".to_owned()),
            ("EMPTY".to_owned(), String::new()),
            ("TRICKY".to_owned(), "a\"\n[x]\n${HOME}".to_owned()),
        ]);
        substitute(text, &place, &environment).unwrap()
    }

    #[test]
    fn a_variable_is_put_in_place_of_its_reference() {
        assert_eq!(substituted("${HOME}/data").content, "/home/ada/data");
        assert_eq!(substituted("${HOME}${HOME}").content, "/home/ada/home/ada");
    }

    #[test]
    fn a_default_stands_in_for_what_is_unset_or_empty() {
        assert_eq!(substituted("${ABSENT:-data}/x").content, "data/x");
        assert_eq!(substituted("${EMPTY:-data}/x").content, "data/x");
        assert_eq!(substituted("${ABSENT:-}").content, "");
        assert_eq!(substituted("${EMPTY}").content, "");
    }

    #[test]
    fn a_doubled_dollar_keeps_the_braces_as_text() {
        assert_eq!(substituted("$${HOME} $5 $$").content, "${HOME} $5 $$");
    }

    #[test]
    fn a_value_is_not_interpolated_again() {
        assert_eq!(substituted("${TRICKY}").content, "a\"\n[x]\n${HOME}");
    }

    #[test]
    fn only_a_whole_reference_may_stand_for_another_type() {
        assert!(substituted("${ABSENT:-5}").supplied);
        assert!(!substituted("${ABSENT:-5}s").supplied);
        assert!(!substituted("1${ABSENT:-5}").supplied);
        assert!(!substituted("${HOME}${HOME}").supplied);
    }

    #[test]
    fn a_text_begins_with_a_variable_unless_that_is_empty_or_a_default() {
        assert!(substituted("${HOME}/x").begins_with_variable);
        assert!(substituted("${HOME:-data}/x").begins_with_variable);
        assert!(!substituted("${ABSENT:-data}/x").begins_with_variable);
        assert!(!substituted("${EMPTY}x").begins_with_variable);
        assert!(!substituted("x/${HOME}").begins_with_variable);
    }
}
