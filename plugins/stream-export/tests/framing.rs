//! Chunks as messages: what a client puts together from them is what the service gave, to the byte.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use stream_export::frame::{Framed, Framing, array};
use stream_export::payload::Compression;

fn records(texts: &[String]) -> Vec<Box<RawValue>> {
    let record = |text: &String| RawValue::from_string(text.clone()).unwrap();
    texts.iter().map(record).collect()
}

fn framed(compression: Compression, limit: usize, records: &[Box<RawValue>]) -> Framed {
    let framing = Framing { compression, limit };
    framing.frames(1_000, records).unwrap()
}

/// The records of a message, uncompressed, as a client gets at them; their checksum holds.
fn opened(message: &[u8]) -> (Value, String) {
    let message: Value = serde_json::from_slice(message).unwrap();
    let data = message["data"].as_str().unwrap();
    let text = if message["encoding"] == "json" {
        data.to_owned()
    } else {
        assert_eq!(message["encoding"], "gzip+base64");
        let mut text = String::new();
        let compressed = STANDARD.decode(data).unwrap();
        GzDecoder::new(&*compressed)
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let digest = Sha256::digest(&text);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(message["checksum"], digest);
    (message, text)
}

#[test]
fn a_message_has_the_five_members_that_clients_expect() {
    let framed = framed(Compression::None, 1_000, &records(&["{\"a\":1.50}".into()]));
    let message = String::from_utf8(framed.frames[0].message.clone()).unwrap();
    // printf '[{"a":1.50}]' | sha256sum
    let checksum = &framed.frames[0].checksum;
    assert_eq!(
        message,
        format!(
            r#"{{"offset":1000,"records":1,"checksum":"{checksum}","encoding":"json","data":"[{{\"a\":1.50}}]"}}"#
        )
    );
    opened(message.as_bytes());
}

#[test]
fn a_chunk_that_is_too_large_is_sent_in_halves() {
    let texts: Vec<String> = (0..8).map(|number| format!("{{\"n\":{number}}}")).collect();
    let one = framed(Compression::None, 10_000, &records(&texts));
    let whole = one.frames[0].message.len();
    let halves = framed(Compression::None, whole - 1, &records(&texts));
    let counts: Vec<(u64, u64)> = halves
        .frames
        .iter()
        .map(|frame| (frame.offset, frame.records))
        .collect();
    assert_eq!(counts, [(1_000, 4), (1_004, 4)]);
}

#[test]
fn a_limit_that_a_message_just_keeps_is_kept() {
    let records = records(&["{\"a\":1}".into()]);
    let bytes = framed(Compression::Gzip, 10_000, &records).frames[0]
        .message
        .len();
    assert_eq!(framed(Compression::Gzip, bytes, &records).frames.len(), 1);
    let oversized = framed(Compression::Gzip, bytes - 1, &records)
        .oversized
        .unwrap();
    assert_eq!((oversized.offset, oversized.bytes), (1_000, bytes));
}

#[test]
fn what_comes_before_a_record_that_is_too_large_is_sent() {
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(500));
    let records = records(&["{}".into(), "{}".into(), "{}".into(), large, "{}".into()]);
    let framed = framed(Compression::None, 300, &records);
    assert_eq!(framed.oversized.unwrap().offset, 1_003);
    let sent: u64 = framed.frames.iter().map(|frame| frame.records).sum();
    assert_eq!(sent, 3);
}

#[test]
fn the_same_records_are_compressed_to_the_same_bytes() {
    let records = records(&["{\"a\":1}".into(), "{\"b\":2}".into()]);
    let message = || {
        framed(Compression::Gzip, 10_000, &records).frames[0]
            .message
            .clone()
    };
    assert_eq!(message(), message());
    let (message, _) = opened(&message());
    let compressed = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
    assert_eq!(compressed[4..8], [0; 4], "no time");
    assert_eq!(compressed[9], 255, "no system");
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let record = ("\\PC{0,30}", any::<i64>()).prop_map(|(text, number)| {
        let text = Value::from(text);
        format!("{{ \"text\": {text}, \"number\" : {number} , \"fraction\": 1.10 }}")
    });
    proptest::collection::vec(record, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn all_messages_together_are_the_records(texts in texts(), gzip: bool, limit in 400_usize..4_000) {
        let compression = if gzip { Compression::Gzip } else { Compression::None };
        let records = records(&texts);
        let framed = framed(compression, limit, &records);
        prop_assert_eq!(framed.oversized, None);
        let mut joined: Vec<String> = Vec::new();
        for frame in &framed.frames {
            prop_assert!(frame.message.len() <= limit);
            prop_assert_eq!(frame.offset, 1_000 + joined.len() as u64);
            let (message, text) = opened(&frame.message);
            prop_assert_eq!(text.len() as u64, frame.uncompressed);
            let piece: Vec<Box<RawValue>> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&message["records"], piece.len());
            joined.extend(piece.iter().map(|record| record.get().to_owned()));
        }
        prop_assert_eq!(joined, texts);
    }

    #[test]
    fn nothing_is_lost_in_front_of_what_is_too_large(texts in texts(), limit in 1_usize..600) {
        let records = records(&texts);
        let framed = framed(Compression::None, limit, &records);
        let sent: u64 = framed.frames.iter().map(|frame| frame.records).sum();
        match framed.oversized {
            None => prop_assert_eq!(sent, texts.len() as u64),
            Some(oversized) => prop_assert_eq!(oversized.offset, 1_000 + sent),
        }
        let mut rest = &records[..];
        for frame in &framed.frames {
            let (chunk, after) = rest.split_at(frame.records as usize);
            prop_assert_eq!(opened(&frame.message).1, array(chunk));
            rest = after;
        }
    }
}
