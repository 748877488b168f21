//! What two runs have to agree on. Identifiers that the platform makes up differ from run to run, and so do points in time and how long
//! something took: the former are put into words, so that it still counts whose they are; the latter are left out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::table::Row;

/// Identifiers of the platform, each with what it stands for.
#[derive(Clone, Debug, Default)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// An identifier stands for this. Nothing happens where the platform gave none.
    pub fn add(&mut self, identifier: &Value, stands_for: &str) {
        if let Some(identifier) = identifier.as_str() {
            self.0.insert(identifier.to_owned(), stands_for.to_owned());
        }
    }

    /// What an identifier stands for; the identifier itself, if nobody knows.
    pub fn of<'a>(&'a self, identifier: &'a Value) -> &'a str {
        let identifier = identifier.as_str().unwrap_or_default();
        self.0.get(identifier).map_or(identifier, String::as_str)
    }

    /// Every identifier in words, and without these members, wherever they stand.
    pub fn put(&self, value: &Value, without: &[&str]) -> Value {
        match value {
            Value::String(_) => match self.of(value) {
                word if Some(word) == value.as_str() => value.clone(),
                word => format!("({word})").into(),
            },
            Value::Array(items) => items.iter().map(|item| self.put(item, without)).collect(),
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| !without.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), self.put(value, without)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// A row of which the order means nothing.
pub fn row(about: &str, content: &Value) -> Row {
    Row {
        identity: about.to_owned(),
        content: content.to_string(),
        sequence: None,
    }
}
