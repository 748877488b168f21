//! Topics of Kafka. Records become visible with the transaction that the task commits for the epoch.

use super::{Misfit, Opening, Sink, SinkError};
use crate::config;
use crate::record::Batch;

/// A topic.
pub(super) struct KafkaSink {}

impl KafkaSink {
    pub(super) fn open(
        _options: &config::KafkaSink,
        _opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        Ok(Self {})
    }
}

impl Sink for KafkaSink {
    fn write(&mut self, _from: usize, _batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        Ok(Vec::new())
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        Ok(serde_json::Value::Null)
    }
}
