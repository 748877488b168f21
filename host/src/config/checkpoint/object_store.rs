//! Checkpoints in an object store, which a process on another machine can go on from.

use crate::config::object_place::ObjectPlace;
use crate::config::reader::TableReader;

const DEFAULT_RETAIN: u32 = 10;
const MOST_RETAINED: u32 = 1000;

/// The options of `type = "object-store"`.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectStore {
    /// Where they are kept. Pipelines can share it: each has a folder of its own there.
    pub place: ObjectPlace,
    /// How many checkpoints are kept; 10 by default.
    pub retain: u32,
}

impl ObjectStore {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let place = ObjectPlace::read(table);
        let retain = table.optional_within("retain", 1..=MOST_RETAINED);
        Some(Self {
            place: place?,
            retain: retain.map_or(DEFAULT_RETAIN, |retain| retain.value),
        })
    }
}
