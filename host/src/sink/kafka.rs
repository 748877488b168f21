//! Topics of Kafka. Records become visible with the transaction that the task commits for the epoch.

mod key;

use std::sync::Arc;

use super::{Misfit, Opening, Sink, SinkError};
use crate::config;
use crate::connection::kafka::{Inquiry, KafkaError, Listener, Message, Transaction};
use crate::record::{Batch, NO_EVENT_TIME};
use key::field;

/// A topic.
pub(super) struct KafkaSink {
    topic: String,
    key: Option<String>,
    transaction: Arc<Transaction>,
}

impl KafkaSink {
    /// The topic has to be there, or is made if the manifest says so.
    pub(super) fn open(
        options: &config::KafkaSink,
        opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        let connection = &options.connection.value;
        let unusable = |reason: &str| KafkaError::Settings {
            connection: connection.clone(),
            reason: reason.to_owned(),
        };
        let cluster = opening
            .services
            .kafka(connection)
            .ok_or_else(|| unusable("there is no Kafka connection of this name"))?;
        let transaction = opening
            .transaction
            .ok_or_else(|| unusable("the task has no transaction"))?;
        let inquiry = Inquiry {
            cluster,
            listener: &Listener::new(cluster.name()),
            who: &format!("sink {}", opening.name),
            waits: opening.waits,
            halt: opening.halt,
        };
        let topic = &options.topic.value;
        inquiry.provide(topic, options.create_topic)?;
        Ok(Self {
            topic: topic.clone(),
            key: options.key.as_ref().map(|key| key.value.clone()),
            transaction: Arc::clone(transaction),
        })
    }
}

impl Sink for KafkaSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut misfits = Vec::new();
        for index in 0..batch.len() {
            let record = batch.record(index);
            let mut misfit = |message| misfits.push(Misfit { index, message });
            let own = (!batch.keys.is_empty()).then_some(record.key);
            let taken;
            let key = match &self.key {
                None => own,
                Some(name) => match field(record.value, name) {
                    Ok(value) => {
                        taken = value;
                        Some(taken.as_bytes())
                    }
                    Err(message) => {
                        misfit(message);
                        continue;
                    }
                },
            };
            // Kafka has no times before 1970.
            let timestamp = (record.timestamp != NO_EVENT_TIME && record.timestamp >= 0)
                .then_some(record.timestamp);
            let sent = self.transaction.send(Message {
                topic: &self.topic,
                partition: None,
                key,
                value: Some(record.value),
                timestamp,
                headers: &[],
            });
            match sent {
                Err(error @ KafkaError::RecordTooLarge { .. }) => misfit(error.to_string()),
                sent => sent?,
            }
        }
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.transaction.flush()?;
        Ok(serde_json::json!({}))
    }
}
