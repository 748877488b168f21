//! What is remembered over a restart, where, and how often it is written. A place to keep checkpoints is one file here and one line in `KINDS`.

mod object_store;

pub use object_store::ObjectStore;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::kind::{self, Kind};
use crate::config::object_place::ObjectUrl;
use crate::config::place::Located;
use crate::config::reader::TableReader;

const DAY: Duration = Duration::from_hours(24);
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_MINIMUM_PAUSE: Duration = Duration::from_secs(30);

/// The checkpoints: `[checkpoint]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Where they are kept, with the options of that kind of place.
    pub store: CheckpointStore,
    /// From one checkpoint's start to the next one's; 60 s by default.
    pub interval: Duration,
    /// The least time between the end of one checkpoint and the start of the next, at most the interval. By default
    /// 30 s, or the interval if that is shorter.
    pub minimum_pause: Duration,
}

/// Where checkpoints are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckpointStore {
    /// An SQLite file; the tables of sqlite sinks and the dead-letter queue are in it too. The default.
    Sqlite {
        /// The file.
        path: Located<PathBuf>,
    },
    /// A folder or bucket of objects, which a process on another machine can go on from.
    Objects(Box<ObjectStore>),
}

const KINDS: &[Kind<CheckpointStore>] = &[
    Kind {
        name: "sqlite",
        read: |table| {
            let path = table.required("path")?;
            Some(CheckpointStore::Sqlite { path })
        },
    },
    Kind {
        name: "object-store",
        read: |table| {
            ObjectStore::read(table)
                .map(Box::new)
                .map(CheckpointStore::Objects)
        },
    },
];

impl Checkpoint {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        let store = kind::read_or(table, KINDS, "sqlite");
        let interval = table.optional_within("interval", Duration::from_millis(10)..=DAY);
        let minimum_pause = table.optional_within("minimum-pause", Duration::ZERO..=DAY);
        let interval = interval.unwrap_or_else(|| table.default(DEFAULT_INTERVAL));
        let minimum_pause = match minimum_pause {
            Some(pause) => {
                if pause.value > interval.value {
                    table.report(pause_longer_than_interval(&pause, &interval));
                }
                pause.value
            }
            None => DEFAULT_MINIMUM_PAUSE.min(interval.value),
        };
        Some(Self {
            store: store?,
            interval: interval.value,
            minimum_pause,
        })
    }

    /// A path that stands on this machine for the place where a pipeline's checkpoints are kept: what belongs beside them is beside it. A bucket is at none,
    /// so that nothing is there.
    #[must_use]
    pub fn local_path(&self, pipeline: &str) -> PathBuf {
        match &self.store {
            CheckpointStore::Sqlite { path } => path.value.clone(),
            CheckpointStore::Objects(objects) => match &objects.place.url.value {
                ObjectUrl::Folder(path) => path.join(pipeline),
                url @ ObjectUrl::S3 { .. } => Path::new("/").join(url.to_string()).join(pipeline),
            },
        }
    }

    /// The SQLite file, if checkpoints are kept in one.
    #[must_use]
    pub fn path(&self) -> Option<&Located<PathBuf>> {
        match &self.store {
            CheckpointStore::Sqlite { path } => Some(path),
            CheckpointStore::Objects(_) => None,
        }
    }
}

fn pause_longer_than_interval(
    pause: &Located<Duration>,
    interval: &Located<Duration>,
) -> Diagnostic {
    Diagnostic::new(
        &code::CONTRADICTION,
        pause.place.clone(),
        "the minimum pause between checkpoints is longer than their interval",
    )
    .found(format!("a pause of {:?}", pause.value))
    .related(
        interval.place.clone(),
        format!("the interval is {:?}", interval.value),
    )
    .help("make `minimum-pause` at most `interval`, or leave it out: it is then 30s or the interval, whichever is shorter")
}
