//! A Kafka topic: records and checkpoint become true with one transaction of the cluster.

use crate::config::place::Located;
use crate::config::reader::TableReader;

/// The options of `type = "kafka"`.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaSink {
    /// The name of a connection of the manifest, of the kind `kafka`.
    pub connection: Located<String>,
    /// The topic.
    pub topic: Located<String>,
}

impl KafkaSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let topic = table.required("topic");
        Some(Self {
            connection: connection?,
            topic: topic?,
        })
    }
}
