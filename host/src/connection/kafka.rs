//! Kafka clusters: how a client is told to reach one, what is asked of it before anything is read or written, and transactions.
//!
//! A cluster that does not answer is no error. Whoever needs an answer waits for it, says so, and gives up when the attempt is over.

mod deliveries;
mod error;
mod inquiry;
mod listener;
mod membership;
mod native;
mod transaction;

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use secrecy::{ExposeSecret, SecretString};

pub use error::KafkaError;
pub(crate) use error::{Outlook, outlook_of};
pub(crate) use inquiry::{Bounds, Inquiry, Wanted};
pub(crate) use listener::Listener;
pub use membership::{Assignee, Membership};
pub(crate) use native::{Message as Taken, PartitionQueue};
pub use transaction::{Message, Transaction};

use crate::config::{Diagnostic, Diagnostics, Environment, KafkaConnection, Located, code};

/// How long a broker may be silent before it counts as gone. librdkafka's own 60 s would keep a pipeline in the dark for as long.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(10);

/// Milliseconds between two tries to connect at most, so that a broker that is back is noticed soon.
const LONGEST_RECONNECT_PAUSE: &str = "500";

/// A Kafka cluster, and how one is let in.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    servers: String,
    settings: Vec<(String, String)>,
    secrets: Vec<(String, SecretString)>,
    transaction_timeout: Duration,
}

/// Whether librdkafka takes a value of a setting, as far as that can be told of one alone.
fn is_taken(setting: &str, value: &str) -> bool {
    ClientConfig::new()
        .set(setting, value)
        .create_native_config()
        .is_ok()
}

/// What librdkafka says of the value may quote it, and it is a secret.
fn refused(setting: &Located<String>) -> Diagnostic {
    let problem = format!("librdkafka does not take the secret that is found for `{setting}`");
    Diagnostic::new(&code::MALFORMED_VALUE, setting.place.clone(), problem)
        .help("librdkafka's CONFIGURATION.md says what it takes")
}

impl Cluster {
    /// From the options of a manifest, secrets revealed. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says, or not one that librdkafka takes.
    pub fn of(
        name: &str,
        options: &KafkaConnection,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut secrets = Vec::new();
        for (setting, secret) in &options.secrets {
            match secret.reveal(environment) {
                Ok(secret) if is_taken(setting, &secret) => {
                    secrets.push((setting.value.clone(), secret.into()));
                }
                Ok(_) => found.push(refused(setting)),
                Err(missing) => found.push(*missing),
            }
        }
        let servers: Vec<&str> = options
            .bootstrap_servers
            .iter()
            .map(|server| server.value.as_str())
            .collect();
        let setting = |(name, value): &(Located<String>, Located<String>)| {
            (name.value.clone(), value.value.clone())
        };
        found.into_result(Self {
            name: name.to_owned(),
            servers: servers.join(","),
            settings: options.settings.iter().map(setting).collect(),
            secrets,
            transaction_timeout: options.transaction_timeout.value,
        })
    }

    /// The name that the manifest gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The brokers that are asked for the others: `HOST:PORT,HOST:PORT`.
    #[must_use]
    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// For how long the brokers keep a transaction open without hearing of its end.
    #[must_use]
    pub fn transaction_timeout(&self) -> Duration {
        self.transaction_timeout
    }

    /// What any client is told.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        self.client_with(&[])
    }

    /// What a client is told that has defaults of its own. What the manifest says comes behind them; names that would break a guarantee are refused when it
    /// is read.
    pub(crate) fn client_with(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        listener::set_log_level(&mut config);
        config
            .set("client.id", "jackfield")
            .set("socket.timeout.ms", SOCKET_TIMEOUT.as_millis().to_string())
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", LONGEST_RECONNECT_PAUSE)
            .set("socket.keepalive.enable", "true");
        if self.uses_tls() {
            // OpenSSL is linked in, and would look for the system's certificates where the machine that built it had them.
            config.set("ssl.ca.location", "probe");
        }
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in &self.settings {
            config.set(name, value);
        }
        for (name, value) in &self.secrets {
            config.set(name, value.expose_secret());
        }
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// What a consumer is told: it is assigned its partitions by hand, commits only what it is told to, and sees only what is true.
    #[must_use]
    pub fn consumer(&self, group: &str) -> ClientConfig {
        self.consumer_with(group, &[])
    }

    pub(crate) fn consumer_with(&self, group: &str, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = self.client_with(defaults);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true");
        config
    }

    fn uses_tls(&self) -> bool {
        let says_otherwise = |name: &str| name.starts_with("ssl.ca.");
        let is_ssl = |(name, value): &(String, String)| {
            name == "security.protocol" && value.to_ascii_lowercase().contains("ssl")
        };
        self.settings.iter().any(is_ssl)
            && !self.settings.iter().any(|(name, _)| says_otherwise(name))
            && !self.secrets.iter().any(|(name, _)| says_otherwise(name))
    }

    /// A client that makes topics.
    ///
    /// # Errors
    /// [`KafkaError::Settings`]
    pub(crate) fn admin(&self, listener: &Listener) -> Result<AdminClient<Listener>, KafkaError> {
        self.client()
            .create_with_context(listener.clone())
            .map_err(|error| self.unusable(&error))
    }

    /// A client could not be made of the settings. What librdkafka says of a setting may quote its value, which may be a secret.
    pub(crate) fn unusable(&self, error: &rdkafka::error::KafkaError) -> KafkaError {
        let reason = match error {
            rdkafka::error::KafkaError::ClientConfig(_, _, name, _) => {
                format!("`{name}` does not have a value that librdkafka takes")
            }
            error => error.to_string(),
        };
        KafkaError::Settings {
            connection: self.name.clone(),
            reason,
        }
    }

    /// A request failed for good, or was given up.
    pub(crate) fn failure(&self, outlook: Outlook, request: &str, reason: String) -> KafkaError {
        let (connection, request) = (self.name.clone(), request.to_owned());
        match outlook {
            Outlook::Denied => KafkaError::Denied {
                connection,
                request,
                reason,
            },
            Outlook::Stays => KafkaError::Refused {
                connection,
                request,
                reason,
            },
            Outlook::Passes => KafkaError::Interrupted {
                connection,
                request,
                reason,
            },
        }
    }

    /// What is waited for while the brokers do not answer.
    pub(crate) fn silence(&self, trouble: Option<&str>) -> String {
        let Self { name, servers, .. } = self;
        match trouble {
            Some(trouble) => {
                format!("the brokers of `{name}` ({servers}) do not answer: {trouble}")
            }
            None => format!("the brokers of `{name}` ({servers}) do not answer"),
        }
    }
}
