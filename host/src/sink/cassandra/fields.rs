//! The fields of a record that columns are filled from. The others are passed over without being kept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

/// Reads fields by name.
#[derive(Debug)]
pub(super) struct Fields(Vec<String>);

impl Fields {
    /// Fields of those names, none twice.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// The values of the fields in the order of their names, none where the record has no such field.
    pub(super) fn read(&self, record: &[u8]) -> Result<Vec<Option<Value>>, String> {
        let mut json = serde_json::Deserializer::from_slice(record);
        let read = self
            .deserialize(&mut json)
            .and_then(|values| json.end().map(|()| values));
        read.map_err(|error| match error.classify() {
            Category::Data => "the record is not a JSON object".to_owned(),
            _ => format!("the record is not JSON: {error}"),
        })
    }
}

impl<'de> DeserializeSeed<'de> for &Fields {
    type Value = Vec<Option<Value>>;

    fn deserialize<D: Deserializer<'de>>(self, record: D) -> Result<Self::Value, D::Error> {
        record.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &Fields {
    type Value = Vec<Option<Value>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        while let Some(index) = fields.next_key_seed(Index(&self.0))? {
            match index {
                Some(index) => values[index] = Some(fields.next_value()?),
                None => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// Which of the names a key is.
struct Index<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Index<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Index<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| name == key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(record: &str) -> Result<Vec<Option<Value>>, String> {
        Fields::new(vec!["a".to_owned(), "b".to_owned()]).read(record.as_bytes())
    }

    #[test]
    fn fields_are_found_by_name_among_others() {
        assert_eq!(
            read(r#"{"c": [{"a": 0}], "b": "x", "a": {"b": 1}}"#),
            Ok(vec![Some(json!({"b": 1})), Some(json!("x"))])
        );
    }

    #[test]
    fn a_field_that_is_null_is_there_and_one_that_is_missing_is_not() {
        assert_eq!(read(r#"{"a": null}"#), Ok(vec![Some(Value::Null), None]));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(read("[1]").unwrap_err(), "the record is not a JSON object");
        assert!(
            read(r#"{"a": 1"#)
                .unwrap_err()
                .starts_with("the record is not JSON: EOF")
        );
        assert!(
            read(r#"{"a": 1} x"#)
                .unwrap_err()
                .starts_with("the record is not JSON: trailing")
        );
        assert!(read("").unwrap_err().starts_with("the record is not JSON"));
    }
}
