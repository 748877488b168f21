//! The way to the tasks of another segment: a topic, each record in the partition that owns its key group.
//!
//! Marks and silences go to every partition, as they would go to every worker of the same process, so that all tasks behind keep the same time.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Misfit, Opening, Sink, SinkError};
use crate::connection::kafka::{Message, Transaction};
use crate::pipeline::plan;
use crate::record::{Batch, Content, Envelope, Mark};

/// Bytes of records that travel in one message; a message has more only for a record that is longer by itself.
const MESSAGE_BYTES: usize = 512 << 10;

/// The most bytes of a record that a message has room for. The topic is made for messages of up to 8 MiB.
const LONGEST_RECORD: usize = 7 << 20;

/// The topic that another segment reads.
pub(super) struct ExchangeSink {
    plan: plan::ExchangeSink,
    transaction: Arc<Transaction>,
}

impl ExchangeSink {
    pub(super) fn open(plan: &plan::ExchangeSink, opening: Opening<'_>) -> Result<Self, SinkError> {
        let transaction = opening
            .transaction
            .ok_or_else(|| SinkError::NoTransaction {
                sink: opening.name.to_owned(),
            })?;
        Ok(Self {
            plan: plan.clone(),
            transaction: Arc::clone(transaction),
        })
    }

    fn send(&self, from: usize, partition: usize, content: Content) -> Result<(), SinkError> {
        let origin = &self.plan.origins[from];
        let envelope = Envelope {
            origin: origin.name.clone(),
            task: self.plan.task.clone(),
            tasks: origin.tasks,
            content,
        };
        Ok(self.transaction.send(Message {
            topic: &self.plan.topic,
            partition: i32::try_from(partition).ok(),
            key: None,
            value: Some(&envelope.encode()),
            timestamp: None,
            headers: &[],
        })?)
    }

    /// The partition of records that go by no key.
    fn own_partition(&self) -> usize {
        self.plan.index as usize % usize::from(self.plan.partitions)
    }
}

impl Sink for ExchangeSink {
    fn write(&mut self, from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let (batch, misfits) = without_giants(batch);
        let partitions = usize::from(self.plan.partitions);
        let parts = if self.plan.origins[from].keyed {
            batch.partition(partitions)
        } else {
            let marks = Batch {
                marks: batch.marks.iter().map(|&mark| in_front(mark)).collect(),
                ..Batch::default()
            };
            let mut parts = vec![marks; partitions];
            parts[self.own_partition()] = batch.into_owned();
            parts
        };
        for (partition, part) in parts.into_iter().enumerate() {
            for message in part.split(MESSAGE_BYTES) {
                self.send(from, partition, Content::Batch(message))?;
            }
        }
        Ok(misfits)
    }

    fn silence(&mut self, from: usize) -> Result<(), SinkError> {
        (0..usize::from(self.plan.partitions))
            .try_for_each(|partition| self.send(from, partition, Content::Silence))
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.transaction.flush()?;
        Ok(serde_json::Value::Null)
    }
}

/// A mark of a batch as one of a batch without records.
fn in_front(mark: Mark) -> Mark {
    Mark { index: 0, ..mark }
}

/// The batch without records that no message has room for.
fn without_giants(batch: &Batch) -> (Cow<'_, Batch>, Vec<Misfit>) {
    let size = |index| {
        let record = batch.record(index);
        record.value.len() + record.key.len()
    };
    let is_giant = |index| size(index) > LONGEST_RECORD;
    if batch.values.bytes() + batch.keys.bytes() <= LONGEST_RECORD
        || !(0..batch.len()).any(is_giant)
    {
        return (Cow::Borrowed(batch), Vec::new());
    }
    let (mut kept, mut misfits) = (Batch::default(), Vec::new());
    let mut marks = batch.marks.iter().peekable();
    for index in 0..batch.len() {
        while let Some(mark) = marks.next_if(|mark| mark.index as usize <= index) {
            kept.push_mark(mark.watermark);
        }
        if is_giant(index) {
            let message = format!(
                "the record has {} bytes, and the exchange takes records of up to {LONGEST_RECORD}",
                size(index)
            );
            misfits.push(Misfit { index, message });
            continue;
        }
        let record = batch.record(index);
        let key = (!batch.keys.is_empty()).then_some(record.key);
        kept.push(record.value, key, record.timestamp);
    }
    marks.for_each(|mark| kept.push_mark(mark.watermark));
    (Cow::Owned(kept), misfits)
}
