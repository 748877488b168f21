//! A Kafka cluster. What librdkafka can be told is passed through to it, secrets by environment variable or file.

mod setting;
mod topic;

use std::time::Duration;

use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::secret::Secret;

pub(crate) use topic::Topic;

const SHORTEST_TRANSACTION: Duration = Duration::from_secs(1);
/// What brokers allow by default (`transaction.max.timeout.ms`).
const LONGEST_TRANSACTION: Duration = Duration::from_mins(15);

/// The options of `type = "kafka"`.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaConnection {
    /// `HOST:PORT` of brokers that are asked for the others; at least one.
    pub bootstrap_servers: Vec<Located<String>>,
    /// Settings for librdkafka by its own names, for TLS, SASL and tuning.
    pub settings: Vec<(Located<String>, Located<String>)>,
    /// Settings for librdkafka whose values are secrets.
    pub secrets: Vec<(Located<String>, Secret)>,
    /// For how long the brokers keep a transaction open without hearing of its end.
    pub transaction_timeout: Located<Duration>,
}

impl KafkaConnection {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let bootstrap_servers = table.required_one_or_more("bootstrap-servers");
        let settings = table.optional_entries(
            "settings",
            "settings = { \"security.protocol\" = \"SASL_SSL\" }",
            setting::read,
        );
        let secrets = table.optional_entries(
            "secrets",
            "secrets = { \"sasl.password\" = { env = \"KAFKA_PASSWORD\" } }",
            setting::read_secret,
        );
        let transaction_timeout = table.optional_within(
            "transaction-timeout",
            SHORTEST_TRANSACTION..=LONGEST_TRANSACTION,
        );
        let (settings, secrets) = (settings?, secrets?);
        setting::refuse_twins(&settings, &secrets, table.context());
        Some(Self {
            bootstrap_servers: bootstrap_servers?,
            settings,
            secrets,
            transaction_timeout: transaction_timeout
                .unwrap_or_else(|| table.default(LONGEST_TRANSACTION)),
        })
    }
}
