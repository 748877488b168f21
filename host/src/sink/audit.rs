//! An audit log: appended to as records come, made durable at each checkpoint, and cut back to what was committed on recovery.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Misfit, Sink, SinkError};
use crate::audit::{Chain, file_name, number_of};
use crate::config;
use crate::record::Batch;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// An audit log.
#[derive(Debug)]
pub(super) struct AuditSink {
    folder: PathBuf,
    maximum_file_bytes: u64,
    position: Position,
    file: File,
    buffer: Vec<u8>,
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
        let file = open_at(&path, position.length)?;
        sync(&folder).map_err(failed(&folder))?;
        Ok(Self {
            folder,
            maximum_file_bytes: options.maximum_file_bytes,
            position,
            file,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(file_name(self.position.file))
    }

    fn write_buffer(&mut self) -> Result<(), SinkError> {
        self.file
            .write_all(&self.buffer)
            .map_err(|error| SinkError::File {
                path: self.path(),
                error,
            })?;
        self.position.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// The next epoch is written to a file of its own.
    fn begin_file(&mut self) -> Result<(), SinkError> {
        self.position.file += 1;
        self.position.length = 0;
        self.file = open_at(&self.path(), 0)?;
        sync(&self.folder).map_err(|error| SinkError::File {
            path: self.folder.clone(),
            error,
        })
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

/// Opens a file to be written from `length` on, and cuts off what is behind that.
fn open_at(path: &Path, length: u64) -> Result<File, SinkError> {
    let failed = |error| SinkError::File {
        path: path.to_owned(),
        error,
    };
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let mut file = options.open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?.len();
    if found < length {
        return Err(SinkError::Shorter {
            path: path.to_owned(),
            found,
            expected: length,
        });
    }
    file.set_len(length)
        .and_then(|()| file.seek(SeekFrom::End(0)))
        .map_err(failed)?;
    Ok(file)
}

/// The names of new files have to be durable too.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl Sink for AuditSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut misfits = Vec::new();
        for (index, value) in batch.values.iter().enumerate() {
            if let Err(error) = self.position.chain.append(value, &mut self.buffer) {
                let message = format!("the record is not JSON: {error}");
                misfits.push(Misfit { index, message });
            }
            if self.buffer.len() >= BUFFER {
                self.write_buffer()?;
            }
        }
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.write_buffer()?;
        self.file.sync_data().map_err(|error| SinkError::File {
            path: self.path(),
            error,
        })?;
        let position = self.position;
        if position.length >= self.maximum_file_bytes {
            self.begin_file()?;
        }
        Ok(serde_json::json!(position))
    }
}
