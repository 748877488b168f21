//! What fills topics.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::Message;
use super::client::PATIENCE;

/// How batches are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// Appends messages to topics, each once and in order also when the broker crashes and comes back.
pub struct Producer {
    producer: ThreadedProducer<Deliveries>,
    failure: Failure,
}

type Failure = Arc<Mutex<Option<KafkaError>>>;

/// Keeps the first message that could not be delivered.
struct Deliveries {
    failure: Failure,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert_with(|| error.clone());
        }
    }
}

impl Producer {
    pub(super) fn new(mut config: ClientConfig, compression: Compression) -> io::Result<Self> {
        let failure = Failure::default();
        let deliveries = Deliveries {
            failure: Arc::clone(&failure),
        };
        let producer = config
            .set("enable.idempotence", "true")
            .set("compression.type", compression.name())
            // Together, a batch is large enough to be compressed.
            .set("linger.ms", "5")
            .set("message.max.bytes", "16000000")
            .create_with_context(deliveries)
            .map_err(io::Error::other)?;
        Ok(Self { producer, failure })
    }

    /// Hands over a message to be appended to `topic`; waits for room where much is under way.
    ///
    /// # Errors
    /// When the client refuses it.
    pub fn send(&self, topic: &str, message: &Message) -> io::Result<()> {
        let mut record =
            BaseRecord::<[u8], [u8]>::to(topic).partition(message.partition.cast_signed());
        record.key = message.key.as_deref();
        record.payload = message.value.as_deref();
        record.timestamp = message.timestamp;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    record = refused;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(io::Error::other(error)),
            }
        }
    }

    /// Waits until all that was handed over is there.
    ///
    /// # Errors
    /// When a message was not taken.
    pub fn flush(&self) -> io::Result<()> {
        self.producer.flush(PATIENCE).map_err(io::Error::other)?;
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            None => Ok(()),
            Some(error) => Err(io::Error::other(error.clone())),
        }
    }
}
