//! Topics of Kafka. Each partition is read on its own, from the offset that the last checkpoint holds.
//!
//! Partitions are assigned by hand and never by group subscription: which task reads what is decided with the tasks' state, and a position that belongs to a
//! checkpoint cannot be kept by anybody else. What is committed to the group is for those who watch the lag.
//!
//! Backpressure is a bound: librdkafka fetches ahead until a partition's queue holds so much (see [`PREFETCH`]), and fetches no further until it is read.

mod attendant;
mod partition;
mod position;

use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::{Opening, Partition, SourceError};
use crate::config::KafkaSource;
use crate::connection::kafka::{Cluster, Inquiry, KafkaError, Listener, Outlook, PartitionQueue};
use attendant::{Assignment, Attendant};
use partition::TopicPartition;
use position::{Position, positions};

/// KiB that are fetched ahead at most, of all partitions together, and of one at most and at least. A fetch that is under way may go beyond it.
const PREFETCH: (usize, usize, usize) = (64 << 10, 8 << 10, 1 << 10);

pub(super) fn open(
    options: &KafkaSource,
    only: Option<i32>,
    opening: Opening<'_>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    let connection = &options.connection.value;
    let Some(cluster) = opening.services.kafka(connection) else {
        return Err(KafkaError::Settings {
            connection: connection.clone(),
            reason: "there is no Kafka connection of this name".to_owned(),
        }
        .into());
    };
    let who = format!("source {}", opening.name);
    let listener = Listener::new(cluster.name());
    let inquiry = Inquiry {
        cluster,
        listener: &listener,
        who: &who,
        waits: opening.waits,
        halt: opening.halt,
    };
    let topic: Arc<str> = options.topic.value.as_str().into();
    let group = options
        .group
        .as_ref()
        .map_or(opening.name, |group| group.value.as_str());
    let count = inquiry.partitions(&inquiry.client()?, &topic)?;
    let numbers = only.map_or_else(|| (0..count).collect(), |only| vec![only]);
    let client = consumer(cluster, &listener, group, numbers.len())?;
    let positions = positions(&inquiry, &client, options, &numbers, opening.restored)?;
    let queues = assign(&client, &topic, &numbers, &positions)
        .map_err(|error| cluster.failure(Outlook::Stays, "an assignment", error))?;
    let attendant = Attendant::start(
        Assignment {
            client,
            listener: listener.clone(),
            cluster: Arc::clone(cluster),
            topic: Arc::clone(&topic),
            numbers: numbers.clone(),
            partitions: count,
            who,
        },
        Arc::clone(opening.waits),
        // One partition of several is a task's; new ones are other tasks.
        (!options.bounded && only.is_none()).then_some(options.discovery_interval),
    )?;
    let partition = |(number, (queue, position)): (i32, _)| {
        let partition = TopicPartition::new(options, &attendant, number, queue, position);
        Box::new(partition) as Box<dyn Partition>
    };
    let read = queues.into_iter().zip(positions);
    Ok(numbers.into_iter().zip(read).map(partition).collect())
}

fn consumer(
    cluster: &Cluster,
    listener: &Listener,
    group: &str,
    partitions: usize,
) -> Result<Arc<BaseConsumer<Listener>>, KafkaError> {
    let (all, most, least) = PREFETCH;
    let each = all / partitions.max(1);
    let each = each.clamp(least, most).to_string();
    let defaults = [
        ("queued.max.messages.kbytes", each.as_str()),
        ("queued.min.messages", "50000"),
        // A queue that was full is looked at again after so many milliseconds; librdkafka's own 1000 would make reading stumble.
        ("fetch.queue.backoff.ms", "20"),
        ("fetch.wait.max.ms", "250"),
    ];
    let client: BaseConsumer<Listener> = cluster
        .consumer_with(group, &defaults)
        .create_with_context(listener.clone())
        .map_err(|error| cluster.unusable(&error))?;
    Ok(Arc::new(client))
}

/// Begins to fetch every partition from its position, into a queue of its own.
fn assign(
    client: &Arc<BaseConsumer<Listener>>,
    topic: &str,
    numbers: &[i32],
    positions: &[Position],
) -> Result<Vec<PartitionQueue>, String> {
    let mut assignment = TopicPartitionList::new();
    let mut queues = Vec::new();
    for (&number, position) in numbers.iter().zip(positions) {
        assignment
            .add_partition_offset(topic, number, Offset::Offset(position.offset))
            .map_err(|error| error.to_string())?;
        // Before the assignment: nothing of a partition must go to the common queue.
        let queue = PartitionQueue::split(client, topic, number);
        queues.push(queue.ok_or_else(|| format!("there is no queue for partition {number}"))?);
    }
    client
        .assign(&assignment)
        .map_err(|error| error.to_string())?;
    Ok(queues)
}
