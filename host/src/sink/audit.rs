//! An audit log: appended to as records come, made durable at each checkpoint, and cut back to what was committed on recovery.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::appended::AppendedFile;
use super::{Misfit, Sink, SinkError};
use crate::audit::{Chain, file_name, number_of};
use crate::config;
use crate::record::Batch;

/// An audit log.
#[derive(Debug)]
pub(super) struct AuditSink {
    folder: PathBuf,
    maximum_file_bytes: u64,
    position: Position,
    file: AppendedFile,
}

/// Where a log ends, as checkpoints keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The number of the file that is written.
    file: u64,
    /// Its length, bytes.
    length: u64,
    /// The end of the chain.
    #[serde(flatten)]
    pub(crate) chain: Chain,
}

impl AuditSink {
    pub(super) fn open(
        name: &str,
        options: &config::AuditSink,
        position: Option<&serde_json::Value>,
    ) -> Result<Self, SinkError> {
        let folder = options.folder.value.clone();
        let known = position.map(Position::deserialize).transpose();
        let known = known.map_err(|_| SinkError::Position {
            sink: name.to_owned(),
        })?;
        let position = known.unwrap_or(Position {
            file: 1,
            length: 0,
            chain: Chain::default(),
        });
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| SinkError::File { path, error }
        };
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        if known.is_none() {
            refuse_another(&folder)?;
        }
        // What was begun after the checkpoint that counts.
        for number in numbers(&folder).map_err(failed(&folder))? {
            if number > position.file {
                let path = folder.join(file_name(number));
                fs::remove_file(&path).map_err(failed(&path))?;
            }
        }
        let path = folder.join(file_name(position.file));
        let file = AppendedFile::open(path, position.length)?;
        Ok(Self {
            folder,
            maximum_file_bytes: options.maximum_file_bytes,
            position,
            file,
        })
    }

    /// The next epoch is written to a file of its own.
    fn begin_file(&mut self) -> Result<(), SinkError> {
        let number = self.position.file + 1;
        let path = self.folder.join(file_name(number));
        self.file = AppendedFile::open(path, 0)?;
        self.position.file = number;
        self.position.length = 0;
        Ok(())
    }
}

/// Nothing in the folder may be taken for a part of a log that is begun.
fn refuse_another(folder: &Path) -> Result<(), SinkError> {
    let failed = |error| SinkError::File {
        path: folder.to_owned(),
        error,
    };
    for number in numbers(folder).map_err(failed)? {
        let path = folder.join(file_name(number));
        let found = fs::metadata(&path).map_err(failed)?.len();
        if found > 0 {
            return Err(SinkError::Exists { path, found });
        }
    }
    Ok(())
}

fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(number_of(&entry?.path()));
    }
    Ok(numbers)
}

impl Sink for AuditSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut misfits = Vec::new();
        let chain = &mut self.position.chain;
        for (index, value) in batch.values.iter().enumerate() {
            if let Err(error) = self.file.append(|buffer| chain.append(value, buffer))? {
                let message = format!("the record is not JSON: {error}");
                misfits.push(Misfit { index, message });
            }
        }
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.position.length = self.file.sync()?;
        let position = self.position;
        if position.length >= self.maximum_file_bytes {
            self.begin_file()?;
        }
        Ok(serde_json::json!(position))
    }
}
