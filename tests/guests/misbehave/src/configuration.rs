//! What is to be done wrong, and when.

use serde::Deserialize;

use crate::contract::jackfield::plugin::records::Batch;
use crate::lie::Lie;
use crate::misdeed::Misdeed;

/// When a misdeed is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// In a batch with a record that is meant.
    #[default]
    Record,
    Mark,
    Configure,
    Load,
    Forget,
    Flush,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// What to do to itself or to its world.
    misdeed: Option<Misdeed>,
    /// When to do it.
    at: Moment,
    /// What to return that is not so, in the answer to a record that is meant.
    pub lie: Option<Lie>,
    /// Records that hold this text are meant; all, if it is empty.
    record: String,
    /// They are meant only in a batch of at least so many records.
    company: usize,
    /// How much of whatever the misdeed takes.
    pub bytes: u64,
    /// Put what can be seen of the world into the place of each record.
    pub observe: bool,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            misdeed: None,
            at: Moment::Record,
            lie: None,
            record: "POISON".to_owned(),
            company: 0,
            bytes: 1 << 20,
            observe: false,
        }
    }
}

/// Also an example of a schema that does not say everything: which misdeeds there are is known here alone.
pub const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"properties":{
    "misdeed":{"type":"string"},"at":{"enum":["record","mark","configure","load","forget","flush"]},"lie":{"type":"string"},
    "record":{"type":"string"},"company":{"type":"integer","minimum":0},"bytes":{"type":"integer","minimum":0},"observe":{"type":"boolean"}}}"#;

impl Configuration {
    pub fn read(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    pub fn misdeed_at(&self, moment: Moment) -> Option<Misdeed> {
        self.misdeed.filter(|_| self.at == moment)
    }

    pub fn is_meant(&self, batch: &Batch) -> bool {
        let (text, mut start) = (self.record.as_bytes(), 0);
        let in_company = batch.values.ends.len() >= self.company;
        in_company
            && batch.values.ends.iter().any(|&end| {
                let value = &batch.values.data[start..end as usize];
                start = end as usize;
                text.is_empty() || value.windows(text.len()).any(|part| part == text)
            })
    }
}
