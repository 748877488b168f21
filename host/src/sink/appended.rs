//! A file that is appended to as records come, made durable at each checkpoint, and cut back to its committed length on recovery.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::SinkError;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// A file whose end is known.
#[derive(Debug)]
pub(super) struct AppendedFile {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    written: u64,
}

impl AppendedFile {
    /// Opens a file, or makes it and the folder that it lies in, to be written from `length` on; what is behind that is cut off.
    pub(super) fn open(path: PathBuf, length: u64) -> Result<Self, SinkError> {
        match open_at(&path, length) {
            Ok(Ok(file)) => Ok(Self {
                path,
                file,
                buffer: Vec::with_capacity(BUFFER),
                written: length,
            }),
            Ok(Err(found)) => Err(SinkError::Shorter {
                path,
                found,
                expected: length,
            }),
            Err(error) => Err(SinkError::File { path, error }),
        }
    }

    /// Appends what `write` puts behind the buffer.
    pub(super) fn append<T>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> Result<T, SinkError> {
        let given = write(&mut self.buffer);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(given)
    }

    /// Makes everything durable that was appended; gives the file's length, bytes.
    pub(super) fn sync(&mut self) -> Result<u64, SinkError> {
        self.flush()?;
        match self.file.sync_data() {
            Ok(()) => Ok(self.written),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        if let Err(error) = self.file.write_all(&self.buffer) {
            return Err(self.failed(error));
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn failed(&self, error: io::Error) -> SinkError {
        SinkError::File {
            path: self.path.clone(),
            error,
        }
    }
}

/// The file from `length` on, or its length if that is less.
fn open_at(path: &Path, length: u64) -> io::Result<Result<File, u64>> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let mut file = options.open(path)?;
    let found = file.metadata()?.len();
    if found < length {
        return Ok(Err(found));
    }
    file.set_len(length)?;
    file.seek(SeekFrom::End(0))?;
    if length == 0 {
        // The name of a new file has to be durable too.
        File::open(folder)?.sync_all()?;
    }
    Ok(Ok(file))
}
