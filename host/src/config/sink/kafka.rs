//! A Kafka topic: records and checkpoint become true with one transaction of the cluster.

use crate::config::connection::Topic;
use crate::config::place::Located;
use crate::config::reader::TableReader;

/// What brokers take.
const MOST_PARTITIONS: u32 = 10_000;
const MOST_REPLICAS: u32 = 100;

/// The options of `type = "kafka"`.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaSink {
    /// The name of a connection of the manifest, of the kind `kafka`.
    pub connection: Located<String>,
    /// The topic.
    pub topic: Located<String>,
    /// The field of a record, which is then a JSON object, whose value becomes the key; the record's own key by default.
    pub key: Option<Located<String>>,
    /// How the topic is made if it is missing; none: that is an error.
    pub create_topic: Option<CreateTopic>,
}

/// How a topic is made: `create-topic = { partitions = 4, replication-factor = 1 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateTopic {
    /// How many partitions it has.
    pub partitions: u32,
    /// On how many brokers each of them is kept.
    pub replication_factor: u32,
}

impl CreateTopic {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        let partitions = table.required_within("partitions", 1..=MOST_PARTITIONS);
        let replication_factor = table.required_within("replication-factor", 1..=MOST_REPLICAS);
        Some(Self {
            partitions: partitions?.value,
            replication_factor: replication_factor?.value,
        })
    }
}

impl KafkaSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let topic = Topic::read_required(table);
        let key = table.optional("key");
        let create_topic = table.optional_table("create-topic", CreateTopic::read);
        Some(Self {
            connection: connection?,
            topic: topic?,
            key,
            create_topic,
        })
    }
}
