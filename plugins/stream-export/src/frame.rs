//! Chunks as messages: document 004, step 3.
//!
//! A message is sent whole or not at all, and says what a client needs to check it and to go on behind it. A chunk whose message would be larger than the client allows
//! is sent in several. The limit is that of the message as it is sent, since that is what a gateway measures.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::payload::Compression;

/// How chunks become messages.
#[derive(Clone, Copy, Debug)]
pub struct Framing {
    /// How records are written.
    pub compression: Compression,
    /// The largest message, in bytes.
    pub limit: usize,
}

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The number of its first record.
    pub offset: u64,
    /// How many records it has.
    pub records: u64,
    /// The SHA-256 of the records, uncompressed, in lower-case hexadecimal.
    pub checksum: String,
    /// The records, uncompressed, in bytes.
    pub uncompressed: u64,
    /// The message.
    pub message: Vec<u8>,
}

/// The messages of a chunk, up to a record that fits into none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Framed {
    /// In the order of their records.
    pub frames: Vec<Frame>,
    /// The record that they end in front of.
    pub oversized: Option<Oversized>,
}

/// A record that is larger than a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oversized {
    /// Its number.
    pub offset: u64,
    /// How large its message would be, in bytes.
    pub bytes: usize,
}

/// A message as the client reads it.
#[derive(Serialize)]
struct Message<'a> {
    offset: u64,
    records: u64,
    checksum: &'a str,
    encoding: &'a str,
    data: &'a str,
}

impl Framing {
    /// Makes messages of the records from `offset` on, each as large as halving the chunk comes to.
    ///
    /// # Errors
    /// None in practice: writing to memory does not fail.
    pub fn frames(&self, mut offset: u64, mut records: &[Box<RawValue>]) -> io::Result<Framed> {
        let mut framed = Framed::default();
        let mut count = records.len();
        while !records.is_empty() {
            count = count.min(records.len());
            let (piece, rest) = records.split_at(count);
            let frame = self.frame(offset, piece)?;
            let bytes = frame.message.len();
            if bytes <= self.limit {
                offset += frame.records;
                records = rest;
                framed.frames.push(frame);
            } else if count > 1 {
                count = count.div_ceil(2);
            } else {
                framed.oversized = Some(Oversized { offset, bytes });
                break;
            }
        }
        Ok(framed)
    }

    /// One message, however large.
    fn frame(&self, offset: u64, records: &[Box<RawValue>]) -> io::Result<Frame> {
        let text = array(records);
        let checksum = hexadecimal(&Sha256::digest(&text));
        let compressed;
        let (encoding, data) = match self.compression {
            Compression::Gzip => {
                compressed = STANDARD.encode(gzip(text.as_bytes())?);
                ("gzip+base64", compressed.as_str())
            }
            Compression::None => ("json", text.as_str()),
        };
        let message = serde_json::to_vec(&Message {
            offset,
            records: records.len() as u64,
            checksum: &checksum,
            encoding,
            data,
        })?;
        Ok(Frame {
            offset,
            records: records.len() as u64,
            checksum,
            uncompressed: text.len() as u64,
            message,
        })
    }
}

/// A JSON array of records, each as the service wrote it.
pub fn array(records: &[Box<RawValue>]) -> String {
    let length: usize = records.iter().map(|record| record.get().len() + 1).sum();
    let mut text = String::with_capacity(length + 2);
    text.push('[');
    for (place, record) in records.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(record.get());
    }
    text.push(']');
    text
}

/// The same bytes for the same input, always: the header has neither a time nor the name of a system (RFC 1952, section 2.3).
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}
