//! The endpoint at which the platform finds the records, seen by the job: what is there before a synchronisation begins, and the records that come
//! back from one.
//!
//! `GET {endpoint}?limit=&offset=` gives a page: an array of records, or an object that has them in `records`. Any other parameter asks for the records in which the member of that
//! name has that value; repeated, for those that have one of them.

use std::time::Duration;

use jackfield_sdk::{Failure, Request, Workflow};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A record of the source.
pub type Record = Map<String, Value>;

/// Keys that are asked for at once, so that the address stays short.
const KEYS_AT_ONCE: usize = 50;

/// A source of records.
pub struct Source<'s> {
    /// The connection that it is reached by.
    pub connection: &'s str,
    /// Its address.
    pub endpoint: &'s str,
    /// How long is waited between looks at records that are not there yet.
    pub retry_interval: Duration,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Page {
    Records(Vec<Record>),
    Object { records: Vec<Record> },
}

impl Source<'_> {
    /// The first records, `limit` at most.
    ///
    /// # Errors
    /// Why nothing came.
    pub fn first(&self, limit: u64, workflow: &mut Workflow<'_>) -> Result<Vec<Record>, Failure> {
        self.page(&[], limit, 0, workflow)
    }

    /// The records in which a member has one of these values; those that there are.
    ///
    /// # Errors
    /// Why nothing came.
    pub fn with_keys(
        &self,
        member: &str,
        keys: &[String],
        workflow: &mut Workflow<'_>,
    ) -> Result<Vec<Record>, Failure> {
        let mut found = Vec::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let filters: Vec<_> = keys.iter().map(|key| (member, key.as_str())).collect();
            let limit = keys.len() as u64;
            let records = self.page(&filters, limit, 0, workflow)?.into_iter();
            let is_asked_for = |record: &Record| {
                let key = record.get(member).and_then(Value::as_str);
                key.is_some_and(|key| keys.iter().any(|asked| asked == key))
            };
            found.extend(records.filter(is_asked_for));
        }
        Ok(found)
    }

    /// Waits until there are so many records with this value of a member: what is emitted can be read once the pipeline has committed it.
    ///
    /// # Errors
    /// `source-not-ready` after `within`, or why nothing came.
    pub fn await_records(
        &self,
        filter: (&str, &str),
        count: u64,
        within: Duration,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let mut waited = Duration::ZERO;
        let last = count.saturating_sub(1);
        while self.page(&[filter], 1, last, workflow)?.is_empty() {
            if waited >= within {
                let message = format!(
                    "the {count} records of {}={} are not at {} after {} s",
                    filter.0,
                    filter.1,
                    self.endpoint,
                    waited.as_secs()
                );
                return Err(Failure::new("source-not-ready", message).status(504));
            }
            workflow.sleep(self.retry_interval);
            waited += self.retry_interval;
        }
        Ok(())
    }

    fn page(
        &self,
        filters: &[(&str, &str)],
        limit: u64,
        offset: u64,
        workflow: &mut Workflow<'_>,
    ) -> Result<Vec<Record>, Failure> {
        let mut request = Request::get(self.connection, self.endpoint);
        for (member, value) in filters {
            request = request.query(member, value);
        }
        let request = request.query("limit", limit).query("offset", offset);
        let response = workflow.send(request)?.success()?;
        match response.json()? {
            Page::Records(records) | Page::Object { records } => Ok(records),
        }
    }
}
