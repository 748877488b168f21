//! Secrets are never written in a manifest, only where they are found: a manifest is committed, shown and mailed.

use std::fmt;
use std::path::PathBuf;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::environment::Environment;
use crate::config::place::{Located, Place};
use crate::config::reader::{Context, TableReader};
use crate::config::tree::{Node, Value};

const EXPECTED: &str = "`{ env = \"NAME\" }` or `{ file = \"PATH\" }`";

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// `{ env = "NAME" }`: in an environment variable.
    Environment(Located<String>),
    /// `{ file = "PATH" }`: in a file, without the line break at its end.
    File(Located<PathBuf>),
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(formatter, "environment variable `{name}`"),
            Self::File(path) => write!(formatter, "file `{}`", path.display()),
        }
    }
}

impl Secret {
    /// The secret itself.
    ///
    /// # Errors
    /// A diagnostic with the code [`code::SECRET_UNAVAILABLE`] if the variable is not set or the file cannot be read,
    /// or if there is nothing in it.
    pub fn reveal(&self, environment: &dyn Environment) -> Result<String, Box<Diagnostic>> {
        let (place, found) = match self {
            Self::Environment(name) => (
                &name.place,
                environment
                    .variable(name)
                    .map_err(|error| error.to_string())
                    .map(Option::unwrap_or_default),
            ),
            Self::File(path) => (
                &path.place,
                std::fs::read_to_string(&path.value)
                    .map_err(|error| error.to_string())
                    .map(without_line_break),
            ),
        };
        let reason = match found {
            Ok(secret) if !secret.is_empty() => return Ok(secret),
            Ok(_) => "it is not set, or empty".to_owned(),
            Err(reason) => reason,
        };
        Err(Box::new(
            Diagnostic::new(
                &code::SECRET_UNAVAILABLE,
                place.clone(),
                format!("there is no secret in the {self}"),
            )
            .found(reason),
        ))
    }

    /// Where the manifest says where the secret is found.
    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Environment(name) => &name.place,
            Self::File(path) => &path.place,
        }
    }

    pub(crate) fn read_required(table: &TableReader<'_>, key: &'static str) -> Option<Self> {
        Self::of(table.required_node(key)?, table.context())
    }

    pub(crate) fn read_optional(table: &TableReader<'_>, key: &'static str) -> Option<Self> {
        Self::of(table.optional_node(key)?, table.context())
    }

    /// What a value says of where a secret is found.
    pub(crate) fn of(node: &Node, context: &Context) -> Option<Self> {
        if !matches!(node.value, Value::Table(_)) {
            context.report(literal(node));
            return None;
        }
        let table = TableReader::new(node, context)?;
        let variable = table.optional::<String>("env");
        let file = table.optional::<PathBuf>("file");
        let is_empty = table.is_empty();
        table.finish();
        match (variable, file) {
            (Some(variable), None) => Some(Self::Environment(variable)),
            (None, Some(file)) => Some(Self::File(file)),
            (Some(_), Some(_)) => report_choice(node, context, "both `env` and `file`"),
            (None, None) if is_empty => report_choice(node, context, "neither"),
            (None, None) => None,
        }
    }
}

fn report_choice(node: &Node, context: &Context, found: &str) -> Option<Secret> {
    context.report(
        Diagnostic::new(
            &code::CONTRADICTION,
            node.place.clone(),
            format!("`{}` does not say where the secret is", node.place.key()),
        )
        .found(found)
        .expected(EXPECTED),
    );
    None
}

/// Neither the value nor its line is part of the message: they would end in a log.
fn literal(node: &Node) -> Diagnostic {
    Diagnostic::new(
        &code::LITERAL_SECRET,
        node.key_place.clone(),
        format!("the secret `{}` is written in the manifest", node.place.key()),
    )
    .found(format!("{} in place of where to find it", node.kind()))
    .expected(EXPECTED)
    .without_source()
    .help("put the secret into an environment variable or a file and name that here; if the manifest was ever shared, replace the secret")
}

fn without_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::place::{Document, Place};

    fn located<T>(value: T) -> Located<T> {
        let document = Document::option("connections.crm.client-secret.env=\"TOKEN\"");
        Located::new(value, Place::whole(&document))
    }

    #[test]
    fn a_secret_is_taken_from_its_variable() {
        let environment = BTreeMap::from([("TOKEN".to_owned(), "s3cret".to_owned())]);
        let secret = Secret::Environment(located("TOKEN".to_owned()));
        assert_eq!(secret.reveal(&environment).unwrap(), "s3cret");
    }

    #[test]
    fn a_variable_that_is_not_set_holds_no_secret() {
        let secret = Secret::Environment(located("TOKEN".to_owned()));
        let refusal = secret.reveal(&BTreeMap::new()).unwrap_err();
        assert_eq!(refusal.code, &code::SECRET_UNAVAILABLE);
        assert_eq!(
            refusal.problem,
            "there is no secret in the environment variable `TOKEN`"
        );
    }

    #[test]
    fn a_file_that_is_not_there_holds_no_secret() {
        let secret = Secret::File(located(PathBuf::from("no/such/file")));
        let refusal = secret.reveal(&BTreeMap::new()).unwrap_err();
        assert_eq!(refusal.code, &code::SECRET_UNAVAILABLE);
    }

    #[test]
    fn the_line_break_at_the_end_of_a_file_is_not_part_of_the_secret() {
        assert_eq!(without_line_break("s3cret\n".to_owned()), "s3cret");
        assert_eq!(without_line_break("s3cret\r\n".to_owned()), "s3cret");
        assert_eq!(without_line_break(" s3\ncret".to_owned()), " s3\ncret");
    }
}
