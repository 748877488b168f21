//! Records on standard output, one a line: at least once, for people and pipes.

use std::io::{self, Write};

use super::{Misfit, Sink, SinkError};
use crate::record::Batch;

#[derive(Debug)]
pub(super) struct StdoutSink;

impl StdoutSink {
    pub(super) fn new() -> Self {
        Self
    }
}

impl Sink for StdoutSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut text = Vec::with_capacity(batch.values.bytes() + batch.len());
        for value in batch.values.iter() {
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(&text)
            .and_then(|()| stdout.flush())
            .map_err(SinkError::Stdout)?;
        Ok(Vec::new())
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        Ok(serde_json::Value::Null)
    }
}
