//! A sync, and how far it has come.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::check::check;
use super::request::SyncRequest;
use super::table::{Full, Table};
use crate::callback::Callback;
use crate::fault::{Consequences, Outcome, Rejected};
use crate::random::Random;

#[derive(Debug)]
pub(super) struct SyncJob {
    pub id: String,
    pub table: Arc<Table>,
    pub request: SyncRequest,
    pub consequences: Consequences,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    total: u64,
    processed: u64,
    rejected: u64,
    errors: Vec<Value>,
    started: Timestamp,
    completed: Option<Timestamp>,
    failed: bool,
}

impl SyncJob {
    pub fn new(
        id: String,
        table: Arc<Table>,
        request: SyncRequest,
        consequences: Consequences,
    ) -> Self {
        Self {
            id,
            table,
            request,
            consequences,
            state: Mutex::new(State {
                started: Timestamp::now(),
                ..State::default()
            }),
        }
    }

    /// What is told of it, by its status and by its callback.
    pub fn description(&self) -> Value {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "syncJobId": self.id,
            "extensionId": self.table.schema.id,
            "status": match (state.completed, state.failed) {
                (None, _) => "RUNNING",
                (Some(_), true) => "FAILED",
                (Some(_), false) => "COMPLETED",
            },
            "progress": {
                "totalRecords": state.total,
                "processedRecords": state.processed,
                "rejectedRecords": state.rejected,
            },
            "errors": state.errors,
            "startedAt": state.started.to_string(),
            "completedAt": state.completed.map(|time| time.to_string()),
        })
    }

    pub fn callback(&self) -> Callback {
        Callback {
            id: self.id.clone(),
            url: self.request.webhook.clone(),
            body: self.description(),
        }
    }

    /// Takes the records of a page in, as far as they are what they should be.
    ///
    /// # Errors
    /// When the table is full.
    pub fn take(&self, records: &[Value], storage_limit: u64) -> Result<(), Full> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            let number = state.total;
            state.total += 1;
            match self.take_one(number, record, storage_limit)? {
                Some(error) => {
                    state.rejected += 1;
                    state.errors.push(error);
                }
                None => state.processed += 1,
            }
        }
        Ok(())
    }

    /// Puts a record into the table, or tells what is wrong with it.
    fn take_one(&self, number: u64, record: &Value, limit: u64) -> Result<Option<Value>, Full> {
        let Some(members) = record.as_object() else {
            let messages = ["the record is not an object"];
            return Ok(Some(malformed(&number.into(), &messages, Map::new())));
        };
        let mapped = self.mapped(members);
        let key = mapped
            .get(self.table.schema.key())
            .cloned()
            .unwrap_or_default();
        if let Err(wrong) = check(&mapped, &self.table.schema) {
            let id = if key.is_null() { number.into() } else { key };
            return Ok(Some(malformed(&id, &wrong.messages, wrong.corrections)));
        }
        let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        if self.finds_fault(number, &text) && self.table.reject_once(&text) {
            let messages = ["the record is locked by another writer"];
            return Ok(Some(malformed(&key, &messages, Map::new())));
        }
        self.table.put(text, mapped, limit)?;
        Ok(None)
    }

    /// The mapped members under their names in the extension, and those that tell of the record itself, such as
    /// `_syncTimestamp`.
    fn mapped(&self, members: &Map<String, Value>) -> Map<String, Value> {
        let mappings = self.request.mappings.iter();
        let mapped = mappings.map(|(source, target)| {
            let value = members.get(source).cloned().unwrap_or_default();
            (target.clone(), value)
        });
        let own = members.iter().filter(|(name, _)| name.starts_with('_'));
        let own = own.map(|(name, value)| (name.clone(), value.clone()));
        mapped.chain(own).collect()
    }

    /// Whether a fault finds this record wrong although it is right.
    fn finds_fault(&self, number: u64, key: &str) -> bool {
        match self.consequences.rejected {
            Rejected::None => false,
            Rejected::First(count) => number < count,
            Rejected::ByChance { seed, rate } => {
                Random::new(seed, "rejected record", key, 0).share() < rate
            }
        }
    }

    pub fn add_error(&self, kind: &str, message: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .errors
            .push(json!({ "type": kind, "message": message }));
    }

    /// Ends it: well, if nothing was wrong.
    pub fn end(&self) {
        if self.consequences.outcome == Outcome::Fails {
            self.add_error("INTERNAL_ERROR", "the sync failed, as planned");
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed = !state.errors.is_empty();
        state.completed = Some(Timestamp::now());
    }
}

fn malformed(id: &Value, messages: &[impl AsRef<str>], corrections: Map<String, Value>) -> Value {
    let messages: Vec<&str> = messages.iter().map(AsRef::as_ref).collect();
    json!({
        "type": "MALFORMED_RECORD",
        "recordId": id,
        "message": messages.join("; "),
        "suggestedCorrections": corrections,
    })
}
