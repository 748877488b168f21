//! A host of one stage.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::batch::{Batch, Mark, NO_TIMESTAMP};
use crate::{Changes, Entries, Output, Port, Rejection, Runner, Stage};

/// Runs one stage, all of whose outputs are consumed.
pub struct Driver<S: Stage> {
    configuration: String,
    runner: Runner<S>,
    watermark: Option<i64>,
    entries: BTreeMap<Vec<u8>, (u32, Vec<u8>)>,
    received: Vec<Vec<Received>>,
    rejections: Vec<Rejection>,
}

/// A record on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    value: Vec<u8>,
    key: Vec<u8>,
    timestamp: i64,
}

/// A record that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What it holds.
    pub value: Vec<u8>,
    /// Its key; empty on a port that is not keyed.
    pub key: Vec<u8>,
    /// Its event time, milliseconds since the Unix epoch.
    pub timestamp: Option<i64>,
}

impl Sent {
    /// A record with this value, an empty key and no event time.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: value.into(),
            key: Vec::new(),
            timestamp: NO_TIMESTAMP,
        }
    }

    /// A record whose value is the postcard encoding of `value`.
    pub fn postcard(value: &impl serde::Serialize) -> Self {
        match postcard::to_allocvec(value) {
            Ok(value) => Self::new(value),
            Err(error) => panic!("postcard cannot encode the record: {error}"),
        }
    }

    /// With this key.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = key.into();
        self
    }

    /// With this event time, milliseconds since the Unix epoch.
    pub fn timestamp(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self
    }

    pub(super) fn push_to(&self, port: Port, batch: &mut Batch) {
        batch.values.push(&self.value);
        if port.is_keyed() {
            batch.keys.push(&self.key);
        }
        batch.timestamps.push(self.timestamp);
    }
}

impl Received {
    /// The value as text.
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.value) {
            Ok(text) => text,
            Err(error) => panic!("the record is no text: {error}"),
        }
    }

    /// The value decoded from JSON.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> T {
        match serde_json::from_slice(&self.value) {
            Ok(value) => value,
            Err(error) => panic!("{}: {error}", self.value.escape_ascii()),
        }
    }

    /// The value decoded from postcard.
    pub fn postcard<'a, T: Deserialize<'a>>(&'a self) -> T {
        match postcard::from_bytes(&self.value) {
            Ok(value) => value,
            Err(error) => panic!("{}: {error}", self.value.escape_ascii()),
        }
    }

    pub(super) fn from_batch(batch: &Batch, index: usize) -> Self {
        let key = if batch.keys.is_empty() {
            &[]
        } else {
            batch.keys.string(index)
        };
        let timestamp = batch.timestamps[index];
        Self {
            value: batch.values.string(index).to_vec(),
            key: key.to_vec(),
            timestamp: (timestamp != NO_TIMESTAMP).then_some(timestamp),
        }
    }
}

impl<S: Stage> Driver<S> {
    /// A stage with this configuration in JSON.
    ///
    /// # Errors
    /// What the stage finds wrong with the configuration.
    pub fn new(configuration: &str) -> Result<Self, String> {
        Ok(Self {
            configuration: configuration.to_owned(),
            runner: start(configuration)?,
            watermark: None,
            entries: BTreeMap::new(),
            received: vec![Vec::new(); S::OUTPUTS.len()],
            rejections: Vec::new(),
        })
    }

    /// Sends a record to an input.
    pub fn send(&mut self, input: &str, record: Sent) {
        let port = find(S::INPUTS, input);
        let mut batch = Batch::default();
        record.push_to(port, &mut batch);
        self.process(port, &batch);
    }

    /// Moves the watermark, in milliseconds since the Unix epoch.
    pub fn advance(&mut self, watermark: i64) {
        self.watermark = Some(watermark);
        let batch = Batch {
            marks: vec![Mark {
                index: 0,
                watermark,
            }],
            ..Batch::default()
        };
        self.process(S::INPUTS[0], &batch);
    }

    /// Takes what came out of an output since the last time.
    pub fn take(&mut self, output: &str) -> Vec<Received> {
        std::mem::take(&mut self.received[find(S::OUTPUTS, output).index() as usize])
    }

    /// Takes the rejections since the last time.
    pub fn take_rejections(&mut self) -> Vec<Rejection> {
        std::mem::take(&mut self.rejections)
    }

    /// What has become of the state since the last flush; it is kept for [`reload`](Self::reload).
    pub fn flush(&mut self) -> Changes {
        let changes = self.runner.flush();
        assert_eq!(changes.keys.len(), changes.values.len());
        for (key, value) in changes.keys.iter().zip(changes.values.iter()) {
            self.keep(key, S::STATE_VERSIONS.newest(), value);
        }
        for key in changes.forgotten.iter() {
            let known = self.entries.remove(key).is_some();
            assert!(known, "a key was forgotten that was never flushed");
        }
        changes
    }

    /// Keeps an entry as if the stage had flushed it in this version of its state.
    pub fn keep(&mut self, key: &[u8], version: u32, value: &[u8]) {
        self.entries.insert(key.to_vec(), (version, value.to_vec()));
    }

    /// How many keys have state, as of the last flush.
    pub fn remembered(&self) -> usize {
        self.entries.len()
    }

    /// Flushes, drops the instance and goes on with a new one, which was loaded before the flush and catches up with it, as
    /// where a running pipeline changes.
    ///
    /// # Errors
    /// Why the new instance cannot read the state.
    pub fn reload(&mut self) -> Result<(), String> {
        let before = self.kept();
        let changes = self.flush();
        self.runner = start(&self.configuration)?;
        self.runner.load(&before)?;
        self.runner.forget(&changes.keys);
        self.runner.forget(&changes.forgotten);
        self.runner.load(&Entries {
            versions: vec![S::STATE_VERSIONS.newest(); changes.keys.len()],
            keys: changes.keys,
            values: changes.values,
        })?;
        self.restore_watermark();
        Ok(())
    }

    /// Drops the instance with all that was not flushed and goes on with a new one, as after a crash.
    ///
    /// # Errors
    /// Why the new instance cannot read the state.
    pub fn start_again(&mut self) -> Result<(), String> {
        self.runner = start(&self.configuration)?;
        self.runner.load(&self.kept())?;
        self.restore_watermark();
        Ok(())
    }

    fn kept(&self) -> Entries {
        Entries {
            keys: self.entries.keys().collect(),
            versions: self.entries.values().map(|entry| entry.0).collect(),
            values: self.entries.values().map(|entry| &entry.1).collect(),
        }
    }

    fn restore_watermark(&mut self) {
        if let Some(watermark) = self.watermark {
            let batch = Batch {
                marks: vec![Mark {
                    index: 0,
                    watermark,
                }],
                ..Batch::default()
            };
            let output = self.runner.process(0, &batch);
            assert_eq!(
                output,
                Output::default(),
                "a restored watermark leads to nothing new"
            );
        }
    }

    pub(super) fn run(&mut self, port: Port, batch: &Batch) -> Output {
        if let Some(mark) = batch.marks.last() {
            self.watermark = Some(mark.watermark);
        }
        self.runner.process(port.index(), batch)
    }

    fn process(&mut self, port: Port, batch: &Batch) {
        let output = self.run(port, batch);
        for emission in output.emissions {
            let count = emission.records.timestamps.len();
            let records = (0..count).map(|index| Received::from_batch(&emission.records, index));
            self.received[emission.port as usize].extend(records);
        }
        self.rejections.extend(
            output
                .rejections
                .into_iter()
                .map(|refused| refused.rejection),
        );
    }
}

fn start<S: Stage>(configuration: &str) -> Result<Runner<S>, String> {
    let connected: Vec<u32> = S::OUTPUTS.iter().map(|port| port.index()).collect();
    Runner::configure(configuration, &connected)
}

pub(super) fn find(ports: &[Port], name: &str) -> Port {
    match ports.iter().find(|port| port.name() == name) {
        Some(port) => *port,
        None => panic!("there is no port \"{name}\""),
    }
}
