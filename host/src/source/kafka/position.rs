//! Where a partition is read from: where the last checkpoint left it, or where the manifest says.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::consumer::BaseConsumer;
use serde::{Deserialize, Serialize};

use crate::checkpoint::PartitionCheckpoint;
use crate::config::{KafkaSource, Start};
use crate::connection::kafka::{Bounds, Inquiry, KafkaError, Listener};

/// A position in a partition, as checkpoints keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The offset to be read next.
    pub(super) offset: i64,
    /// The offset that was read first of all.
    pub(super) first: i64,
    /// The offset at which reading ends, where it does: that of the end of the partition when it was first opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<i64>,
}

impl Position {
    /// The same with an end or without, as the manifest wants it now: where it has begun to want one, it is that of today.
    fn ending(self, bounded: bool, bounds: Bounds) -> Self {
        let end = bounded.then(|| self.end.unwrap_or(bounds.high));
        Self { end, ..self }
    }
}

/// The name of a partition, as Kafka's own tools write it.
pub(super) fn name(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// Where each partition of these numbers is read from.
pub(super) fn positions(
    inquiry: &Inquiry<'_>,
    client: &Arc<BaseConsumer<Listener>>,
    options: &KafkaSource,
    numbers: &[i32],
    restored: Option<&BTreeMap<String, PartitionCheckpoint>>,
) -> Result<Vec<Position>, KafkaError> {
    let topic = &options.topic.value;
    let first = match restored {
        Some(_) => Vec::new(),
        None => starts(inquiry, client, options, partitions(numbers))?,
    };
    let position = |number: i32| {
        let name = name(topic, number);
        let known = restored.and_then(|restored| restored.get(&name));
        if let Some(known) = known {
            let position =
                Position::deserialize(&known.position).map_err(|error| KafkaError::Position {
                    partition: name,
                    reason: error.to_string(),
                })?;
            let bounds = inquiry.bounds_around(client, topic, number, position.offset)?;
            return Ok(position.ending(options.bounded, bounds));
        }
        let bounds = inquiry.bounds(client, topic, number)?;
        // One that appeared since the last checkpoint: nothing of it has been read.
        let start = usize::try_from(number).ok();
        let start = start.and_then(|number| first.get(number).copied());
        let offset = start.unwrap_or(From::Earliest).within(bounds);
        Ok(Position {
            offset,
            first: offset,
            end: options.bounded.then_some(bounds.high),
        })
    };
    numbers.iter().copied().map(position).collect()
}

/// How many partitions, from 0 on, there are at least.
fn partitions(numbers: &[i32]) -> i32 {
    numbers.iter().max().map_or(0, |last| last + 1)
}

/// Where a partition is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Earliest,
    Latest,
    Offset(i64),
}

impl From {
    fn within(self, bounds: Bounds) -> i64 {
        match self {
            Self::Earliest => bounds.low,
            Self::Latest => bounds.high,
            Self::Offset(offset) => offset,
        }
    }
}

fn starts(
    inquiry: &Inquiry<'_>,
    client: &Arc<BaseConsumer<Listener>>,
    options: &KafkaSource,
    partitions: i32,
) -> Result<Vec<From>, KafkaError> {
    let topic = &options.topic.value;
    let or = |missing: From| move |offset: Option<i64>| offset.map_or(missing, From::Offset);
    Ok(match options.start {
        Start::Earliest => Vec::new(),
        Start::Latest => (0..partitions).map(|_| From::Latest).collect(),
        Start::Committed => {
            let committed = inquiry.committed(client, topic, partitions)?;
            for (number, offset) in (0..).zip(&committed) {
                if let Some(offset) = offset {
                    inquiry.bounds_around(client, topic, number, *offset)?;
                }
            }
            committed.into_iter().map(or(From::Earliest)).collect()
        }
        // No record is as late: what is to be read is yet to come.
        Start::Timestamp(time) => inquiry
            .at_time(client, topic, partitions, time)?
            .into_iter()
            .map(or(From::Latest))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_what_it_wrote_and_tells_an_end_only_where_there_is_one() {
        let position = Position {
            offset: 12,
            first: 3,
            end: None,
        };
        let written = serde_json::json!(position);
        assert_eq!(written, serde_json::json!({ "offset": 12, "first": 3 }));
        assert_eq!(Position::deserialize(&written).unwrap(), position);
    }

    #[test]
    fn an_end_that_was_found_stays_until_none_is_wanted() {
        let position = Position {
            offset: 12,
            first: 3,
            end: None,
        };
        let until = |high| Bounds { low: 0, high };
        let ending = position.ending(true, until(20));
        assert_eq!(ending.end, Some(20));
        assert_eq!(ending.ending(true, until(30)), ending);
        assert_eq!(ending.ending(false, until(30)), position);
    }

    #[test]
    fn a_partition_begins_within_its_bounds() {
        let bounds = Bounds { low: 5, high: 9 };
        assert_eq!(From::Earliest.within(bounds), 5);
        assert_eq!(From::Latest.within(bounds), 9);
        assert_eq!(From::Offset(7).within(bounds), 7);
    }
}
