//! How records with keys get to the one who works for their key: within a process, or through topics between several.

use crate::config::manifest::KEY_GROUPS;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

const DEFAULT_PARTITIONS: u16 = 8;
/// Kafka's own limit for a replication factor, an INT16.
const MOST_REPLICAS: u16 = 32_767;

/// The exchange of records between stages: `exchange` and its options in `[pipeline]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// What it goes through; [`ExchangeKind::Memory`] by default.
    pub kind: Located<ExchangeKind>,
    /// Partitions of each topic that it makes, and so the most tasks that stages with keys are spread over; 8 by default.
    pub partitions: Located<u16>,
    /// Copies of each topic that it makes; what the cluster makes of new topics by default.
    pub replication_factor: Option<Located<u16>>,
}

/// What records between stages go through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExchangeKind {
    /// The memory of one process, which then runs the whole pipeline.
    #[default]
    Memory,
    /// Topics of the Kafka cluster that the sources read, so that several processes can share the work.
    Kafka,
}

impl Read for ExchangeKind {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, &[("memory", Self::Memory), ("kafka", Self::Kafka)])
    }
}

impl Exchange {
    pub(super) fn read(table: &TableReader<'_>) -> Self {
        let kind = table.optional("exchange");
        let partitions = table.optional_within("exchange-partitions", 1..=KEY_GROUPS);
        let replication_factor =
            table.optional_within("exchange-replication-factor", 1..=MOST_REPLICAS);
        Self {
            kind: kind.unwrap_or_else(|| table.default(ExchangeKind::default())),
            partitions: partitions.unwrap_or_else(|| table.default(DEFAULT_PARTITIONS)),
            replication_factor,
        }
    }
}
