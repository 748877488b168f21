//! A file of JSON lines.

use std::fs;

use serde::{Deserialize, Serialize};

use super::appended::AppendedFile;
use super::{Misfit, Sink, SinkError};
use crate::config;
use crate::record::Batch;

/// A file of JSON lines.
#[derive(Debug)]
pub(super) struct JsonlSink {
    file: AppendedFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    length: u64,
}

impl JsonlSink {
    pub(super) fn open(
        name: &str,
        options: &config::JsonlSink,
        position: Option<&serde_json::Value>,
    ) -> Result<Self, SinkError> {
        let path = options.path.value.clone();
        let known = position.map(Position::deserialize).transpose();
        let known = known.map_err(|_| SinkError::Position {
            sink: name.to_owned(),
        })?;
        let found = fs::metadata(&path).map_or(0, |found| found.len());
        if known.is_none() && found > 0 {
            return Err(SinkError::Exists { path, found });
        }
        let length = known.map_or(0, |known| known.length);
        let file = AppendedFile::open(path, length)?;
        Ok(Self { file })
    }
}

impl Sink for JsonlSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut misfits = Vec::new();
        let breaks = memchr::memchr(b'\n', batch.values.data()).is_some();
        for (index, value) in batch.values.iter().enumerate() {
            if breaks && memchr::memchr(b'\n', value).is_some() {
                let message =
                    "the record holds a line break, so it is not one line of JSON".to_owned();
                misfits.push(Misfit { index, message });
                continue;
            }
            self.file.append(|buffer| {
                buffer.extend_from_slice(value);
                buffer.push(b'\n');
            })?;
        }
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        let length = self.file.sync()?;
        Ok(serde_json::json!(Position { length }))
    }
}
