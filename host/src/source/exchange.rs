//! What the tasks of another segment have written for this one: a partition of the topic between them, read by one task.
//!
//! Several tasks write to the partition, each with a time of its own; for each origin the least of their watermarks counts. What each has said
//! belongs to the position in the topic: it is in the checkpoint, since it is not read again.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Opening, Partition, Read, ReadBatch, Scale, SourceError, Wake, kafka};
use crate::checkpoint::PartitionCheckpoint;
use crate::config::{KafkaSource, NullValues, Start};
use crate::pipeline::gate::Gate;
use crate::pipeline::plan;
use crate::record::{Batch, Content, END_OF_TIME, Envelope, START_OF_TIME};

/// The most bytes of a message: the topic takes no larger one.
const LONGEST_MESSAGE: u64 = 8 << 20;

/// The options by which an exchange topic is read, of the cluster that `like` reads.
pub(crate) fn exchange_topic(like: &KafkaSource, topic: String) -> KafkaSource {
    let mut options = like.clone();
    options.topic.value = topic;
    options.group = None;
    options.start = Start::Earliest;
    options.null_values = NullValues::Reject;
    options.bounded = false;
    options.maximum_record_bytes.value = LONGEST_MESSAGE;
    options
}

/// A partition of the topic, as a source with an output for each origin.
struct ExchangePartition {
    topic: String,
    partition: i32,
    messages: Box<dyn Partition>,
    /// By output.
    origins: Vec<Origin>,
    /// What is to be said again after a restart, before anything is read.
    first: VecDeque<Read>,
}

struct Origin {
    name: String,
    gate: Gate<String>,
}

#[derive(Serialize, Deserialize)]
struct Position {
    messages: serde_json::Value,
    origins: BTreeMap<String, Gate<String>>,
}

pub(super) fn open(
    plan: &plan::ExchangeSource,
    opening: Opening<'_>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    let (inner, mut known) = restored(plan, opening)?;
    let messages = kafka::open(
        &plan.topic,
        Some(plan.partition),
        Opening {
            restored: inner.as_ref(),
            ..opening
        },
    )?;
    let origins: Vec<Origin> = plan
        .origins
        .iter()
        .map(|name| Origin {
            name: name.clone(),
            gate: known.remove(name).unwrap_or_default(),
        })
        .collect();
    let first = announcements(&origins);
    let open = |messages| ExchangePartition {
        topic: plan.topic.topic.value.clone(),
        partition: plan.partition,
        messages,
        origins,
        first,
    };
    Ok(messages
        .into_iter()
        .next()
        .map(|messages| Box::new(open(messages)) as Box<dyn Partition>)
        .into_iter()
        .collect())
}

/// What the checkpoint knows of the messages, and of the origins.
type Restored = (
    Option<BTreeMap<String, PartitionCheckpoint>>,
    BTreeMap<String, Gate<String>>,
);

fn restored(plan: &plan::ExchangeSource, opening: Opening<'_>) -> Result<Restored, SourceError> {
    let Some(restored) = opening.restored else {
        return Ok((None, BTreeMap::new()));
    };
    let mut inner = BTreeMap::new();
    let mut origins = BTreeMap::new();
    for (name, known) in restored {
        let position =
            Position::deserialize(&known.position).map_err(|error| SourceError::Exchange {
                topic: plan.topic.topic.value.clone(),
                partition: plan.partition,
                reason: format!("its position in the checkpoint is of another form: {error}"),
            })?;
        origins.extend(position.origins);
        let known = PartitionCheckpoint {
            position: position.messages,
            watermarks: BTreeMap::new(),
        };
        inner.insert(name.clone(), known);
    }
    Ok((Some(inner), origins))
}

/// The watermarks and silences that had been reached: those who hear them keep none over a restart.
fn announcements(origins: &[Origin]) -> VecDeque<Read> {
    let mut first = VecDeque::new();
    for (output, origin) in origins.iter().enumerate() {
        if origin.gate.current() > START_OF_TIME {
            first.push_back(Read::Records(ReadBatch {
                output,
                batch: Batch::of_mark(origin.gate.current()),
                refused: Vec::new(),
            }));
        }
        if origin.gate.is_silent() {
            first.push_back(Read::Silence(output));
        }
    }
    first
}

impl ExchangePartition {
    /// What a message says. None if it is nothing to those who read here.
    fn understand(&mut self, message: &[u8]) -> Result<Option<Read>, SourceError> {
        let envelope = Envelope::decode(message).map_err(|unreadable| SourceError::Exchange {
            topic: self.topic.clone(),
            partition: self.partition,
            reason: unreadable.to_string(),
        })?;
        let Envelope {
            origin,
            task,
            tasks,
            content,
        } = envelope;
        // An origin that no stage reads any more.
        let Some(output) = self.origins.iter().position(|known| known.name == origin) else {
            return Ok(None);
        };
        let gate = &mut self.origins[output].gate;
        gate.expect(tasks as usize);
        Ok(match content {
            Content::Batch(mut batch) => {
                batch.marks = gate.advance(&*task, &batch.marks);
                let nothing = batch.is_empty() && batch.marks.is_empty();
                (!nothing).then(|| {
                    Read::Records(ReadBatch {
                        output,
                        batch,
                        refused: Vec::new(),
                    })
                })
            }
            Content::Silence => match gate.silence(&*task) {
                Some(watermark) => Some(Read::Records(ReadBatch {
                    output,
                    batch: Batch::of_mark(watermark),
                    refused: Vec::new(),
                })),
                None => gate.is_silent().then_some(Read::Silence(output)),
            },
        })
    }

    fn has_ended(&self) -> bool {
        let ended = |origin: &Origin| origin.gate.current() == END_OF_TIME;
        self.origins.iter().all(ended)
    }
}

impl Partition for ExchangePartition {
    fn name(&self) -> &str {
        self.messages.name()
    }

    fn read(&mut self, _most: usize) -> Result<Read, SourceError> {
        if let Some(first) = self.first.pop_front() {
            return Ok(first);
        }
        if self.has_ended() {
            return Ok(Read::End);
        }
        loop {
            // One at a time: a position is where a message ends.
            let ReadBatch { batch, refused, .. } = match self.messages.read(1)? {
                Read::Records(read) => read,
                other => return Ok(other),
            };
            if let Some(refused) = refused.first() {
                return Err(SourceError::Exchange {
                    topic: self.topic.clone(),
                    partition: self.partition,
                    reason: refused.message.clone(),
                });
            }
            for message in batch.values.iter() {
                if let Some(read) = self.understand(message)? {
                    return Ok(read);
                }
            }
        }
    }

    fn position(&self) -> serde_json::Value {
        let origins = self.origins.iter();
        serde_json::json!(Position {
            messages: self.messages.position(),
            origins: origins
                .map(|origin| (origin.name.clone(), origin.gate.clone()))
                .collect(),
        })
    }

    fn progress(&self) -> (u64, Option<u64>) {
        self.messages.progress()
    }

    fn scale(&self) -> Scale {
        self.messages.scale()
    }

    fn committed(&mut self) {
        self.messages.committed();
    }

    fn wake_with(&mut self, wake: Wake) {
        self.messages.wake_with(wake);
    }
}
