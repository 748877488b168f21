//! What drives a stage: the contract with the host in plain Rust, so that it runs natively as well as in the sandbox.

use crate::batch::{Batch, Column};
use crate::configuration;
use crate::context::Context;
use crate::emission::ports::OutputPorts;
use crate::port::in_order;
use crate::state::KeyedStore;
use crate::{Port, Record, Rejection, Stage};

/// A configured stage with its state.
///
/// The order of calls is that of the contract: [`configure`](Self::configure), [`load`](Self::load) and
/// [`forget`](Self::forget) as often as it takes, then [`process`](Self::process) and [`flush`](Self::flush).
pub struct Runner<S: Stage> {
    stage: S,
    store: KeyedStore<S::State>,
    outputs: OutputPorts,
    late_output: Option<Port>,
    watermark: i64,
    /// The key of the timer that is firing: the stage may change the slot that it stands in.
    timer_key: Vec<u8>,
}

/// What a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Where records come from.
    pub inputs: &'static [Port],
    /// Where records go to.
    pub outputs: &'static [Port],
    /// The version of the state that it writes.
    pub state_version: u32,
    /// The oldest version of state that it reads.
    pub oldest_state_version: u32,
    /// The JSON Schema of its configuration.
    pub configuration: String,
}

/// State as the host keeps it, in columns of equal length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// The keys.
    pub keys: Column,
    /// The state version that each value was written in.
    pub versions: Vec<u32>,
    /// The values.
    pub values: Column,
}

/// What has become of the state since the last flush.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys whose state is new or has changed, rising.
    pub keys: Column,
    /// Their state.
    pub values: Column,
    /// Keys of which nothing is left, rising.
    pub forgotten: Column,
}

/// What a batch has led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// What was emitted, by rising index of the output; nothing of an output that has no record.
    pub emissions: Vec<Emission>,
    /// The records that the stage refused, by rising index.
    pub rejections: Vec<Refused>,
}

/// What a batch has led to on one output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emission {
    /// The index of the output.
    pub port: u32,
    /// The records, and between them the marks of the input.
    pub records: Batch,
    /// For each record the position in the input of what it was made from: a record's, or the index of the mark that made a
    /// timer due. Never falling.
    pub origins: Vec<u32>,
}

/// A record that the stage refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which one of the batch.
    pub index: u32,
    /// Why.
    pub rejection: Rejection,
}

impl<S: Stage> Runner<S> {
    const PORTS_IN_ORDER: () = assert!(
        in_order(S::INPUTS) && in_order(S::OUTPUTS),
        "the index of every port has to be its place among the inputs or outputs"
    );

    /// What the stage is.
    pub fn describe() -> Description {
        Description {
            inputs: S::INPUTS,
            outputs: S::OUTPUTS,
            state_version: S::STATE_VERSIONS.newest(),
            oldest_state_version: S::STATE_VERSIONS.oldest(),
            configuration: configuration::schema::<S::Configuration>(),
        }
    }

    /// Makes a stage of its configuration in JSON; `connected` are the outputs, by index, that the pipeline consumes.
    ///
    /// # Errors
    /// What is wrong with the configuration, for the reader of the manifest.
    pub fn configure(configuration: &str, connected: &[u32]) -> Result<Self, String> {
        const { (Self::PORTS_IN_ORDER, S::STATE_VERSIONS.newest()) };
        let configuration =
            serde_json::from_str(configuration).map_err(|error| error.to_string())?;
        Ok(Self {
            stage: S::new(configuration)?,
            store: KeyedStore::new(),
            outputs: OutputPorts::new(S::OUTPUTS, connected),
            late_output: S::OUTPUTS
                .iter()
                .copied()
                .find(|port| port.name() == "late"),
            watermark: i64::MIN,
            timer_key: Vec::new(),
        })
    }

    /// Takes over state.
    ///
    /// # Errors
    /// Which entry cannot be read, and why. The stage is not to be used then.
    pub fn load(&mut self, entries: &Entries) -> Result<(), String> {
        let count = entries.keys.len();
        if entries.values.len() != count || entries.versions.len() != count {
            return Err("the columns of the entries are not of equal length".to_owned());
        }
        self.store.reserve(count);
        for index in 0..count {
            let (key, version) = (entries.keys.string(index), entries.versions[index]);
            self.load_entry(key, version, entries.values.string(index))
                .map_err(|reason| {
                    format!(
                        "state of key \"{}\" (version {version}): {reason}",
                        key.escape_ascii()
                    )
                })?;
        }
        Ok(())
    }

    fn load_entry(&mut self, key: &[u8], version: u32, value: &[u8]) -> Result<(), String> {
        let place = self.store.load(key, value, version, &S::STATE_VERSIONS)?;
        let state = self.store.state(place);
        state.map_or(Ok(()), |state| self.stage.loaded(state))
    }

    /// Drops what was loaded of these keys, as if it had never been: they were forgotten since, or are loaded again after it.
    /// Keys of which nothing was loaded are passed over.
    pub fn forget(&mut self, keys: &Column) {
        for key in keys.iter() {
            if let Some(state) = self.store.unload(key) {
                self.stage.unloaded(&state);
            }
        }
    }

    /// Works on the records of input `input` and the marks between them.
    ///
    /// # Panics
    /// If there is no such input, the columns of the batch do not fit each other, or the stage fails at a timer.
    pub fn process(&mut self, input: u32, batch: &Batch) -> Output {
        let port = S::INPUTS[input as usize];
        let count = batch.timestamps.len();
        self.outputs.begin(count);
        let mut rejections = Vec::new();
        let mut next = 0;
        for mark in &batch.marks {
            let until = mark.index as usize;
            self.work_on(port, batch, next..until, &mut rejections);
            self.outputs.set_origin(mark.index);
            self.advance(mark.watermark);
            self.outputs.mark(mark.watermark);
            next = until;
        }
        self.work_on(port, batch, next..count, &mut rejections);
        Output {
            emissions: self.outputs.finish(count),
            rejections,
        }
    }

    fn work_on(
        &mut self,
        port: Port,
        batch: &Batch,
        records: std::ops::Range<usize>,
        rejections: &mut Vec<Refused>,
    ) {
        for index in records {
            // A batch has as many records as its `ends` of 32 bits can count.
            let position = index as u32;
            self.outputs.set_origin(position);
            let key = if port.is_keyed() {
                batch.keys.string(index)
            } else {
                &[]
            };
            let timestamp = batch.timestamps[index];
            let record = Record {
                port,
                value: batch.values.string(index),
                key,
                timestamp,
            };
            let place = (key, timestamp, self.watermark);
            let mut context = Context::new(
                &mut self.store,
                &mut self.outputs,
                self.late_output,
                place,
                None,
            );
            let result = self.stage.process(record, &mut context);
            if let Some(place) = context.into_place() {
                self.store.settle(place);
            }
            if let Err(rejection) = result {
                rejections.push(Refused {
                    index: position,
                    rejection,
                });
            }
        }
    }

    fn advance(&mut self, watermark: i64) {
        let mut due = std::mem::take(self.store.due_mut());
        while let Some(time) = self.store.take_due(watermark, &mut due) {
            for place in due.iter().copied() {
                if self.store.take_timer(place, time) {
                    self.fire(place, time);
                }
            }
        }
        *self.store.due_mut() = due;
        self.watermark = self.watermark.max(watermark);
    }

    fn fire(&mut self, place: crate::state::Place, time: i64) {
        self.timer_key.clear();
        self.timer_key
            .extend_from_slice(self.store.key(place).bytes());
        let at = (self.timer_key.as_slice(), time, time);
        let mut context = Context::new(
            &mut self.store,
            &mut self.outputs,
            self.late_output,
            at,
            Some(place),
        );
        if let Err(rejection) = self.stage.on_timer(time, &mut context) {
            let key = self.timer_key.escape_ascii();
            panic!("the timer of key \"{key}\" at {time} failed: {rejection}");
        }
        self.store.settle(place);
    }

    /// Every entry that changed since the last flush.
    ///
    /// # Panics
    /// If a state cannot be encoded by postcard, which is a fault of its `Serialize`.
    pub fn flush(&mut self) -> Changes {
        match self.store.flush() {
            Ok(changes) => changes,
            Err(error) => panic!("the state cannot be encoded: {error}"),
        }
    }
}
