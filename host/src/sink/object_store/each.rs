//! Each record an object, whose name is in the record.
//!
//! Objects are put as records come, and all of an epoch are there before it is committed. What an attempt has put that came to nothing is put again, the same under the same name:
//! a reader may see an object early, and never half.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::store::Objects;
use crate::config::JsonPointer;
use crate::record::Batch;
use crate::sink::{Misfit, Sink, SinkError};

/// What S3 takes as a name, and every file system as a part of one, bytes.
const LONGEST_NAME: usize = 1024;
const LONGEST_PART: usize = 255;

/// A sink of objects.
pub(super) struct EachSink {
    objects: Objects,
    name: String,
    content: Option<String>,
    width: usize,
}

impl EachSink {
    pub(super) fn new(
        objects: Objects,
        name: &JsonPointer,
        content: Option<&JsonPointer>,
        width: usize,
    ) -> Self {
        // In a folder a name can stand in the way of another: which one does must not be left to chance.
        let width = if objects.is_folder() { 1 } else { width };
        Self {
            objects,
            name: name.as_str().to_owned(),
            content: content.map(|content| content.as_str().to_owned()),
            width,
        }
    }

    /// The object that a record is.
    fn object(&self, record: &[u8]) -> Result<(String, Bytes), String> {
        let value: Value = serde_json::from_slice(record)
            .map_err(|error| format!("the record is not JSON: {error}"))?;
        let pointer = &self.name;
        let name = match value.pointer(pointer) {
            Some(Value::String(name)) => name,
            Some(_) => {
                return Err(format!(
                    "the name of the object at `{pointer}` is not a string"
                ));
            }
            None => {
                return Err(format!(
                    "the record has no name of an object at `{pointer}`"
                ));
            }
        };
        check(name, self.objects.whole_name(name).len())
            .map_err(|wrong| format!("the name of the object at `{pointer}` {wrong}"))?;
        let content = match &self.content {
            None => Bytes::copy_from_slice(record),
            Some(pointer) => match value.pointer(pointer) {
                Some(Value::String(text)) => Bytes::copy_from_slice(text.as_bytes()),
                Some(value) => value.to_string().into(),
                None => return Err(format!("the record has nothing at `{pointer}`")),
            },
        };
        Ok((name.clone(), content))
    }
}

/// What is wrong with a name, which may come from anybody. `whole` is its length with what stands in front of it.
fn check(name: &str, whole: usize) -> Result<(), String> {
    let is_hostile = |part: &str| matches!(part, "" | "." | "..") || part.len() > LONGEST_PART;
    if name.is_empty() {
        Err("is empty".to_owned())
    } else if whole > LONGEST_NAME {
        Err(format!(
            "is too long: {whole} bytes in all, of at most {LONGEST_NAME}"
        ))
    } else if name.chars().any(char::is_control) {
        Err("has characters that cannot be shown".to_owned())
    } else if name.split('/').any(is_hostile) {
        Err(format!(
            "has a part that is empty, `.`, `..` or longer than {LONGEST_PART} bytes"
        ))
    } else {
        Ok(())
    }
}

impl Sink for EachSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut misfits = Vec::new();
        let mut objects = Vec::new();
        let mut last = BTreeMap::new();
        for (index, record) in batch.values.iter().enumerate() {
            match self.object(record) {
                Ok((name, content)) => {
                    last.insert(name.clone(), index);
                    objects.push((index, name, content));
                }
                Err(message) => misfits.push(Misfit { index, message }),
            }
        }
        if self.width > 1 {
            // Side by side they would arrive in any order: the last of a name alone is put.
            objects.retain(|(index, name, _)| last.get(name) == Some(index));
        }
        for (index, put) in self.objects.put_all(objects, self.width) {
            match put {
                Ok(()) => {}
                Err(SinkError::Objects(error)) if error.is_of_the_name() => {
                    let message = format!("the object cannot have this name: {error}");
                    misfits.push(Misfit { index, message });
                }
                Err(error) => return Err(error),
            }
        }
        misfits.sort_by_key(|misfit| misfit.index);
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<Value, SinkError> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn refused(name: &str) -> bool {
        check(name, name.len()).is_err()
    }

    #[test]
    fn a_name_may_be_a_path_in_any_script() {
        for name in [
            "a",
            "exports/7/000.json",
            "größe/日本.json",
            "..a/b..",
            "a b",
        ] {
            assert!(!refused(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            ".",
            "./a",
            "a\u{0}b",
            "a\nb",
        ] {
            assert!(refused(name), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_a_longest_length_with_what_is_in_front_of_it() {
        let name = ["x".repeat(200), "y".repeat(200)].join("/");
        assert!(check(&name, 1024).is_ok());
        assert!(check(&name, 1025).is_err());
        assert!(refused(&"x".repeat(256)), "no file system has such a name");
    }
}
