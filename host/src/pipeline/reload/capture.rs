//! Real batches with the state that they met, in a file: to look at what a version makes of them without a pipeline.
//!
//! A file holds everything that an instance's outputs follow from: the state at a checkpoint, the watermark, and the batches behind it in their order; and what the running version
//! made of them. It holds the records of customers too, and is to be kept accordingly.

mod replay;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

pub use replay::ReplayError;

use super::replica::{StateChanges, StateSource};
use super::tap::{Copy, Outlet};
use crate::checkpoint::{Store, StoreError};
use crate::pipeline::plan::Plan;
use crate::record::{Batch, Column, Mark};

/// What a file begins with.
const MAGIC: &[u8] = b"jackfield capture 1\n";

/// Bytes of state that are captured at most, of all stages together.
const MOST_STATE: usize = 512 << 20;

/// Bytes of batches that are captured at most: they wait in the host's memory until they are written.
const MOST_BATCHES: usize = 256 << 20;

/// Bytes of a file, unpacked, that are read at most.
const MOST_READ: u64 = 2 << 30;

/// What is to be captured.
#[derive(Debug)]
pub struct Wanted {
    /// Of these stages; of all, if none is named.
    pub stages: Vec<String>,
    /// Records in all.
    pub records: u64,
    /// For no longer than this.
    pub duration: Duration,
    /// Where it goes.
    pub reply: Sender<Result<Capture, String>>,
}

impl Wanted {
    /// Says why it comes to nothing.
    pub(in crate::pipeline) fn refuse(&self, reason: &str) {
        // One who does not wait any more needs no answer.
        let _ = self.reply.send(Err(reason.to_owned()));
    }
}

/// Batches of some stages, and the state that they met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// The pipeline.
    pub pipeline: String,
    /// When the first of them was worked on, milliseconds since the Unix epoch.
    pub taken_at: i64,
    /// By stage.
    pub stages: Vec<CapturedStage>,
}

/// Batches of a stage, and the state that they met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapturedStage {
    /// The stage.
    pub name: String,
    /// SHA-256 of the plugin that worked on them.
    pub digest: String,
    /// Its configuration, JSON.
    pub configuration: String,
    connected: Vec<u32>,
    /// Bytes of memory, and milliseconds of CPU time a call.
    limits: (u64, u64),
    workers: usize,
    plugin: (String, String),
    outputs: Vec<(String, bool)>,
    state: Vec<(Vec<u8>, u32, Vec<u8>)>,
    batches: Vec<CapturedBatch>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CapturedBatch {
    worker: usize,
    input: usize,
    records: FlatBatch,
    emissions: Vec<(usize, FlatBatch, Vec<u32>)>,
    rejections: Vec<(usize, String)>,
    cpu_nanos: u64,
}

/// A batch as plain columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FlatBatch {
    values: (Vec<u8>, Vec<u32>),
    keys: (Vec<u8>, Vec<u32>),
    timestamps: Vec<i64>,
    marks: Vec<(u32, i64)>,
}

/// A file is no capture that can be replayed.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It is something else, or damaged.
    #[error("it is no capture of this version of Jackfield: {0}")]
    Form(String),
}

impl Capture {
    /// Writes a file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, mut to: impl Write) -> Result<(), CaptureError> {
        to.write_all(MAGIC)?;
        let packed =
            postcard::to_stdvec(self).map_err(|error| CaptureError::Form(error.to_string()))?;
        let mut encoder = GzEncoder::new(to, Compression::fast());
        encoder.write_all(&packed)?;
        encoder.finish()?.flush()?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CaptureError`] where it is not one, or too large.
    pub fn read(mut from: impl Read) -> Result<Self, CaptureError> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)
            .map_err(|_| CaptureError::Form("it is too short".to_owned()))?;
        if magic != MAGIC {
            return Err(CaptureError::Form("it begins otherwise".to_owned()));
        }
        let mut packed = Vec::new();
        GzDecoder::new(from)
            .take(MOST_READ)
            .read_to_end(&mut packed)
            .map_err(|error| CaptureError::Form(error.to_string()))?;
        postcard::from_bytes(&packed).map_err(|error| CaptureError::Form(error.to_string()))
    }
}

/// What stages remember at a checkpoint.
pub(in crate::pipeline) struct Remembered<'a> {
    /// The epoch of the checkpoint.
    pub(in crate::pipeline) epoch: u64,
    pub(in crate::pipeline) source: &'a StateSource,
    /// What the checkpoint has changed, which the store may not hold yet.
    pub(in crate::pipeline) changes: &'a StateChanges,
}

/// Puts copies and the state in front of them together.
pub(in crate::pipeline) fn gather(
    plan: &Plan,
    outlet: &Outlet,
    remembered: &Remembered<'_>,
    (taken_at, duration): (i64, Duration),
    loaded: impl FnOnce(),
) -> Result<Capture, String> {
    let names = |stage: &usize| (*stage, plan.stages[*stage].name.as_str());
    let states = remembered.read(outlet.stages().iter().map(names))?;
    loaded();
    let captured = |(stage, state)| (stage, CapturedStage::of(plan, stage, state));
    let mut stages: BTreeMap<usize, CapturedStage> = states.into_iter().map(captured).collect();
    let until = Instant::now() + duration;
    let mut bytes = 0;
    while let Some(copy) = outlet.next(until.saturating_duration_since(Instant::now())) {
        bytes += copy.bytes();
        if let Some(stage) = stages.get_mut(&copy.site.stage) {
            stage.batches.push(CapturedBatch::of(&copy));
        }
        if bytes >= MOST_BATCHES || Instant::now() >= until {
            break;
        }
    }
    Ok(Capture {
        pipeline: plan.name.clone(),
        taken_at,
        stages: stages.into_values().collect(),
    })
}

type State = BTreeMap<Vec<u8>, (u32, Vec<u8>)>;

impl Remembered<'_> {
    /// Reads what stages remember, unless the pipeline takes a checkpoint meanwhile: it does not by itself, but an attempt that takes the place of this one may.
    fn read<'a>(
        &self,
        stages: impl Iterator<Item = (usize, &'a str)>,
    ) -> Result<BTreeMap<usize, State>, String> {
        let unreadable = |error: StoreError| error.to_string();
        let store = self.source.open().map_err(unreadable)?;
        let mut read = BTreeMap::new();
        let mut room = MOST_STATE;
        for (stage, name) in stages {
            read.insert(stage, state(name, &store, self.changes, &mut room)?);
        }
        // Behind the reading: of a store that changes under it, this is no older than what was read.
        match store.latest().map_err(unreadable)? {
            Some(latest) if latest.epoch > self.epoch => {
                Err("the pipeline went back to its last checkpoint meanwhile; ask again".to_owned())
            }
            _ => Ok(read),
        }
    }
}

/// What a stage remembers, if there is room for it.
fn state(
    stage: &str,
    store: &Store,
    changes: &StateChanges,
    room: &mut usize,
) -> Result<State, String> {
    let mut state = State::new();
    let mut fits = true;
    let read = store.entries(stage, |entry| {
        match room.checked_sub(entry.key.len() + entry.value.len()) {
            Some(left) => {
                *room = left;
                state.insert(entry.key, (entry.version, entry.value));
                ControlFlow::Continue(())
            }
            None => {
                fits = false;
                ControlFlow::Break(())
            }
        }
    });
    read.map_err(|error| error.to_string())?;
    if !fits {
        return Err(format!(
            "with the stage `{stage}`, more than {} MiB of state would be captured: choose stages by `--stage`",
            MOST_STATE >> 20
        ));
    }
    for (_, version, changes) in changes.iter().filter(|(name, _, _)| name == stage) {
        for key in changes.forgotten.iter() {
            state.remove(key);
        }
        for (key, value) in changes.keys.iter().zip(changes.values.iter()) {
            state.insert(key.to_vec(), (*version, value.to_vec()));
        }
    }
    Ok(state)
}

impl CapturedStage {
    fn of(plan: &Plan, stage: usize, state: State) -> Self {
        let connected = plan.consumed_ports(stage);
        let workers = plan.parallelism;
        let plan = &plan.stages[stage];
        let described = plan.component.description();
        let millis = u64::try_from(plan.limits.cpu_time.as_millis()).unwrap_or(u64::MAX);
        let outputs = described.outputs.iter();
        Self {
            name: plan.name.clone(),
            digest: plan.component.digest().to_owned(),
            configuration: plan.configuration.clone(),
            connected,
            limits: (plan.limits.memory, millis),
            workers,
            plugin: (described.name.clone(), described.version.clone()),
            outputs: outputs
                .map(|port| (port.name.clone(), port.keyed))
                .collect(),
            state: state
                .into_iter()
                .map(|(key, (version, value))| (key, version, value))
                .collect(),
            batches: Vec::new(),
        }
    }

    /// Records that it holds.
    #[must_use]
    pub fn records(&self) -> usize {
        self.batches
            .iter()
            .map(|batch| batch.records.timestamps.len())
            .sum()
    }
}

impl CapturedBatch {
    fn of(copy: &Copy) -> Self {
        let emissions = copy.output.emissions.iter().map(|emission| {
            let batch = FlatBatch::of(&emission.batch, &emission.batch.marks);
            (emission.port, batch, emission.origins.clone())
        });
        let rejections = copy.output.rejections.iter();
        Self {
            worker: copy.site.worker,
            input: copy.input,
            records: FlatBatch::of(&copy.batch, &copy.marks),
            emissions: emissions.collect(),
            rejections: rejections
                .map(|rejection| (rejection.index, rejection.code.clone()))
                .collect(),
            cpu_nanos: u64::try_from(copy.cpu_time.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

impl FlatBatch {
    fn of(batch: &Batch, marks: &[Mark]) -> Self {
        let column = |column: &Column| (column.data().to_vec(), column.ends().to_vec());
        Self {
            values: column(&batch.values),
            keys: column(&batch.keys),
            timestamps: batch.timestamps.clone(),
            marks: marks
                .iter()
                .map(|mark| (mark.index, mark.watermark))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Checkpoint, Finality, Location};
    use crate::connection::Services;
    use crate::plugin::Changes;

    fn capture() -> Capture {
        let mut batch = Batch::default();
        batch.push(b"value", Some(b"key"), 7);
        batch.push_mark(6);
        Capture {
            pipeline: "orders".to_owned(),
            taken_at: 1,
            stages: vec![CapturedStage {
                name: "count".to_owned(),
                digest: "d".repeat(64),
                configuration: "{}".to_owned(),
                connected: vec![0],
                limits: (1 << 20, 100),
                workers: 1,
                plugin: ("count".to_owned(), "1".to_owned()),
                outputs: vec![("counts".to_owned(), false)],
                state: vec![(b"key".to_vec(), 1, b"state".to_vec())],
                batches: vec![CapturedBatch {
                    worker: 0,
                    input: 0,
                    records: FlatBatch::of(&batch, &batch.marks),
                    emissions: Vec::new(),
                    rejections: vec![(0, "late".to_owned())],
                    cpu_nanos: 5,
                }],
            }],
        }
    }

    #[test]
    fn what_is_remembered_is_that_of_the_checkpoint_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let source = StateSource {
            location: Location::Sqlite(folder.path().join("orders.db")),
            pipeline: "orders".to_owned(),
            services: Services::new().unwrap(),
        };
        let store = Store::open(&source.location, "orders", None, &source.services);
        let mut store = store.unwrap();
        let (epoch, _) = store.claim().unwrap();
        let mut commit = |epoch, value: &str| {
            let mut changes = Changes::default();
            changes.keys.push(b"key");
            changes.values.push(value.as_bytes());
            let changes = [("count".to_owned(), 1, changes)];
            let checkpoint = Checkpoint {
                epoch,
                ..Checkpoint::default()
            };
            let committed = store.commit(&checkpoint, &changes, Finality::Certain);
            committed.unwrap();
        };
        let mut changes = Changes::default();
        changes.keys.push(b"new");
        changes.values.push(b"1");
        let remembered = Remembered {
            epoch,
            source: &source,
            changes: &vec![("count".to_owned(), 2, changes)],
        };
        commit(epoch, "old");
        let read = remembered.read([(3, "count")].into_iter()).unwrap();
        let expected = [("key", (1, "old")), ("new", (2, "1"))];
        let expected = expected.map(|(key, (version, value))| {
            (
                key.as_bytes().to_vec(),
                (version, value.as_bytes().to_vec()),
            )
        });
        assert_eq!(read, BTreeMap::from([(3, State::from(expected))]));
        commit(epoch + 1, "newer");
        let refused = remembered.read([(3, "count")].into_iter()).unwrap_err();
        assert!(refused.contains("ask again"), "{refused}");
    }

    #[test]
    fn a_capture_is_read_as_it_was_written() {
        let mut file = Vec::new();
        capture().write(&mut file).unwrap();
        assert_eq!(Capture::read(&file[..]).unwrap(), capture());
    }

    #[test]
    fn what_is_no_capture_is_refused_wherever_it_is_cut_or_changed() {
        let mut file = Vec::new();
        capture().write(&mut file).unwrap();
        for length in 0..file.len() {
            assert!(Capture::read(&file[..length]).is_err(), "cut at {length}");
        }
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 0x55;
            // Some bytes of the frame mean nothing; what is read then is what was written.
            if let Ok(read) = Capture::read(&damaged[..]) {
                assert_eq!(read, capture(), "changed at {place}");
            }
        }
    }
}
