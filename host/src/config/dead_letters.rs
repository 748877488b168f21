//! Where rejected records are kept until someone looks at them and replays them.

use crate::config::connection::Topic;
use crate::config::kind::{self, Kind};
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::sink::CreateTopic;

/// The dead-letter queue: `[dead-letters]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DeadLetters {
    /// Kept with the checkpoints: a table in their SQLite file, or objects beside them, true together with the checkpoint. The default.
    #[default]
    Sqlite,
    /// A Kafka topic, true together with the checkpoint.
    Kafka(KafkaDeadLetters),
}

/// The options of `type = "kafka"`.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaDeadLetters {
    /// The name of a connection of the manifest, of the kind `kafka`.
    pub connection: Located<String>,
    /// The topic.
    pub topic: Located<String>,
    /// How the topic is made if it is missing; none: that is an error.
    pub create_topic: Option<CreateTopic>,
}

const KINDS: &[Kind<DeadLetters>] = &[
    Kind {
        name: "sqlite",
        read: |_| Some(DeadLetters::Sqlite),
    },
    Kind {
        name: "kafka",
        read: |table| KafkaDeadLetters::read(table).map(DeadLetters::Kafka),
    },
];

impl DeadLetters {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        kind::read(table, KINDS)
    }

    /// The topic, if it is one.
    #[must_use]
    pub fn topic(&self) -> Option<&KafkaDeadLetters> {
        match self {
            Self::Sqlite => None,
            Self::Kafka(options) => Some(options),
        }
    }
}

impl KafkaDeadLetters {
    fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let topic = Topic::read_required(table);
        let create_topic = table.optional_table("create-topic", CreateTopic::read);
        Some(Self {
            connection: connection?,
            topic: topic?,
            create_topic,
        })
    }
}
