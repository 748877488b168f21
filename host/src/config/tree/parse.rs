//! From text to tree. TOML's grammar is the `toml` crate's business; all of its errors are passed on, at their places.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::code;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::place::{Document, Place};
use crate::config::tree::{Entry, Node, Text, Value, key_path};

impl Node {
    /// The tree of a manifest's text.
    pub(crate) fn parse(document: &Arc<Document>) -> Result<Self, Diagnostics> {
        let (root, errors) = DeTable::parse_recoverable(&document.text);
        let mut diagnostics = Diagnostics::new();
        for error in errors {
            let diagnostic = syntax_error(document, 0, &error);
            // After a first error in a line, others in it are mostly its echo.
            let line = diagnostic.place.line_and_column().map(|(line, _)| line);
            let is_echo = diagnostics
                .iter()
                .any(|earlier| earlier.place.line_and_column().map(|(line, _)| line) == line);
            if !is_echo {
                diagnostics.push(diagnostic);
            }
        }
        let mut conversion = Conversion {
            document,
            offset: 0,
            diagnostics,
        };
        let entries = conversion.entries(root.get_ref(), "");
        let place = Place::whole(document);
        conversion.diagnostics.into_result(Self {
            value: Value::Table(entries),
            key_place: place.clone(),
            place,
        })
    }

    /// The tree of a single value, the text of a document from `start` on, that stands at the key path `key`.
    pub(crate) fn parse_value(
        document: &Arc<Document>,
        start: usize,
        key: &str,
        key_place: Place,
    ) -> Result<Self, Diagnostics> {
        let text = document.text.get(start..).unwrap_or_default();
        let value = DeValue::parse(text)
            .map_err(|error| Diagnostics::from(syntax_error(document, start, &error)))?;
        let mut conversion = Conversion {
            document,
            offset: start,
            diagnostics: Diagnostics::new(),
        };
        let node = conversion.node(&value, key, Some(key_place));
        conversion.diagnostics.into_result(node)
    }
}

fn syntax_error(document: &Arc<Document>, offset: usize, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or_default();
    let place = Place::new(document, span.start + offset..span.end + offset, "");
    Diagnostic::new(
        &code::SYNTAX,
        place,
        format!("this is not valid TOML: {}", error.message()),
    )
}

struct Conversion<'a> {
    document: &'a Arc<Document>,
    /// Where in the document the parsed text begins, in bytes.
    offset: usize,
    diagnostics: Diagnostics,
}

impl Conversion<'_> {
    fn place(&self, span: &Range<usize>, key: &str) -> Place {
        let span = span.start + self.offset..span.end + self.offset;
        Place::new(self.document, span, key)
    }

    fn entries(&mut self, table: &DeTable<'_>, path: &str) -> Vec<Entry> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| {
                let path = key_path(path, key.get_ref());
                let key_place = self.place(&key.span(), &path);
                Entry {
                    key: key.get_ref().to_string(),
                    node: self.node(value, &path, Some(key_place)),
                }
            })
            .collect()
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>, path: &str, key_place: Option<Place>) -> Node {
        let place = self.place(&value.span(), path);
        Node {
            value: self.value(value.get_ref(), path, &place),
            key_place: key_place.unwrap_or_else(|| place.clone()),
            place,
        }
    }

    fn value(&mut self, value: &DeValue<'_>, path: &str, place: &Place) -> Value {
        match value {
            DeValue::String(text) => Value::Text(Text {
                content: text.to_string(),
                ..Text::default()
            }),
            DeValue::Integer(integer) => {
                match i64::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(integer) => Value::Integer(integer),
                    Err(_) => self.number_out_of_range(place),
                }
            }
            DeValue::Float(float) => match float.as_str().parse() {
                Ok(float) => Value::Float(float),
                Err(_) => self.number_out_of_range(place),
            },
            DeValue::Boolean(boolean) => Value::Boolean(*boolean),
            DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
            DeValue::Array(array) => Value::Array(
                array
                    .iter()
                    .enumerate()
                    .map(|(index, element)| self.node(element, &format!("{path}[{index}]"), None))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.entries(table, path)),
        }
    }

    fn number_out_of_range(&mut self, place: &Place) -> Value {
        self.diagnostics.push(
            Diagnostic::new(
                &code::SYNTAX,
                place.clone(),
                "this number does not fit into 64 bits",
            )
            .found(format!("`{}`", place.text())),
        );
        Value::Integer(0)
    }
}
