//! What librdkafka says of its own accord: log lines, and troubles with brokers. Neither stops anything by itself: librdkafka goes on trying, and whoever
//! waits for an answer says so.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError as Cause, KafkaResult, RDKafkaErrorCode as Rejection};
use rdkafka::statistics::Statistics;
use rdkafka::{ClientConfig, TopicPartitionList};

use super::error::{Outlook, outlook};

/// Listens to a client. Cloning shares what was heard.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    connection: Arc<str>,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The last trouble.
    trouble: Option<String>,
    /// Whether there was trouble since that was asked last.
    fresh: bool,
    /// Why the brokers do not let the host in.
    denied: Option<String>,
}

impl Listener {
    pub(crate) fn new(connection: &str) -> Self {
        Self {
            connection: connection.into(),
            heard: Arc::default(),
        }
    }

    /// The last trouble with the brokers, for people.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.heard().trouble.clone()
    }

    /// Whether there was trouble since this was asked last.
    pub(crate) fn take_news(&self) -> bool {
        std::mem::take(&mut self.heard().fresh)
    }

    /// Why the brokers do not let the host in, if they said so.
    pub(crate) fn denied(&self) -> Option<String> {
        self.heard().denied.clone()
    }

    /// All is well again.
    pub(crate) fn forget(&self) {
        *self.heard() = Heard::default();
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes librdkafka say as much as the log is to show.
pub(crate) fn set_log_level(config: &mut ClientConfig) {
    config.set_log_level(if tracing::enabled!(tracing::Level::DEBUG) {
        RDKafkaLogLevel::Info
    } else {
        RDKafkaLogLevel::Warning
    });
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let connection = &*self.connection;
        // That a broker cannot be reached is said where it is waited for, what becomes of a transaction where it is committed; that a setting is for the other
        // kind of client is of no interest.
        let is_known = matches!(
            facility,
            "FAIL" | "ERROR" | "CONFWARN" | "REQTMOUT" | "TXNERR" | "GETPID"
        );
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
                if !is_known =>
            {
                tracing::warn!(connection, facility, "librdkafka: {message}");
            }
            _ => tracing::debug!(connection, facility, "librdkafka: {message}"),
        }
    }

    fn stats(&self, _statistics: Statistics) {}

    fn error(&self, error: Cause, reason: &str) {
        let connection = &*self.connection;
        tracing::debug!(connection, "librdkafka: {error}: {reason}");
        let mut heard = self.heard();
        heard.fresh = true;
        // That all brokers are down says less than why each of them is.
        let is_sum = error.rdkafka_error_code() == Some(Rejection::AllBrokersDown);
        if !is_sum || heard.trouble.is_none() {
            heard.trouble = Some(reason.to_owned());
        }
        if outlook(&error) == Outlook::Denied || is_untrusted(&error, reason) {
            heard.denied = Some(reason.to_owned());
        }
    }
}

/// Whether a broker showed a certificate that nobody vouches for. librdkafka has one code for this and for a connection that is cut.
fn is_untrusted(error: &Cause, reason: &str) -> bool {
    error.rdkafka_error_code() == Some(Rejection::SSL)
        && reason.contains("certificate verify failed")
}

impl ConsumerContext for Listener {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            let connection = &*self.connection;
            tracing::debug!(
                connection,
                "the offsets for those who watch the lag were not committed: {error}"
            );
        }
    }
}
