//! What can go wrong with a Kafka cluster, told apart as far as the remedies differ.

use rdkafka::error::{KafkaError as Cause, RDKafkaErrorCode as Rejection};

use crate::error::Code;

/// A Kafka cluster cannot be used. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    /// The settings of a connection do not go together.
    #[error("the settings of the connection `{connection}` cannot be used: {reason}")]
    Settings {
        /// The name of the connection.
        connection: String,
        /// What librdkafka says of them.
        reason: String,
    },
    /// The brokers do not let the host in, or not to what it asks for.
    #[error("the brokers of `{connection}` deny {request}: {reason}")]
    Denied {
        /// The name of the connection.
        connection: String,
        /// What was asked of them.
        request: String,
        /// What they say.
        reason: String,
    },
    /// The brokers refuse a request, and would do so again.
    #[error("the brokers of `{connection}` refuse {request}: {reason}")]
    Refused {
        /// The name of the connection.
        connection: String,
        /// What was asked of them.
        request: String,
        /// What they say.
        reason: String,
    },
    /// A request failed for a reason that passes.
    #[error("the brokers of `{connection}` do not get through with {request}: {reason}")]
    Interrupted {
        /// The name of the connection.
        connection: String,
        /// What was asked of them.
        request: String,
        /// What they say.
        reason: String,
    },
    /// There is no such topic.
    #[error("the brokers of `{connection}` have no topic `{topic}`")]
    UnknownTopic {
        /// The name of the connection.
        connection: String,
        /// The topic.
        topic: String,
    },
    /// A topic between tasks has another number of partitions than the manifest says.
    #[error("the topic `{topic}` has {found} partitions, and the manifest says {expected}")]
    Partitions {
        /// The topic.
        topic: String,
        /// How many it has.
        found: i32,
        /// How many it should have.
        expected: i32,
    },
    /// A partition does not have the offset to be read next.
    #[error(
        "partition {partition} of the topic `{topic}` is to be read from offset {offset}, and has the offsets {low} to {high}"
    )]
    OffsetOutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset to be read.
        offset: i64,
        /// The earliest that there is.
        low: i64,
        /// The one that will be written next.
        high: i64,
    },
    /// What a checkpoint says of a partition is not what this source says.
    #[error(
        "the last checkpoint says nothing that can be used of the partition `{partition}`: {reason}"
    )]
    Position {
        /// The partition's name.
        partition: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another holder of the transactional id has taken over.
    #[error("another process has taken over the transactions of `{id}`")]
    Fenced {
        /// The transactional id.
        id: String,
    },
    /// A transaction of an epoch came to nothing.
    #[error("the transaction of `{id}` came to nothing at {request}: {reason}")]
    TransactionFailed {
        /// The transactional id.
        id: String,
        /// What was asked of the brokers.
        request: String,
        /// What they say.
        reason: String,
    },
    /// The cluster no longer knows which epoch was committed last.
    #[error(
        "epoch {epoch} counts if its transaction was committed, and the group `{id}` has no offset for the topic `{topic}` that would tell"
    )]
    Forgotten {
        /// The transactional id, which is the group's name too.
        id: String,
        /// The topic.
        topic: String,
        /// The epoch whose checkpoint is undecided.
        epoch: u64,
    },
    /// A record is larger than the client or a broker takes.
    #[error(
        "a record of {bytes} bytes for the topic `{topic}` is larger than may be written: {limit}"
    )]
    RecordTooLarge {
        /// The topic.
        topic: String,
        /// Key and value together.
        bytes: usize,
        /// Which limit it is.
        limit: String,
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
            Self::Settings { .. } => Code::KAFKA_SETTINGS,
            Self::Denied { .. } => Code::KAFKA_DENIED,
            Self::Refused { .. } => Code::KAFKA_REFUSED,
            Self::Interrupted { .. } => Code::KAFKA_INTERRUPTED,
            Self::UnknownTopic { .. } => Code::KAFKA_TOPIC,
            Self::Partitions { .. } => Code::EXCHANGE_PARTITIONS,
            Self::OffsetOutOfRange { .. } => Code::OFFSET_OUT_OF_RANGE,
            Self::Position { .. } => Code::CHECKPOINT_MISMATCH,
            Self::Fenced { .. } => Code::TRANSACTION_FENCED,
            Self::TransactionFailed { .. } => Code::TRANSACTION_FAILED,
            Self::Forgotten { .. } => Code::TRANSACTION_FORGOTTEN,
            Self::RecordTooLarge { .. } => Code::MESSAGE_TOO_LARGE,
            Self::Halted => Code::THREAD_FAILED,
        }
    }

    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Interrupted { .. } | Self::TransactionFailed { .. }
        )
    }
}

/// What is to be thought of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// It passes: the same request may succeed later.
    Passes,
    /// The host is not let in.
    Denied,
    /// It would fail again.
    Stays,
}

/// What is to be thought of a request that failed so.
pub(crate) fn outlook(cause: &Cause) -> Outlook {
    match cause {
        Cause::Transaction(error) if error.is_retriable() => Outlook::Passes,
        // The same codes mean here that the transaction is lost: to take the call up again would fail for ever.
        Cause::Transaction(error) => match outlook_of(error.code()) {
            Outlook::Denied => Outlook::Denied,
            _ => Outlook::Stays,
        },
        Cause::ClientConfig(..) | Cause::ClientCreation(_) | Cause::Nul(_) => Outlook::Stays,
        _ => cause
            .rdkafka_error_code()
            .map_or(Outlook::Stays, outlook_of),
    }
}

pub(crate) fn outlook_of(rejection: Rejection) -> Outlook {
    match rejection {
        Rejection::Authentication
        | Rejection::SaslAuthenticationFailed
        | Rejection::UnsupportedSASLMechanism
        | Rejection::TopicAuthorizationFailed
        | Rejection::GroupAuthorizationFailed
        | Rejection::ClusterAuthorizationFailed
        | Rejection::TransactionalIdAuthorizationFailed => Outlook::Denied,
        Rejection::BrokerDestroy
        | Rejection::BrokerTransportFailure
        | Rejection::Resolve
        | Rejection::MessageTimedOut
        | Rejection::AllBrokersDown
        | Rejection::OperationTimedOut
        | Rejection::NodeUpdate
        | Rejection::SSL
        | Rejection::WaitingForCoordinator
        | Rejection::TimedOutQueue
        | Rejection::WaitCache
        | Rejection::Retry
        | Rejection::UnknownBroker
        | Rejection::LeaderNotAvailable
        | Rejection::NotLeaderForPartition
        | Rejection::RequestTimedOut
        | Rejection::BrokerNotAvailable
        | Rejection::ReplicaNotAvailable
        | Rejection::NetworkException
        | Rejection::CoordinatorLoadInProgress
        | Rejection::CoordinatorNotAvailable
        | Rejection::NotCoordinator
        | Rejection::NotController
        | Rejection::NotEnoughReplicas
        | Rejection::NotEnoughReplicasAfterAppend
        | Rejection::ConcurrentTransactions
        | Rejection::TransactionCoordinatorFenced
        | Rejection::KafkaStorageError
        | Rejection::ReassignmentInProgress
        | Rejection::FencedLeaderEpoch
        | Rejection::UnknownLeaderEpoch
        | Rejection::OffsetNotAvailable
        | Rejection::UnstableOffsetCommit
        | Rejection::ThrottlingQuotaExceeded => Outlook::Passes,
        _ => Outlook::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_restart_of_a_broker_causes_passes() {
        for rejection in [
            Rejection::NotCoordinator,
            Rejection::AllBrokersDown,
            Rejection::UnstableOffsetCommit,
        ] {
            assert_eq!(outlook(&Cause::MetadataFetch(rejection)), Outlook::Passes);
        }
    }

    #[test]
    fn a_wrong_password_is_not_tried_for_ever() {
        let cause = Cause::Global(Rejection::SaslAuthenticationFailed);
        assert_eq!(outlook(&cause), Outlook::Denied);
    }
}
