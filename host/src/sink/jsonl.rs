//! A file of JSON lines. It is appended to as records come, made durable at each checkpoint, and cut back to its committed length on recovery.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Misfit, Sink, SinkError};
use crate::config;
use crate::record::Batch;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// A file of JSON lines.
#[derive(Debug)]
pub(super) struct JsonlSink {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    written: u64,
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
        let committed = match position {
            Some(position) => {
                Position::deserialize(position)
                    .map_err(|_| SinkError::Position {
                        sink: name.to_owned(),
                    })?
                    .length
            }
            None => 0,
        };
        let failed = |error| SinkError::File {
            path: path.clone(),
            error,
        };
        let mut file = create(&path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        if found < committed {
            return Err(SinkError::Shorter {
                path,
                found,
                expected: committed,
            });
        }
        if position.is_none() && found > 0 {
            return Err(SinkError::Exists { path, found });
        }
        file.set_len(committed)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(failed)?;
        Ok(Self {
            path,
            file,
            buffer: Vec::with_capacity(BUFFER),
            written: committed,
        })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.file
            .write_all(&self.buffer)
            .map_err(|error| SinkError::File {
                path: self.path.clone(),
                error,
            })?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
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
            self.buffer.extend_from_slice(value);
            self.buffer.push(b'\n');
            if self.buffer.len() >= BUFFER {
                self.flush()?;
            }
        }
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.flush()?;
        self.file.sync_data().map_err(|error| SinkError::File {
            path: self.path.clone(),
            error,
        })?;
        Ok(serde_json::json!(Position {
            length: self.written
        }))
    }
}
