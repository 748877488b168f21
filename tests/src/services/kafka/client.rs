//! What a test wants of a cluster: topics, input, and what a reader of committed records sees.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication, TopicResult,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{Compression, Message, Producer};

/// No answer of a broker takes longer, also on a machine that does much else.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that changes by itself.
const LOOK: Duration = Duration::from_millis(20);

/// A message and when it was seen.
pub type Seen = (Message, Instant);

/// Who can reach a cluster.
#[derive(Clone, Debug)]
pub struct KafkaClient {
    address: String,
    /// By librdkafka's names.
    settings: Vec<(&'static str, String)>,
}

impl KafkaClient {
    /// Of the cluster of the broker at `HOST:PORT`, which is not asked yet.
    pub fn of(address: &str) -> Self {
        Self {
            address: address.into(),
            settings: Vec::new(),
        }
    }

    /// The user that a secure broker knows, and the user's password.
    pub const USER: &str = "kafka";

    /// Of a broker that lets in [`USER`](Self::USER) alone, with the certificate to trust.
    pub(super) fn secure(address: &str, certificate: &Path) -> Self {
        let settings = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", Self::USER),
            ("sasl.password", Self::USER),
        ];
        let mut settings = settings
            .map(|(key, value)| (key, value.to_owned()))
            .to_vec();
        settings.push(("ssl.ca.location", certificate.display().to_string()));
        Self {
            settings,
            ..Self::of(address)
        }
    }

    /// What every client of the cluster begins with.
    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        for (key, value) in &self.settings {
            config.set(*key, value);
        }
        config
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether there is a topic of that name.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn has_topic(&self, name: &str) -> io::Result<bool> {
        let consumer = self.consumer("read_committed", "")?;
        let metadata = consumer
            .fetch_metadata(None, PATIENCE)
            .map_err(io::Error::other)?;
        Ok(metadata.topics().iter().any(|topic| topic.name() == name))
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// When the broker refuses, as it does if there is one of that name.
    pub fn create_topic(&self, name: &str, partitions: u32) -> io::Result<()> {
        let topic = NewTopic::new(name, partitions.cast_signed(), TopicReplication::Fixed(1));
        self.administrate(async |client, options| client.create_topics(&[topic], options).await)
    }

    /// Makes a topic with settings of its own, such as `max.message.bytes`.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn create_topic_with(
        &self,
        name: &str,
        partitions: u32,
        settings: &[(&str, &str)],
    ) -> io::Result<()> {
        let topic = NewTopic::new(name, partitions.cast_signed(), TopicReplication::Fixed(1));
        let topic = settings
            .iter()
            .fold(topic, |topic, (key, value)| topic.set(key, value));
        self.administrate(async |client, options| client.create_topics(&[topic], options).await)
    }

    /// Removes a topic with all that is in it.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn delete_topic(&self, name: &str) -> io::Result<()> {
        self.administrate(async |client, options| client.delete_topics(&[name], options).await)
    }

    /// Removes a group with all offsets that it committed, as the broker does when the group has been idle for long.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn delete_group(&self, name: &str) -> io::Result<()> {
        self.administrate(async |client, options| client.delete_groups(&[name], options).await)
    }

    /// Gives a topic more partitions, `partitions` in all.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn add_partitions(&self, name: &str, partitions: u32) -> io::Result<()> {
        let more = NewPartitions::new(name, partitions as usize);
        self.administrate(async |client, options| client.create_partitions([&more], options).await)
    }

    /// Removes the records of a partition before `offset`, as retention does.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn delete_records(&self, topic: &str, partition: u32, offset: i64) -> io::Result<()> {
        let mut before = TopicPartitionList::new();
        before
            .add_partition_offset(topic, partition.cast_signed(), Offset::Offset(offset))
            .map_err(io::Error::other)?;
        self.administrate(async |client, options| {
            client
                .delete_records(&before, options)
                .await
                .map(|_| Vec::new())
        })
    }

    /// A producer, for input that is not there all at once.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn producer(&self, compression: Compression) -> io::Result<Producer> {
        Producer::new(self.config(), compression)
    }

    /// Appends messages to a topic and waits until all are there.
    ///
    /// # Errors
    /// When the broker does not take one of them.
    pub fn produce<'a>(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = &'a Message>,
    ) -> io::Result<()> {
        let producer = self.producer(Compression::None)?;
        for message in messages {
            producer.send(topic, message)?;
        }
        producer.flush()
    }

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn partitions(&self, topic: &str) -> io::Result<u32> {
        partitions(&self.consumer("read_committed", "")?, topic)
    }

    /// The offset behind the last record of each partition, transactions of any kind included.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn end_offsets(&self, topic: &str) -> io::Result<Vec<i64>> {
        ends(&self.consumer("read_uncommitted", "")?, topic)
    }

    /// Everything that a reader of committed records gets from a topic now, by partition and offset. Transactions that
    /// are about to end are waited for.
    ///
    /// # Errors
    /// When there is no such topic, or a transaction does not end within a minute.
    pub fn read_committed(&self, topic: &str) -> io::Result<Vec<Message>> {
        let ends = self.end_offsets(topic)?;
        let consumer = self.consumer("read_committed", "")?;
        wait_for_transactions(&consumer, topic, &ends)?;
        let mut messages = read(&consumer, topic, ends.len())?;
        messages.sort_by_key(|message| (message.partition, message.offset));
        Ok(messages)
    }

    /// Reads what is committed to a topic from now on, each message with the moment at which it came, until `ended` says so.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn watch_committed(
        &self,
        topic: &str,
        ended: Arc<AtomicBool>,
    ) -> io::Result<JoinHandle<Vec<Seen>>> {
        let consumer = self.consumer("read_committed", "")?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions(&consumer, topic)?.cast_signed() {
            assignment
                .add_partition_offset(topic, partition, Offset::Beginning)
                .map_err(io::Error::other)?;
        }
        consumer.assign(&assignment).map_err(io::Error::other)?;
        Ok(thread::spawn(move || {
            let mut seen = Vec::new();
            while !ended.load(Relaxed) {
                // Else the end of a partition, or a broker that is away for a moment.
                if let Some(Ok(message)) = consumer.poll(LOOK) {
                    let value = message.payload().unwrap_or_default();
                    seen.push((Message::new(value), Instant::now()));
                }
            }
            seen
        }))
    }

    /// Where a group goes on reading each partition; nothing where it has committed nothing.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn committed_offsets(&self, group: &str, topic: &str) -> io::Result<Vec<Option<i64>>> {
        let consumer = self.consumer("read_committed", group)?;
        let mut wanted = TopicPartitionList::new();
        let count = partitions(&consumer, topic)?;
        wanted.add_partition_range(topic, 0, count.cast_signed() - 1);
        let begun = Instant::now();
        let offsets = loop {
            match consumer.committed_offsets(wanted.clone(), PATIENCE) {
                // A group that is asked for the first time has its coordinator chosen.
                Err(_) if begun.elapsed() < PATIENCE => thread::sleep(LOOK),
                offsets => break offsets.map_err(io::Error::other)?,
            }
        };
        let offset = |partition: u32| match offsets
            .find_partition(topic, partition.cast_signed())?
            .offset()
        {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok((0..count).map(offset).collect())
    }

    fn consumer(&self, isolation: &str, group: &str) -> io::Result<BaseConsumer> {
        let group = if group.is_empty() { "tests" } else { group };
        self.config()
            .set("group.id", group)
            .set("isolation.level", isolation)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()
            .map_err(io::Error::other)
    }

    fn administrate<F>(&self, task: F) -> io::Result<()>
    where
        F: AsyncFnOnce(
            &AdminClient<DefaultClientContext>,
            &AdminOptions,
        ) -> Result<Vec<TopicResult>, KafkaError>,
    {
        let client: AdminClient<DefaultClientContext> =
            self.config().create().map_err(io::Error::other)?;
        let options = AdminOptions::new()
            .operation_timeout(Some(PATIENCE))
            .request_timeout(Some(PATIENCE));
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let results = runtime
            .block_on(task(&client, &options))
            .map_err(io::Error::other)?;
        for result in results {
            result
                .map_err(|(topic, code)| io::Error::other(format!("the topic {topic}: {code}")))?;
        }
        Ok(())
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> io::Result<u32> {
    let metadata = consumer
        .fetch_metadata(Some(topic), PATIENCE)
        .map_err(io::Error::other)?;
    match metadata
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len())
    {
        0 => Err(io::Error::other(format!("there is no topic {topic}"))),
        count => Ok(count as u32),
    }
}

/// Behind the last record that this consumer may read.
fn ends(consumer: &BaseConsumer, topic: &str) -> io::Result<Vec<i64>> {
    (0..partitions(consumer, topic)?)
        .map(|partition| {
            consumer
                .fetch_watermarks(topic, partition.cast_signed(), PATIENCE)
                .map(|(_, end)| end)
                .map_err(io::Error::other)
        })
        .collect()
}

/// A producer hears of its commit before the partitions do.
fn wait_for_transactions(consumer: &BaseConsumer, topic: &str, wanted: &[i64]) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stable = ends(consumer, topic)?;
        if stable
            .iter()
            .zip(wanted)
            .all(|(stable, wanted)| stable >= wanted)
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "a transaction on {topic} does not end: stable up to {stable:?} of {wanted:?}"
                ),
            ));
        }
        std::thread::sleep(LOOK);
    }
}

fn read(consumer: &BaseConsumer, topic: &str, partitions: usize) -> io::Result<Vec<Message>> {
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment
            .add_partition_offset(topic, partition as i32, Offset::Beginning)
            .map_err(io::Error::other)?;
    }
    consumer.assign(&assignment).map_err(io::Error::other)?;
    let mut messages = Vec::new();
    let mut ended = BTreeSet::new();
    while ended.len() < partitions {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) => messages.push(Message::read(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => _ = ended.insert(partition),
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => {
                return Err(io::Error::other(format!(
                    "{topic} cannot be read to its end"
                )));
            }
        }
    }
    Ok(messages)
}
