//! The manifest as a tree in which every value knows where it was written, whether that is the file or a `--set` option.

mod parse;

use crate::config::place::Place;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
    /// Where its key is written; that of an array's element is the element itself.
    pub(crate) key_place: Place,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime(String),
    Array(Vec<Node>),
    /// In the order in which it was written.
    Table(Vec<Entry>),
    /// Text that could not be interpolated, which is reported: it is no value, and nothing more is to be said of it.
    Unresolved,
}

/// A string, and what became of it by interpolation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) content: String,
    /// Whether it was one whole reference to the environment, and so may stand for a value of another type.
    pub(crate) supplied: bool,
    /// Whether it begins with the value of a variable (not with a default): a path is then the caller's, not the
    /// manifest's.
    pub(crate) begins_with_variable: bool,
}

/// A key of a table and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) node: Node,
}

impl Node {
    /// The kind of value, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Datetime(_) => "a date or time",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
            Value::Unresolved => "an unresolved reference to the environment",
        }
    }

    /// The value, for a message.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Text(text) if self.place.text().contains("${") => {
                format!(
                    "`{}`, out of `{}`",
                    shorten(&text.content),
                    self.place.text()
                )
            }
            Value::Text(text) if text.content.is_empty() => "an empty string".to_owned(),
            Value::Text(text) => format!("the string `{}`", shorten(&text.content)),
            Value::Integer(integer) => format!("the integer `{integer}`"),
            Value::Float(float) => format!("the float `{float}`"),
            Value::Boolean(boolean) => format!("the boolean `{boolean}`"),
            Value::Datetime(datetime) => format!("the date or time `{datetime}`"),
            Value::Array(_) | Value::Table(_) | Value::Unresolved => self.kind().to_owned(),
        }
    }

    /// Text that the environment supplied as a whole.
    pub(crate) fn supplied_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if text.supplied => Some(&text.content),
            _ => None,
        }
    }
}

/// The path of a key within that of its table, quoted where TOML wants quotes.
pub(crate) fn key_path(table: &str, key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_".contains(character));
    let dot = if table.is_empty() { "" } else { "." };
    if is_bare {
        format!("{table}{dot}{key}")
    } else {
        format!("{table}{dot}{key:?}")
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.escape_debug().to_string();
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{}…", start.escape_debug())
}
