//! Batches on their way through a topic, from one task to another.
//!
//! A batch travels as one message, columns and all: a message a record would cost more than the work on it. The form is ours alone and has a version, since messages
//! of an older host may still be in the topic when a newer one reads it.

use super::{Batch, Column, EventTime, Mark};

/// The version of the form; the first byte of a message.
const VERSION: u8 = 1;

const SILENCE: u8 = 0;
const BATCH: u8 = 1;
const KEYED_BATCH: u8 = 2;

/// What a task says to those who read its records through a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whose records they are: a source, or a port of a stage as `STAGE.PORT`.
    pub origin: String,
    /// The task that speaks.
    pub task: String,
    /// How many tasks speak for this origin, as far as this one knows.
    pub tasks: u32,
    /// What it says.
    pub content: Content,
}

/// What a task says of an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Records and marks.
    Batch(Batch),
    /// Nothing for now: no watermark shall wait for it.
    Silence,
}

/// Why bytes are not an envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// They were written by a host that is newer than this one, or by something else.
    #[error("it has version {0}, this host reads version {VERSION}")]
    Version(u8),
    /// They end too early, or go on too long.
    #[error("it is {0}")]
    Length(&'static str),
    /// They contradict themselves.
    #[error("its {0} cannot be true")]
    Content(&'static str),
}

impl Envelope {
    /// As the value of a message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        put_bytes(&mut bytes, self.origin.as_bytes());
        put_bytes(&mut bytes, self.task.as_bytes());
        put_number(&mut bytes, self.tasks);
        match &self.content {
            Content::Silence => bytes.push(SILENCE),
            Content::Batch(batch) => put_batch(&mut bytes, batch),
        }
        bytes
    }

    /// Out of the value of a message.
    ///
    /// # Errors
    /// [`Unreadable`] where it is not what [`encode`](Self::encode) gives.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = Rest(bytes);
        match rest.byte()? {
            VERSION => {}
            other => return Err(Unreadable::Version(other)),
        }
        let envelope = Self {
            origin: rest.text("origin")?,
            task: rest.text("task")?,
            tasks: rest.number()?,
            content: match rest.byte()? {
                SILENCE => Content::Silence,
                BATCH => Content::Batch(rest.batch(false)?),
                KEYED_BATCH => Content::Batch(rest.batch(true)?),
                _ => return Err(Unreadable::Content("kind")),
            },
        };
        if rest.0.is_empty() {
            Ok(envelope)
        } else {
            Err(Unreadable::Length("too long"))
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(bytes: &mut Vec<u8>, content: &[u8]) {
    put_length(bytes, content.len());
    bytes.extend_from_slice(content);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "columns and their data are shorter than 2^32 by construction"
)]
fn put_length(bytes: &mut Vec<u8>, length: usize) {
    put_number(bytes, length as u32);
}

fn put_batch(bytes: &mut Vec<u8>, batch: &Batch) {
    let keyed = !batch.keys.is_empty();
    bytes.push(if keyed { KEYED_BATCH } else { BATCH });
    put_column(bytes, &batch.values);
    if keyed {
        put_column(bytes, &batch.keys);
    }
    for timestamp in &batch.timestamps {
        bytes.extend_from_slice(&timestamp.to_le_bytes());
    }
    put_length(bytes, batch.marks.len());
    for mark in &batch.marks {
        put_number(bytes, mark.index);
        bytes.extend_from_slice(&mark.watermark.to_le_bytes());
    }
}

fn put_column(bytes: &mut Vec<u8>, column: &Column) {
    put_length(bytes, column.len());
    for end in column.ends() {
        put_number(bytes, *end);
    }
    put_bytes(bytes, column.data());
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Unreadable::Length("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Unreadable> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Unreadable::Length("cut short"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u32, Unreadable> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn time(&mut self) -> Result<EventTime, Unreadable> {
        Ok(EventTime::from_le_bytes(self.array()?))
    }

    fn text(&mut self, what: &'static str) -> Result<String, Unreadable> {
        let length = self.number()? as usize;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Unreadable::Content(what))
    }

    /// A number of elements, each of so many bytes, that can still come.
    fn count(&mut self, bytes_each: usize) -> Result<usize, Unreadable> {
        let count = self.number()? as usize;
        if count > self.0.len() / bytes_each {
            return Err(Unreadable::Length("cut short"));
        }
        Ok(count)
    }

    fn column(&mut self) -> Result<Column, Unreadable> {
        let count = self.count(size_of::<u32>())?;
        let ends = (0..count)
            .map(|_| self.number())
            .collect::<Result<_, _>>()?;
        let length = self.number()? as usize;
        let data = self.take(length)?.to_vec();
        Column::from_parts(data, ends).map_err(|_| Unreadable::Content("column"))
    }

    fn batch(&mut self, keyed: bool) -> Result<Batch, Unreadable> {
        let values = self.column()?;
        let keys = if keyed { self.column()? } else { Column::new() };
        let timestamps = (0..values.len())
            .map(|_| self.time())
            .collect::<Result<_, _>>()?;
        let marks = (0..self.count(size_of::<u32>() + size_of::<EventTime>())?)
            .map(|_| {
                let (index, watermark) = (self.number()?, self.time()?);
                Ok(Mark { index, watermark })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let batch = Batch {
            values,
            keys,
            timestamps,
            marks,
        };
        batch
            .check(keyed, &batch.marks)
            .map_err(|_| Unreadable::Content("batch"))?;
        if batch
            .marks
            .windows(2)
            .any(|two| two[1].watermark < two[0].watermark)
        {
            return Err(Unreadable::Content("watermark"));
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(content: Content) -> Envelope {
        Envelope {
            origin: "parse.customers".to_owned(),
            task: "records-3".to_owned(),
            tasks: 4,
            content,
        }
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        batch.push(b"one", Some(b"k1"), 100);
        batch.push_mark(90);
        batch.push(b"", Some(b""), i64::MIN);
        batch.push_mark(i64::MAX);
        batch
    }

    fn every_kind() -> Vec<Envelope> {
        let mut without_keys = Batch::default();
        without_keys.push(b"two", None, 7);
        [
            Content::Silence,
            Content::Batch(batch()),
            Content::Batch(without_keys),
            Content::Batch(Batch::of_mark(5)),
        ]
        .map(envelope)
        .to_vec()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for envelope in every_kind() {
            assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
        }
    }

    #[test]
    fn what_is_cut_short_anywhere_or_too_long_is_refused() {
        for envelope in every_kind() {
            let bytes = envelope.encode();
            for length in 0..bytes.len() {
                assert!(Envelope::decode(&bytes[..length]).is_err(), "{length}");
            }
            assert_eq!(
                Envelope::decode(&[&bytes[..], b"x"].concat()),
                Err(Unreadable::Length("too long"))
            );
        }
    }

    #[test]
    fn no_byte_that_is_changed_makes_it_panic_or_take_memory() {
        for envelope in every_kind() {
            let bytes = envelope.encode();
            for index in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut changed = bytes.clone();
                    changed[index] = value;
                    // Whether it can be told does not matter here.
                    let _ = Envelope::decode(&changed);
                }
            }
        }
    }

    #[test]
    fn a_message_of_a_newer_host_is_told_by_its_version() {
        let mut bytes = envelope(Content::Silence).encode();
        bytes[0] = 2;
        assert_eq!(Envelope::decode(&bytes), Err(Unreadable::Version(2)));
    }

    #[test]
    fn a_watermark_that_falls_is_refused() {
        let mut batch = batch();
        batch.marks[0].watermark = 5;
        batch.marks[1].watermark = 4;
        let bytes = envelope(Content::Batch(batch)).encode();
        assert_eq!(
            Envelope::decode(&bytes),
            Err(Unreadable::Content("watermark"))
        );
    }
}
