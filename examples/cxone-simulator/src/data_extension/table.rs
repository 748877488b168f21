//! The records that a data extension holds.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::schema::ExtensionSchema;

#[derive(Debug)]
pub(super) struct Table {
    pub schema: ExtensionSchema,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    records: BTreeMap<String, Map<String, Value>>,
    /// The length of all records as JSON.
    bytes: u64,
    /// Keys of right records that were found wrong by way of a fault: each only once.
    rejected: HashSet<String>,
}

/// The table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Table {
    pub fn new(schema: ExtensionSchema) -> Self {
        Self {
            schema,
            content: Mutex::default(),
        }
    }

    /// Puts a record in the place of the one with the same key.
    pub fn put(&self, key: String, record: Map<String, Value>, limit: u64) -> Result<(), Full> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = content.records.get(&key).map_or(0, length);
        let bytes = content.bytes - replaced + length(&record);
        if bytes > limit {
            return Err(Full);
        }
        content.bytes = bytes;
        content.records.insert(key, record);
        Ok(())
    }

    /// Notes that a record is found wrong by way of a fault; false where it was before.
    pub fn reject_once(&self, key: &str) -> bool {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.rejected.insert(key.into())
    }

    pub fn records(&self) -> Vec<Map<String, Value>> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.records.values().cloned().collect()
    }
}

fn length(record: &Map<String, Value>) -> u64 {
    serde_json::to_vec(record).map_or(0, |json| json.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> Map<String, Value> {
        Map::from_iter([("fullName".into(), name.into())])
    }

    #[test]
    fn a_record_replaces_the_one_with_its_key() {
        let table = Table::new(ExtensionSchema::customer_profiles());
        table.put("1".into(), record("Ann"), 100).unwrap();
        table.put("1".into(), record("Bob"), 100).unwrap();
        assert_eq!(table.records(), [record("Bob")]);
    }

    #[test]
    fn what_is_replaced_no_longer_counts_against_the_limit() {
        let table = Table::new(ExtensionSchema::customer_profiles());
        let limit = length(&record("Ann"));
        table.put("1".into(), record("Ann"), limit).unwrap();
        assert_eq!(table.put("1".into(), record("Bob"), limit), Ok(()));
        assert_eq!(table.put("2".into(), record("Cid"), limit), Err(Full));
    }
}
