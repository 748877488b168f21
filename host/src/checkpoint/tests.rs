//! What every store does, whatever it is made of.

mod decisions;
mod fencing;
mod letters;
mod model;
mod outbox;
mod places;
mod state;

use std::path::Path;

use super::{Checkpoint, DeadLetter, Finality, Location, Store, StoreError};
use crate::connection::Services;
use crate::plugin::Changes;

/// The pipeline of all tests.
const PIPELINE: &str = "orders";

/// A place for checkpoints, which goes away with its test.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) location: Location,
    pub(super) services: Services,
}

impl Place {
    fn of(location: impl FnOnce(&Path) -> Location) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            location: location(folder.path()),
            services: Services::new().unwrap(),
            folder,
        }
    }

    pub(super) fn sqlite() -> Self {
        Self::of(|folder| Location::Sqlite(folder.join("orders.db")))
    }

    pub(super) fn objects() -> Self {
        Self::of(|folder| Location::folder(folder.join("objects"), 3))
    }

    pub(super) fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&self.location, PIPELINE, None, &self.services)
    }

    pub(super) fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    pub(super) fn open_read_only(&self) -> Result<Store, StoreError> {
        Store::open_read_only(&self.location, PIPELINE, None, &self.services)
    }
}

/// Runs a test against each kind of store.
macro_rules! for_each_store {
    ($($name:ident)+) => {
        mod sqlite {
            use crate::checkpoint::tests::Place;
            $(#[test] fn $name() { super::$name(&Place::sqlite()); })+
        }
        mod objects {
            use crate::checkpoint::tests::Place;
            $(#[test] fn $name() { super::$name(&Place::objects()); })+
        }
    };
}
use for_each_store;

fn checkpoint(epoch: u64) -> Checkpoint {
    Checkpoint {
        epoch,
        taken_at: 1000 + epoch.cast_signed(),
        ..Checkpoint::default()
    }
}

fn changes(kept: &[(&str, &str)], forgotten: &[&str]) -> Changes {
    let mut changes = Changes::default();
    for (key, value) in kept {
        changes.keys.push(key.as_bytes());
        changes.values.push(value.as_bytes());
    }
    for key in forgotten {
        changes.forgotten.push(key.as_bytes());
    }
    changes
}

/// Ends an epoch in which one stage has changed what it remembers.
fn commit(
    store: &mut Store,
    epoch: u64,
    finality: Finality,
    kept: &[(&str, &str)],
    forgotten: &[&str],
) -> Result<(), StoreError> {
    let changes = [("count".to_owned(), 1, changes(kept, forgotten))];
    store.commit(&checkpoint(epoch), &changes, finality)
}

/// What a stage remembers, by key.
fn remembered(store: &Store, stage: &str) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    store
        .entries(stage, |entry| {
            entries.push((text(&entry.key), text(&entry.value)));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    entries.sort();
    entries
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn letter(record: &str) -> DeadLetter {
    DeadLetter {
        stage: "parse".to_owned(),
        port: "lines".to_owned(),
        code: "not-json".to_owned(),
        message: "expected a value".to_owned(),
        record: record.as_bytes().to_vec(),
        key: None,
        timestamp: 5,
        plugin: "5f".to_owned(),
        backtrace: None,
        state: None,
    }
}
