//! What is asked of a cluster: partitions of a topic, their offsets, what a group has committed. Whoever asks waits until there is an answer.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as Cause, KafkaResult, RDKafkaErrorCode as Rejection};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::error::{Outlook, outlook};
use super::{Cluster, KafkaError, Listener};
use crate::config::CreateTopic;
use crate::pipeline::{Halt, Waits};

/// How long one request may take before it is made again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// How long brokers that have just started may not know a topic yet, and their offsets lag behind.
const SETTLING: Duration = Duration::from_secs(3);

/// Asks a cluster, on behalf of a part of the pipeline.
#[derive(Clone, Copy)]
pub(crate) struct Inquiry<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) listener: &'a Listener,
    /// Who asks, for those who look at what is waited for.
    pub(crate) who: &'a str,
    pub(crate) waits: &'a Waits,
    pub(crate) halt: &'a Halt,
}

/// The offsets that a partition has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The earliest.
    pub(crate) low: i64,
    /// The one behind the last that may be read.
    pub(crate) high: i64,
}

/// A topic that is to be made if it is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) partitions: i32,
    /// -1 for the cluster's own default.
    pub(crate) replication_factor: i32,
    /// By Kafka's own names.
    pub(crate) settings: &'static [(&'static str, &'static str)],
}

impl From<CreateTopic> for Wanted {
    fn from(options: CreateTopic) -> Self {
        let count = |count| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            partitions: count(options.partitions),
            replication_factor: count(options.replication_factor),
            settings: &[],
        }
    }
}

impl Inquiry<'_> {
    /// A client to ask with, and nothing else.
    pub(crate) fn client(&self) -> Result<BaseConsumer<Listener>, KafkaError> {
        let mut config = self.cluster.client();
        config
            .set("allow.auto.create.topics", "false")
            .set("isolation.level", "read_committed");
        config
            .create_with_context(self.listener.clone())
            .map_err(|error| self.cluster.unusable(&error))
    }

    /// How many partitions a topic has.
    pub(crate) fn partitions(
        &self,
        client: &BaseConsumer<Listener>,
        topic: &str,
    ) -> Result<i32, KafkaError> {
        let started = Instant::now();
        loop {
            match self.known_partitions(client, topic)? {
                Some(partitions) => return Ok(partitions),
                None if started.elapsed() > SETTLING => {
                    return Err(KafkaError::UnknownTopic {
                        connection: self.cluster.name().to_owned(),
                        topic: topic.to_owned(),
                    });
                }
                None if self.halt.sleep(PAUSE) => return Err(KafkaError::Halted),
                None => {}
            }
        }
    }

    fn known_partitions(
        &self,
        client: &BaseConsumer<Listener>,
        topic: &str,
    ) -> Result<Option<i32>, KafkaError> {
        let request = format!("the partitions of the topic `{topic}`");
        self.ask(client, &request, |client| {
            let metadata = client.fetch_metadata(Some(topic), PATIENCE)?;
            let Some(found) = metadata.topics().first() else {
                return Ok(None);
            };
            match found.error() {
                None if found.partitions().is_empty() => Ok(None),
                None => Ok(Some(
                    i32::try_from(found.partitions().len()).unwrap_or(i32::MAX),
                )),
                Some(
                    RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                    | RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                ) => Ok(None),
                Some(error) => Err(Cause::MetadataFetch(error.into())),
            }
        })
    }

    /// The offsets that a partition has.
    pub(crate) fn bounds(
        &self,
        client: &BaseConsumer<Listener>,
        topic: &str,
        partition: i32,
    ) -> Result<Bounds, KafkaError> {
        let request = format!("the offsets of partition {partition} of the topic `{topic}`");
        self.ask(client, &request, |client| {
            let (low, high) = client.fetch_watermarks(topic, partition, PATIENCE)?;
            Ok(Bounds { low, high })
        })
    }

    /// The bounds of a partition that is to be read from `offset`, which has to lie within them. Brokers that have just started may not know the end
    /// of it at once.
    pub(crate) fn bounds_around(
        &self,
        client: &BaseConsumer<Listener>,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Bounds, KafkaError> {
        let started = Instant::now();
        loop {
            let Bounds { low, high } = self.bounds(client, topic, partition)?;
            if (low..=high).contains(&offset) {
                return Ok(Bounds { low, high });
            }
            if offset < low || started.elapsed() > SETTLING {
                return Err(KafkaError::OffsetOutOfRange {
                    topic: topic.to_owned(),
                    partition,
                    offset,
                    low,
                    high,
                });
            }
            if self.halt.sleep(PAUSE) {
                return Err(KafkaError::Halted);
            }
        }
    }

    /// What the group of the client has committed, by partition from 0 on.
    pub(crate) fn committed(
        &self,
        client: &BaseConsumer<Listener>,
        topic: &str,
        partitions: i32,
    ) -> Result<Vec<Option<i64>>, KafkaError> {
        let request = format!("the offsets that were committed for the topic `{topic}`");
        self.offsets(client, &request, |client| {
            let mut asked = TopicPartitionList::new();
            asked.add_partition_range(topic, 0, partitions - 1);
            client.committed_offsets(asked, 3 * PATIENCE)
        })
    }

    /// The first offset of each partition, from 0 on, whose record is of that time or later; none if there is no such record.
    pub(crate) fn at_time(
        &self,
        client: &BaseConsumer<Listener>,
        topic: &str,
        partitions: i32,
        timestamp: i64,
    ) -> Result<Vec<Option<i64>>, KafkaError> {
        let request = format!("the offsets of a time in the topic `{topic}`");
        self.offsets(client, &request, |client| {
            let mut asked = TopicPartitionList::new();
            for partition in 0..partitions {
                asked.add_partition_offset(topic, partition, Offset::Offset(timestamp))?;
            }
            client.offsets_for_times(asked, 3 * PATIENCE)
        })
    }

    fn offsets(
        &self,
        client: &BaseConsumer<Listener>,
        request: &str,
        ask: impl Fn(&BaseConsumer<Listener>) -> KafkaResult<TopicPartitionList>,
    ) -> Result<Vec<Option<i64>>, KafkaError> {
        self.ask(client, request, |client| {
            let answer = ask(client)?;
            answer
                .elements()
                .iter()
                .map(|element| {
                    element.error()?;
                    Ok(match element.offset() {
                        Offset::Offset(offset) => Some(offset),
                        _ => None,
                    })
                })
                .collect()
        })
    }

    /// Sees to it that a topic is there to be written to; gives how many partitions it has.
    pub(crate) fn provide(
        &self,
        topic: &str,
        create: Option<CreateTopic>,
    ) -> Result<i32, KafkaError> {
        match create {
            Some(wanted) => self.create_topic(topic, Wanted::from(wanted)),
            None => self.partitions(&self.client()?, topic),
        }
    }

    /// Makes a topic unless it is there already; gives how many partitions it has.
    pub(crate) fn create_topic(&self, topic: &str, wanted: Wanted) -> Result<i32, KafkaError> {
        let client = self.client()?;
        if let Some(partitions) = self.known_partitions(&client, topic)? {
            return Ok(partitions);
        }
        let admin = self.cluster.admin(self.listener)?;
        let request = format!("to make the topic `{topic}`");
        let replication = TopicReplication::Fixed(wanted.replication_factor);
        let new = wanted.settings.iter().fold(
            NewTopic::new(topic, wanted.partitions, replication),
            |new, (name, value)| new.set(name, value),
        );
        self.ask(&client, &request, |_| {
            let options = AdminOptions::new()
                .operation_timeout(Some(5 * PATIENCE))
                .request_timeout(Some(5 * PATIENCE));
            let made = admin.create_topics([&new], &options);
            let results = block_on(made)?;
            match results.into_iter().next() {
                Some(Err((_, rejection))) if rejection != Rejection::TopicAlreadyExists => {
                    Err(Cause::AdminOp(rejection))
                }
                _ => Ok(()),
            }
        })?;
        self.partitions(&client, topic)
    }

    /// Asks until there is an answer, says so while there is none, and gives up when the attempt is over.
    pub(crate) fn ask<T>(
        &self,
        client: &BaseConsumer<Listener>,
        request: &str,
        ask: impl Fn(&BaseConsumer<Listener>) -> KafkaResult<T>,
    ) -> Result<T, KafkaError> {
        loop {
            if self.halt.is_halted() {
                return Err(KafkaError::Halted);
            }
            let error = match ask(client) {
                Ok(answer) => {
                    self.waits.end(self.who);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            // Serves what the client has to say, which tells why there is no answer.
            client.poll(Duration::ZERO);
            if let Some(reason) = self.listener.denied() {
                self.waits.end(self.who);
                return Err(self.cluster.failure(Outlook::Denied, request, reason));
            }
            match outlook(&error) {
                Outlook::Passes => {
                    let trouble = self.listener.trouble().unwrap_or_else(|| error.to_string());
                    let what = self.cluster.silence(Some(&trouble));
                    self.waits.begin(self.who, &what);
                }
                known => {
                    self.waits.end(self.who);
                    return Err(self.cluster.failure(known, request, error.to_string()));
                }
            }
            if self.halt.sleep(PAUSE) {
                return Err(KafkaError::Halted);
            }
        }
    }
}

/// Waits for an answer that a thread of the client gives.
fn block_on<T>(answer: impl Future<Output = KafkaResult<T>>) -> KafkaResult<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Cause::ClientCreation(error.to_string()))?;
    runtime.block_on(answer)
}
