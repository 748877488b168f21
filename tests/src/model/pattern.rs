//! Repeated failures followed by a callback, found by trying every place: the interactions of a customer in event time,
//! and among them each four neighbours.

use std::collections::BTreeMap;

use super::{Alert, Interaction};

/// From the first failure to the callback it takes less than this, in milliseconds.
const WITHIN: i64 = 30_000;

/// The interactions of every customer that were not late.
#[derive(Debug, Default)]
pub struct CallbackPattern {
    customers: BTreeMap<String, Vec<Interaction>>,
}

impl CallbackPattern {
    pub fn add(&mut self, interaction: &Interaction) {
        self.customers
            .entry(interaction.customer_id.clone())
            .or_default()
            .push(interaction.clone());
    }

    pub fn matches(mut self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for interactions in self.customers.values_mut() {
            // Stable: those of one time stay in order of arrival.
            interactions.sort_by_key(|interaction| interaction.timestamp);
            alerts.extend(interactions.windows(4).filter_map(alert));
        }
        alerts
    }
}

fn alert(neighbours: &[Interaction]) -> Option<Alert> {
    let (callback, failures) = neighbours.split_last()?;
    let matches = callback.status == "CALLBACK_REQUEST"
        && failures.iter().all(|failure| failure.status == "FAILURE")
        && callback.timestamp - failures[0].timestamp < WITHIN;
    matches.then(|| Alert {
        customer_id: callback.customer_id.clone(),
        channel: callback.channel.clone(),
        timestamp: callback.timestamp,
        interaction_ids: std::array::from_fn(|index| neighbours[index].interaction_id.clone()),
    })
}
