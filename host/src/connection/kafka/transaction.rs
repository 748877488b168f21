//! What a task writes to Kafka in an epoch, as one transaction.
//!
//! The transaction is the moment at which an epoch becomes true: it also commits, as the offset of a group of its own, the number of the epoch, so
//! that a recovery can ask the cluster whether the checkpoint that was prepared for that epoch counts.

use std::sync::Arc;

use crate::connection::Services;
use crate::error::Code;
use crate::pipeline::plan::TransactionPlan;
use crate::pipeline::{Halt, Waits};

/// A Kafka cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// Another holder of the transactional id has taken over.
    #[error("another process has taken over the transactions of `{id}`")]
    Fenced {
        /// The transactional id.
        id: String,
    },
    /// The attempt is over.
    #[error("the pipeline is stopping")]
    Halted,
}

impl KafkaError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Fenced { .. } | Self::Halted => Code::THREAD_FAILED,
        }
    }

    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// What a task writes to Kafka. There is one an attempt: when anything fails it is dropped, and the next attempt's own undoes what it left open.
#[derive(Debug)]
pub struct Transaction {}

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

impl Transaction {
    /// Takes over the transactional id: whoever had it is fenced, and what they left open is aborted. Waits for the cluster as long as it takes.
    ///
    /// # Errors
    /// [`KafkaError`]
    pub fn open(
        _services: &Services,
        _plan: &TransactionPlan,
        _waits: &Arc<Waits>,
        _halt: &Halt,
    ) -> Result<Self, KafkaError> {
        Ok(Self {})
    }

    /// The epoch that was committed last; none if none ever was.
    ///
    /// # Errors
    /// [`KafkaError`]
    pub fn committed(&self) -> Result<Option<u64>, KafkaError> {
        Ok(None)
    }

    /// Adds a record to the epoch. Waits while there is no room.
    ///
    /// # Errors
    /// [`KafkaError`]
    pub fn send(&self, _message: Message<'_>) -> Result<(), KafkaError> {
        Ok(())
    }

    /// Waits until the cluster has everything that was sent.
    ///
    /// # Errors
    /// [`KafkaError`]
    pub fn flush(&self) -> Result<(), KafkaError> {
        Ok(())
    }

    /// Makes everything that was sent since the last commit true, and that `epoch` is committed. Everything was flushed before.
    ///
    /// # Errors
    /// [`KafkaError`]
    pub fn commit(&self, _epoch: u64) -> Result<(), KafkaError> {
        Ok(())
    }
}
