//! What a task writes to Kafka in an epoch, as one transaction.
//!
//! The transaction is the moment at which an epoch becomes true: it also commits, as the offset of a group of its own, the number of the epoch, so
//! that a recovery can ask the cluster whether the checkpoint that was prepared for that epoch counts.
//!
//! A transaction is never aborted here. An abort can overtake what was sent before it, and after a long outage it fails for good; to take the
//! transactional id over again does the same and always works, so whatever fails ends the attempt, and the next one's [`Transaction::open`] undoes it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError as Cause, KafkaResult, RDKafkaErrorCode as Rejection};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::deliveries::{Deliveries, Undelivered};
use super::error::{Outlook, outlook, outlook_of};
use super::inquiry::Inquiry;
use super::{Cluster, KafkaError, Listener, SOCKET_TIMEOUT, native};
use crate::connection::Services;
use crate::pipeline::plan::TransactionPlan;
use crate::pipeline::{Halt, Waits};

/// Who waits, for those who look at what is waited for.
const WHO: &str = "transaction";

/// How long one call may take before it is looked whether the attempt is over. The call is then taken up again.
const STEP: Duration = Duration::from_millis(250);

/// The same while only deliveries are waited for, which is no call to the brokers.
const FINE_STEP: Duration = Duration::from_millis(20);

/// What takes longer is said to be waited for.
const NOTICEABLE: Duration = Duration::from_secs(1);

/// What a producer is told unless the manifest says otherwise. Records go to the partition where any other client would put their key.
const DEFAULTS: &[(&str, &str)] = &[
    ("linger.ms", "5"),
    ("compression.type", "lz4"),
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.kbytes", "32768"),
    ("queue.buffering.max.messages", "100000"),
];

/// What a task writes to Kafka. There is one an attempt: when anything fails it is dropped, and the next attempt's own undoes what it left open.
pub struct Transaction {
    id: String,
    topic: String,
    cluster: Arc<Cluster>,
    producer: ThreadedProducer<Deliveries>,
    deliveries: Deliveries,
    /// Where the number of the committed epoch is kept.
    group: BaseConsumer<Listener>,
    member: ConsumerGroupMetadata,
    /// Since when a transaction is open, if one is.
    open_since: Mutex<Option<Instant>>,
    waits: Arc<Waits>,
    halt: Halt,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transaction")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition; chosen by the key if there is none.
    pub partition: Option<i32>,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; none makes a tombstone.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since the Unix epoch; the time of writing if there is none.
    pub timestamp: Option<i64>,
    /// Names and values beside the record.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Message<'a> {
    fn record(&self) -> BaseRecord<'a, [u8], [u8]> {
        let mut record = BaseRecord::to(self.topic);
        record.partition = self.partition;
        record.key = self.key;
        record.payload = self.value;
        record.timestamp = self.timestamp;
        if !self.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(self.headers.len());
            let with = |headers: OwnedHeaders, &(key, value): &(&str, &[u8])| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            };
            record.headers = Some(self.headers.iter().fold(headers, with));
        }
        record
    }

    fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }
}

fn configuration(cluster: &Cluster) -> ClientConfig {
    let timeout = cluster.transaction_timeout();
    let socket_timeout = SOCKET_TIMEOUT.min(timeout).as_millis().to_string();
    // librdkafka wants a broker to be given up before the transaction is.
    let mut defaults = vec![("socket.timeout.ms", socket_timeout.as_str())];
    defaults.extend(DEFAULTS);
    let mut config = cluster.client_with(&defaults);
    config.set("transaction.timeout.ms", timeout.as_millis().to_string());
    config
}

impl Transaction {
    /// Takes over the transactional id: whoever had it is fenced, and what they left open is aborted. Waits for the cluster as long as it takes.
    ///
    /// # Errors
    /// [`KafkaError`] where the cluster refuses, or the attempt is over first.
    pub fn open(
        services: &Services,
        plan: &TransactionPlan,
        waits: &Arc<Waits>,
        halt: &Halt,
    ) -> Result<Self, KafkaError> {
        let Some(cluster) = services.kafka(&plan.connection) else {
            return Err(KafkaError::Settings {
                connection: plan.connection.clone(),
                reason: "there is no Kafka connection of this name".to_owned(),
            });
        };
        let deliveries = Deliveries::new(Listener::new(cluster.name()));
        let producer: ThreadedProducer<Deliveries> = configuration(cluster)
            .set("transactional.id", &plan.id)
            .set("enable.idempotence", "true")
            .create_with_context(deliveries.clone())
            .map_err(|error| cluster.unusable(&error))?;
        let group: BaseConsumer<Listener> = cluster
            .consumer(&plan.id)
            .create_with_context(deliveries.listener.clone())
            .map_err(|error| cluster.unusable(&error))?;
        let Some(member) = group.group_metadata() else {
            return Err(KafkaError::Settings {
                connection: plan.connection.clone(),
                reason: format!("`{}` cannot be the name of a group", plan.id),
            });
        };
        let transaction = Self {
            id: plan.id.clone(),
            topic: plan.topic.clone(),
            cluster: Arc::clone(cluster),
            producer,
            deliveries,
            group,
            member,
            open_since: Mutex::new(None),
            waits: Arc::clone(waits),
            halt: halt.clone(),
        };
        transaction.call("the start of transactions", |producer| {
            producer.init_transactions(STEP)
        })?;
        Ok(transaction)
    }

    /// The epoch that was committed last; none if none ever was.
    ///
    /// # Errors
    /// [`KafkaError`] where the cluster refuses, or the attempt is over first.
    pub fn committed(&self) -> Result<Option<u64>, KafkaError> {
        let inquiry = Inquiry {
            cluster: &self.cluster,
            listener: &self.deliveries.listener,
            who: WHO,
            waits: &self.waits,
            halt: &self.halt,
        };
        let committed = inquiry.committed(&self.group, &self.topic, 1)?;
        let epoch = committed.into_iter().flatten().next();
        Ok(epoch.and_then(|epoch| u64::try_from(epoch).ok()))
    }

    /// What it means that the cluster knows no committed epoch, although one is known to have been committed before `epoch` was written.
    pub(crate) fn forgotten(&self, epoch: u64) -> KafkaError {
        KafkaError::Forgotten {
            id: self.id.clone(),
            topic: self.topic.clone(),
            epoch,
        }
    }

    /// Adds a record to the epoch, from any thread. Waits while there is no room.
    ///
    /// # Errors
    /// [`KafkaError::RecordTooLarge`] for a record that is larger than `message.max.bytes`, which harms nothing; else the attempt cannot go on.
    pub fn send(&self, message: Message<'_>) -> Result<(), KafkaError> {
        self.begin()?;
        let mut record = message.record();
        let mut patience = Patience::new(self);
        loop {
            let (error, given_back) = match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            match error.rdkafka_error_code() {
                Some(Rejection::QueueFull) => record = given_back,
                Some(Rejection::MessageSizeTooLarge) => {
                    return Err(KafkaError::RecordTooLarge {
                        topic: message.topic.to_owned(),
                        bytes: message.bytes(),
                        limit: "`message.max.bytes` of the client".to_owned(),
                    });
                }
                _ => return Err(self.failure("a record", &error)),
            }
            patience.go_on()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the cluster has everything that was sent.
    ///
    /// # Errors
    /// [`KafkaError`] with why the first record that was not delivered was not.
    pub fn flush(&self) -> Result<(), KafkaError> {
        let mut patience = Patience::new(self);
        while !native::flush(&self.producer, FINE_STEP) {
            patience.go_on()?;
        }
        self.check_deliveries()
    }

    /// Makes everything that was sent since the last commit true, and that `epoch` is committed, also if nothing was sent.
    ///
    /// # Errors
    /// [`KafkaError`]; whether the epoch was committed all the same is then for [`committed`](Self::committed) of the next attempt to say.
    pub fn commit(&self, epoch: u64) -> Result<(), KafkaError> {
        self.begin()?;
        self.flush()?;
        let mark = self.mark(epoch)?;
        self.call("the number of the epoch", |producer| {
            producer.send_offsets_to_transaction(&mark, &self.member, STEP)
        })?;
        self.call("the commit", |producer| producer.commit_transaction(STEP))?;
        *self.open_since() = None;
        // Serves what the client has to say; nobody else does.
        self.group.poll(Duration::ZERO);
        Ok(())
    }

    fn mark(&self, epoch: u64) -> Result<TopicPartitionList, KafkaError> {
        let offset = i64::try_from(epoch).unwrap_or(i64::MAX);
        let mut mark = TopicPartitionList::new();
        mark.add_partition_offset(&self.topic, 0, Offset::Offset(offset))
            .map_err(|error| self.failure("the number of the epoch", &error))?;
        if let Some(mut element) = mark.find_partition(&self.topic, 0) {
            element.set_metadata(format!("jackfield epoch {epoch}"));
        }
        Ok(mark)
    }

    /// Opens a transaction unless one is open.
    fn begin(&self) -> Result<(), KafkaError> {
        let mut open_since = self.open_since();
        if open_since.is_none() {
            self.producer
                .begin_transaction()
                .map_err(|error| self.failure("its beginning", &error))?;
            *open_since = Some(Instant::now());
        }
        Ok(())
    }

    fn open_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.open_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call to the brokers, and takes it up again for as long as they do not answer.
    fn call(
        &self,
        request: &str,
        call: impl Fn(&ThreadedProducer<Deliveries>) -> KafkaResult<()>,
    ) -> Result<(), KafkaError> {
        let mut patience = Patience::new(self);
        loop {
            match call(&self.producer) {
                Ok(()) => return Ok(()),
                Err(error) if outlook(&error) == Outlook::Passes => patience.go_on()?,
                Err(error) => return Err(self.failure(request, &error)),
            }
        }
    }

    fn check_deliveries(&self) -> Result<(), KafkaError> {
        let Some(Undelivered {
            topic,
            bytes,
            cause,
        }) = self.deliveries.failure()
        else {
            return Ok(());
        };
        match cause.rdkafka_error_code() {
            Some(Rejection::MessageSizeTooLarge | Rejection::MessageBatchTooLarge) => {
                Err(KafkaError::RecordTooLarge {
                    topic,
                    bytes,
                    limit: "`max.message.bytes` of the topic, or `message.max.bytes` of the broker"
                        .to_owned(),
                })
            }
            _ => Err(self.failure(&format!("a record for the topic `{topic}`"), &cause)),
        }
    }

    /// What a call that failed means. A fatal error of the client says more than what the call gave.
    fn failure(&self, request: &str, cause: &Cause) -> KafkaError {
        let fatal = self.producer.client().fatal_error();
        let (rejection, reason) = match fatal {
            Some((rejection, reason)) => (Some(rejection), reason),
            None => (cause.rdkafka_error_code(), cause.to_string()),
        };
        let (id, request) = (self.id.clone(), request.to_owned());
        match rejection {
            Some(
                Rejection::Fenced | Rejection::ProducerFenced | Rejection::InvalidProducerEpoch,
            ) if !self.has_expired() => KafkaError::Fenced { id },
            Some(rejection) if outlook_of(rejection) == Outlook::Denied => {
                self.cluster.failure(Outlook::Denied, &request, reason)
            }
            Some(
                Rejection::InvalidTransactionTimeout
                | Rejection::InvalidRecord
                | Rejection::InvalidTimestamp
                | Rejection::InvalidTopic
                | Rejection::PolicyViolation
                | Rejection::UnsupportedForMessageFormat
                | Rejection::UnsupportedVersion,
            ) => self.cluster.failure(Outlook::Stays, &request, reason),
            _ => KafkaError::TransactionFailed {
                id,
                request,
                reason,
            },
        }
    }

    /// Whether the brokers may have given up the transaction by themselves, which looks as if somebody else had taken over.
    fn has_expired(&self) -> bool {
        self.open_since()
            .is_some_and(|since| since.elapsed() >= self.cluster.transaction_timeout())
    }
}

/// Waits for the brokers: says so when it takes long, and ends when the attempt is over or a record could not be delivered.
struct Patience<'a> {
    transaction: &'a Transaction,
    since: Instant,
    told: bool,
}

impl<'a> Patience<'a> {
    fn new(transaction: &'a Transaction) -> Self {
        Self {
            transaction,
            since: Instant::now(),
            told: false,
        }
    }

    fn go_on(&mut self) -> Result<(), KafkaError> {
        let transaction = self.transaction;
        if transaction.halt.is_halted() {
            return Err(KafkaError::Halted);
        }
        transaction.check_deliveries()?;
        let listener = &transaction.deliveries.listener;
        if let Some(reason) = listener.denied() {
            let failure = transaction.cluster.failure(Outlook::Denied, WHO, reason);
            return Err(failure);
        }
        if self.since.elapsed() > NOTICEABLE {
            self.told = true;
            let what = transaction.cluster.silence(listener.trouble().as_deref());
            transaction.waits.begin(WHO, &what);
        }
        Ok(())
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if self.told {
            self.transaction.waits.end(WHO);
        }
    }
}
