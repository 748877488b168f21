//! The records of an epoch, one a line, as one object or several: `PIPELINE[/TASK]/SINK/data/EPOCH-PART.jsonl`.
//!
//! An object is put when it is full or the epoch ends, so before it is known whether the epoch will be committed. Its name has the number of the epoch, which is used once:
//! nobody ever writes over an object, not even a process that was taken for dead. Which objects count is therefore said apart, when it is so: `committed/EPOCH.json` names
//! those of a committed epoch, and is put with the next checkpoint, or at the next start. What an attempt left behind that came to nothing is named there never, and removed at
//! the next start.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::store::Objects;
use crate::config::ObjectCompression;
use crate::pipeline::epoch::EpochClock;
use crate::record::Batch;
use crate::sink::{Misfit, Opening, Sink, SinkError};

/// A sink of lines.
pub(super) struct LinesSink {
    objects: Objects,
    /// `PIPELINE[/TASK]/SINK`.
    folder: String,
    compression: ObjectCompression,
    maximum_object_bytes: u64,
    epoch: Arc<EpochClock>,
    /// The last epoch that has objects.
    last: Option<Epoch>,
    /// Whether it is committed, and nobody has been told.
    is_told: bool,
    is_opened: bool,
    part: Part,
    /// Objects of the epoch that is under way.
    put: Vec<Object>,
}

/// An epoch with its objects, as checkpoints keep it and as readers are told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Epoch {
    epoch: u64,
    objects: Vec<Object>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Object {
    /// In the folder `data`.
    name: String,
    records: u64,
    bytes: u64,
}

/// An object in the making.
enum Part {
    Plain(Vec<u8>, u64),
    Gzip(GzEncoder<Vec<u8>>, u64),
}

impl LinesSink {
    pub(super) fn new(
        objects: Objects,
        compression: ObjectCompression,
        maximum_object_bytes: u64,
        opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        let last = opening.position.map(Epoch::deserialize).transpose();
        let last = last.map_err(|_| SinkError::Position {
            sink: opening.name.to_owned(),
        })?;
        let folder = match opening.task {
            Some(task) => format!("{}/{task}/{}", opening.pipeline, opening.name),
            None => format!("{}/{}", opening.pipeline, opening.name),
        };
        Ok(Self {
            objects,
            folder,
            compression,
            maximum_object_bytes,
            epoch: Arc::clone(opening.epoch),
            last,
            is_told: false,
            is_opened: false,
            part: Part::new(compression),
            put: Vec::new(),
        })
    }

    /// The first look at the store is taken by the sink's own thread, which may wait for it.
    fn open(&mut self) -> Result<(), SinkError> {
        if self.is_opened {
            return Ok(());
        }
        let data = format!("{}/data", self.folder);
        match &self.last {
            None => {
                if let Some((name, found)) = self.objects.list(&data, None)?.pop() {
                    let path = PathBuf::from(self.objects.place_of(&format!("{data}/{name}")));
                    return Err(SinkError::Exists { path, found });
                }
            }
            Some(last) => {
                self.objects.remove_unfinished(&data)?;
                // Behind every part of the last epoch that counts: digits come before letters.
                let after = format!("{:012}-x", last.epoch);
                for (name, _) in self.objects.list(&data, Some(&after))? {
                    if epoch_of(&name).is_some_and(|epoch| epoch < self.epoch.epoch()) {
                        self.objects.remove(&format!("{data}/{name}"))?;
                    }
                }
            }
        }
        self.is_opened = true;
        self.tell()
    }

    /// Tells readers of the last epoch, which is committed by now.
    fn tell(&mut self) -> Result<(), SinkError> {
        if let Some(last) = &self.last
            && !last.objects.is_empty()
            && !self.is_told
        {
            let name = format!("{}/committed/{:012}.json", self.folder, last.epoch);
            let told = serde_json::json!(last).to_string();
            self.objects.put_now(&name, &told.into())?;
        }
        self.is_told = true;
        Ok(())
    }

    /// Puts the object in the making.
    fn put_part(&mut self) -> Result<(), SinkError> {
        let part = std::mem::replace(&mut self.part, Part::new(self.compression));
        let (bytes, records) = part.finish();
        if records == 0 {
            return Ok(());
        }
        let number = self.put.len() + 1;
        let extension = match self.compression {
            ObjectCompression::None => "jsonl",
            ObjectCompression::Gzip => "jsonl.gz",
        };
        let name = format!("{:012}-{number:06}.{extension}", self.epoch.epoch());
        let whole = format!("{}/data/{name}", self.folder);
        self.objects.put_now(&whole, &bytes)?;
        self.put.push(Object {
            name,
            records,
            bytes: bytes.len() as u64,
        });
        Ok(())
    }
}

/// The epoch of an object that was named by a sink of this kind.
fn epoch_of(name: &str) -> Option<u64> {
    name.split_once('-')?.0.parse().ok()
}

impl Part {
    fn new(compression: ObjectCompression) -> Self {
        match compression {
            ObjectCompression::None => Self::Plain(Vec::new(), 0),
            ObjectCompression::Gzip => Self::Gzip(
                GzEncoder::new(Vec::new(), flate2::Compression::default()),
                0,
            ),
        }
    }

    fn push(&mut self, record: &[u8]) {
        match self {
            Self::Plain(bytes, records) => {
                bytes.extend_from_slice(record);
                bytes.push(b'\n');
                *records += 1;
            }
            Self::Gzip(encoder, records) => {
                // A vector takes everything.
                let _ = encoder.write_all(record);
                let _ = encoder.write_all(b"\n");
                *records += 1;
            }
        }
    }

    /// Its size so far, bytes.
    fn len(&self) -> u64 {
        match self {
            Self::Plain(bytes, _) => bytes.len() as u64,
            Self::Gzip(encoder, _) => encoder.get_ref().len() as u64,
        }
    }

    fn finish(self) -> (Bytes, u64) {
        match self {
            Self::Plain(bytes, records) => (bytes.into(), records),
            // As above.
            Self::Gzip(encoder, records) => (encoder.finish().unwrap_or_default().into(), records),
        }
    }
}

impl Sink for LinesSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        self.open()?;
        let mut misfits = Vec::new();
        for (index, record) in batch.values.iter().enumerate() {
            if memchr::memchr(b'\n', record).is_some() {
                let message =
                    "the record holds a line break, so it is not one line of JSON".to_owned();
                misfits.push(Misfit { index, message });
                continue;
            }
            self.part.push(record);
            if self.part.len() >= self.maximum_object_bytes {
                self.put_part()?;
            }
        }
        Ok(misfits)
    }

    fn flush_at(&self) -> Option<Instant> {
        (!self.is_opened).then(Instant::now)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.open()
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.open()?;
        self.tell()?;
        self.put_part()?;
        if !self.put.is_empty() {
            self.last = Some(Epoch {
                epoch: self.epoch.epoch(),
                objects: std::mem::take(&mut self.put),
            });
            self.is_told = false;
        }
        Ok(serde_json::json!(self.last.clone().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_by_their_epoch() {
        assert_eq!(epoch_of("000000000042-000001.jsonl.gz"), Some(42));
        assert_eq!(epoch_of("notes.txt"), None);
        assert!(*"000000000042-000001.jsonl" < *"000000000042-x");
        assert!(*"000000000042-x" < *"000000000043-000001.jsonl");
    }

    #[test]
    fn a_part_is_the_lines_that_were_pushed() {
        for compression in [ObjectCompression::None, ObjectCompression::Gzip] {
            let mut part = Part::new(compression);
            part.push(b"{}");
            part.push(b"[]");
            let (bytes, records) = part.finish();
            let mut text = String::new();
            match compression {
                ObjectCompression::None => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                ObjectCompression::Gzip => {
                    let mut decoder = flate2::read::GzDecoder::new(&*bytes);
                    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
                }
            }
            assert_eq!((text.as_str(), records), ("{}\n[]\n", 2));
        }
    }
}
