//! The model's answer as tables.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    ALERTS, ENRICHED, LATE, PARSER, REJECTED, Row, Table, VOLUMES, alert_row, late_row,
    malformed_row, volume_row,
};
use crate::model::{Enriched, Output, Rejected};

impl Output {
    /// The tables that a finished run leaves.
    pub fn tables(&self) -> Vec<Table> {
        let volumes = self
            .volumes
            .iter()
            .map(|((channel, end), volume)| volume_row(channel, *end, *volume));
        // The table's key is that of the document: two matches that end in the same millisecond are one row.
        let alerts: BTreeSet<_> = self
            .alerts
            .iter()
            .map(|alert| (&alert.customer_id, &alert.channel, alert.timestamp))
            .collect();
        let alerts = alerts.into_iter().map(|(customer, channel, timestamp)| {
            alert_row(customer, channel, timestamp, 3, "REPEATED_FAILURE_CALLBACK")
        });
        vec![
            Table {
                name: VOLUMES,
                rows: volumes.collect(),
            },
            Table {
                name: ALERTS,
                rows: alerts.collect(),
            },
            Table {
                name: ENRICHED,
                rows: self.enriched.iter().map(enriched_row).collect(),
            },
            Table {
                name: REJECTED,
                rows: self.rejected.iter().map(rejected_row).collect(),
            },
        ]
    }

    /// Length of the file of enriched interactions.
    pub fn enriched_bytes(&self) -> u64 {
        let line = |enriched| enriched_row(enriched).content.len() as u64 + 1;
        self.enriched.iter().map(line).sum()
    }

    /// How many records each stage refused with each code, by stage and code.
    pub fn rejections(&self) -> std::collections::BTreeMap<(&'static str, &'static str), u64> {
        let mut counts = std::collections::BTreeMap::new();
        for rejected in &self.rejected {
            let reason = match rejected {
                Rejected::Malformed { refusal, .. } => (PARSER, refusal.code()),
                Rejected::Late { stage, .. } => (*stage, LATE),
            };
            *counts.entry(reason).or_default() += 1;
        }
        counts
    }
}

fn enriched_row(enriched: &Enriched) -> Row {
    let Enriched {
        interaction,
        tier,
        region,
    } = enriched;
    let line = json!({
        "interactionId": interaction.interaction_id,
        "customerId": interaction.customer_id,
        "channel": interaction.channel,
        "status": interaction.status,
        "timestamp": interaction.timestamp,
        "tier": tier,
        "region": region,
    });
    Row {
        identity: interaction.interaction_id.clone(),
        content: line.to_string(),
        sequence: Some(interaction.customer_id.clone()),
    }
}

fn rejected_row(rejected: &Rejected) -> Row {
    match rejected {
        Rejected::Malformed { refusal, line } => malformed_row(PARSER, refusal.code(), line),
        Rejected::Late {
            stage,
            key,
            timestamp,
        } => late_row(stage, key.as_bytes(), *timestamp),
    }
}
