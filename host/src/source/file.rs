//! Files of lines, plain or packed with gzip. Each file is a partition; it is read once, to its end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::lines::{Line, Lines};
use super::{Partition, Read, ReadBatch, Refused, Scale, SourceError, Unit};
use crate::checkpoint::PartitionCheckpoint;
use crate::config::{Compression, FileSource};
use crate::record::NO_EVENT_TIME;

/// A batch ends when it has so many records, or so many bytes.
const BATCH_RECORDS: usize = 1024;
const BATCH_BYTES: usize = 256 << 10;

/// Bytes at the beginning of a file by which it is known again.
const HEAD: u64 = 64 << 10;

/// A file that is read line by line. Empty lines carry no record and are passed over.
struct LinesOfFile {
    name: String,
    path: PathBuf,
    lines: Lines<Box<dyn io::Read + Send>>,
    identity: Identity,
    records: u64,
    /// Whether offsets are of the file itself, and not of what is packed in it.
    plain: bool,
}

/// By what a file is known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    /// Bytes of the file.
    size: u64,
    /// XXH3 of its first 64 KiB.
    head: u64,
}

#[derive(Serialize, Deserialize)]
struct Position {
    /// Bytes of the lines before, unpacked.
    offset: u64,
    /// Records before.
    records: u64,
    #[serde(flatten)]
    identity: Identity,
}

pub(super) fn open(
    options: &FileSource,
    restored: Option<&BTreeMap<String, PartitionCheckpoint>>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    let longest = usize::try_from(options.maximum_record_bytes.value).unwrap_or(usize::MAX);
    options
        .paths
        .iter()
        .map(|path| {
            let name = path.value.display().to_string();
            let position = restored
                .and_then(|restored| restored.get(&name))
                .map(|known| &known.position);
            let partition =
                LinesOfFile::open(name, &path.value, options.compression, longest, position)?;
            Ok(Box::new(partition) as Box<dyn Partition>)
        })
        .collect()
}

impl LinesOfFile {
    fn open(
        name: String,
        path: &Path,
        compression: Compression,
        longest: usize,
        position: Option<&serde_json::Value>,
    ) -> Result<Self, SourceError> {
        let failed = |error| SourceError::File {
            path: path.to_owned(),
            error,
        };
        let mut file = File::open(path).map_err(failed)?;
        let identity = Identity::of(&mut file).map_err(failed)?;
        let (mut offset, mut records) = (0, 0);
        if let Some(position) = position {
            let changed = |found: String| SourceError::Changed {
                path: path.to_owned(),
                found,
            };
            let position =
                Position::deserialize(position).map_err(|error| changed(error.to_string()))?;
            if position.identity != identity {
                return Err(changed(difference(&position.identity, &identity)));
            }
            (offset, records) = (position.offset, position.records);
        }
        let packed = match compression {
            Compression::Auto => path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("gz")),
            Compression::None => false,
            Compression::Gzip => true,
        };
        let stream = if packed {
            unpack(file, offset)
        } else {
            seek(file, offset)
        }
        .map_err(failed)?;
        let lines = Lines::new(stream, offset, longest);
        Ok(Self {
            name,
            path: path.to_owned(),
            lines,
            identity,
            records,
            plain: !packed,
        })
    }
}

fn seek(mut file: File, offset: u64) -> io::Result<Box<dyn io::Read + Send>> {
    file.seek(SeekFrom::Start(offset))?;
    Ok(Box::new(file))
}

/// What is packed cannot be entered in the middle: everything in front of the offset is unpacked and dropped.
fn unpack(file: File, offset: u64) -> io::Result<Box<dyn io::Read + Send>> {
    let mut stream = MultiGzDecoder::new(io::BufReader::with_capacity(64 << 10, file));
    io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
    Ok(Box::new(stream))
}

fn difference(known: &Identity, found: &Identity) -> String {
    if known.size == found.size {
        return "it begins otherwise".to_owned();
    }
    format!(
        "it had {} bytes then and has {} now",
        known.size, found.size
    )
}

impl Identity {
    /// Reads it, and leaves the file at its start.
    fn of(file: &mut File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let mut head = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut head)?;
        file.rewind()?;
        Ok(Self {
            size,
            head: xxh3_64(&head),
        })
    }
}

impl Partition for LinesOfFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, most: usize) -> Result<Read, SourceError> {
        let mut read = ReadBatch::default();
        let mut bytes = 0;
        let mut ended = false;
        let most = most.min(BATCH_RECORDS);
        while read.batch.len() + read.refused.len() < most && bytes < BATCH_BYTES {
            let line = self.lines.next().map_err(|error| SourceError::File {
                path: self.path.clone(),
                error,
            })?;
            match line {
                Some(Line::Whole([])) => continue,
                Some(Line::Whole(line)) => {
                    bytes += line.len();
                    read.batch.push(line, None, NO_EVENT_TIME);
                }
                Some(Line::TooLong(beginning, length)) => {
                    bytes += beginning.len();
                    read.refused.push(Refused {
                        beginning: beginning.to_vec(),
                        code: "record-too-large",
                        message: format!(
                            "the record has {length} bytes; only the first {} are kept",
                            beginning.len()
                        ),
                    });
                }
                None => {
                    ended = true;
                    break;
                }
            }
        }
        self.records += (read.batch.len() + read.refused.len()) as u64;
        let nothing = read.batch.is_empty() && read.refused.is_empty();
        Ok(if ended && nothing {
            Read::End
        } else {
            Read::Records(read)
        })
    }

    fn position(&self) -> serde_json::Value {
        let (offset, records) = (self.lines.offset(), self.records);
        serde_json::json!(Position {
            offset,
            records,
            identity: self.identity.clone()
        })
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (
            self.lines.offset(),
            self.plain.then_some(self.identity.size),
        )
    }

    fn scale(&self) -> Scale {
        Scale {
            unit: Unit::Bytes,
            origin: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LONGEST: usize = 1 << 10;

    fn read_all(partition: &mut LinesOfFile) -> Vec<String> {
        let mut records = Vec::new();
        while let Read::Records(read) = partition.read(usize::MAX).unwrap() {
            records.extend(
                read.batch
                    .values
                    .iter()
                    .map(|line| String::from_utf8(line.to_vec()).unwrap()),
            );
        }
        records
    }

    fn open(path: &Path, position: Option<&serde_json::Value>) -> Result<LinesOfFile, SourceError> {
        LinesOfFile::open(
            "file".to_owned(),
            path,
            Compression::Auto,
            LONGEST,
            position,
        )
    }

    fn written(name: &str, lines: usize) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let text: String = (0..lines)
            .map(|line| format!("{{\"line\":{line}}}\n\n"))
            .collect();
        let file = File::create(&path).unwrap();
        if name.ends_with(".gz") {
            let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap();
        } else {
            { file }.write_all(text.as_bytes()).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn a_file_goes_on_from_any_position_that_it_gave() {
        for name in ["lines.jsonl", "lines.jsonl.gz"] {
            let (_folder, path) = written(name, 3000);
            let whole = read_all(&mut open(&path, None).unwrap());
            assert_eq!(whole.len(), 3000);
            let mut partition = open(&path, None).unwrap();
            let Read::Records(first) = partition.read(usize::MAX).unwrap() else {
                panic!("there are records")
            };
            let rest = read_all(&mut open(&path, Some(&partition.position())).unwrap());
            assert_eq!(rest, whole[first.batch.len()..], "{name}");
        }
    }

    #[test]
    fn another_file_in_the_same_place_is_refused() {
        let (_folder, path) = written("lines.jsonl", 10);
        let position = open(&path, None).unwrap().position();
        std::fs::write(&path, "{}\n").unwrap();
        let refused = open(&path, Some(&position)).err().unwrap();
        assert_eq!(refused.code(), Code::SOURCE_CHANGED);
    }

    #[test]
    fn a_packed_file_that_was_cut_is_an_error_and_not_the_end() {
        let (_folder, path) = written("lines.jsonl.gz", 3000);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let mut partition = open(&path, None).unwrap();
        let error = loop {
            match partition.read(usize::MAX) {
                Ok(Read::Records(_)) => {}
                other => break other.unwrap_err(),
            }
        };
        assert_eq!(error.code(), Code::SOURCE_UNREADABLE);
    }

    use crate::error::Code;
}
