//! Names end up in messages, metrics, checkpoints and SQL, so what they may be made of is settled once, here.

use std::fmt;
use std::ops::Deref;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read};
use crate::config::tree::Node;

const MAXIMUM_LENGTH: usize = 63;

/// The name of a pipeline, source, stage, port, sink or connection: an ASCII letter, then letters, digits, `-` and `_`, at
/// most 63 in all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// The name of a table or column: an ASCII letter or `_`, then letters, digits and `_`, at most 63 in all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SqlName(String);

pub(crate) fn is_valid(name: &str) -> bool {
    name.len() <= MAXIMUM_LENGTH
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
}

fn is_valid_in_sql(name: &str) -> bool {
    name.len() <= MAXIMUM_LENGTH
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

impl Name {
    /// Stands in for a name that is wrong, while what it names is read for other mistakes.
    pub(crate) fn stand_in() -> Self {
        Self(String::new())
    }

    /// The name of an entry, from its key.
    pub(crate) fn located(key: &Located<String>, context: &Context) -> Option<Located<Self>> {
        if is_valid(key) {
            return Some(key.clone().map(Self));
        }
        context.report(
            Diagnostic::new(
                &code::INVALID_NAME,
                key.place.clone(),
                format!("`{key}` cannot be a name"),
            )
            .expected("a letter, then letters, digits, `-` and `_`, at most 63 characters in all"),
        );
        None
    }
}

impl SqlName {
    /// One that needs no manifest.
    #[cfg(test)]
    pub(crate) fn of_test(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name of a column, from its key.
    pub(crate) fn located(key: &Located<String>, context: &Context) -> Option<Located<Self>> {
        if is_valid_in_sql(key) {
            return Some(key.clone().map(Self));
        }
        context.report(
            Diagnostic::new(
                &code::INVALID_NAME,
                key.place.clone(),
                format!("`{key}` cannot be the name of a table or column"),
            )
            .expected(
                "a letter or `_`, then letters, digits and `_`, at most 63 characters in all",
            ),
        );
        None
    }
}

impl Read for Name {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let name = Located::new(context.text(node)?.to_owned(), node.place.clone());
        Self::located(&name, context).map(|name| name.value)
    }
}

impl Read for SqlName {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let name = Located::new(context.text(node)?.to_owned(), node.place.clone());
        Self::located(&name, context).map(|name| name.value)
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for SqlName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for SqlName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{is_valid, is_valid_in_sql};

    #[test]
    fn a_name_begins_with_a_letter() {
        assert!(is_valid("parse-interactions_2"));
        for name in ["", "2nd", "-a", "a.b", "a b", "é", &"a".repeat(64)] {
            assert!(!is_valid(name), "{name}");
        }
    }

    #[test]
    fn a_column_needs_no_quotes_in_sql() {
        assert!(is_valid_in_sql("_window_end2"));
        for name in ["", "2nd", "window-end", "a\"b"] {
            assert!(!is_valid_in_sql(name), "{name}");
        }
    }
}
