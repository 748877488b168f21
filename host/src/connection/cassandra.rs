//! Cassandra clusters.
//!
//! One session a process and connection: it keeps connections to every node, comes back by itself when a node does, and is shared by all sinks.

mod error;
mod tls;

pub use error::CassandraError;

use std::fmt;
use std::time::Duration;

use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::{OpenSsl010Config, Session};
use scylla::client::session_builder::SessionBuilder;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio::sync::OnceCell;

use crate::config::{CassandraConnection, Diagnostics, Environment, Secret};

/// A node that says nothing for so long is taken for gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A Cassandra cluster, and how one is let in.
pub struct Cluster {
    name: String,
    nodes: Vec<String>,
    datacenter: Option<String>,
    credentials: Option<(SecretString, SecretString)>,
    tls: Option<OpenSsl010Config>,
    timeout: Duration,
    session: OnceCell<Arc<Session>>,
    creation: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("name", &self.name)
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// From the options of a manifest, secrets revealed and certificates read. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret and certificate that is not where the manifest says.
    pub fn of(
        name: &str,
        options: &CassandraConnection,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        let mut reveal = |secret: &Option<Secret>| {
            let revealed = secret.as_ref()?.reveal(environment);
            revealed
                .map_err(|missing| wrong.push(*missing))
                .ok()
                .map(SecretString::from)
        };
        let username = reveal(&options.username);
        let password = reveal(&options.password);
        let tls = match options.tls.as_ref().map(tls::context).transpose() {
            Ok(tls) => tls,
            Err(unusable) => {
                wrong.push(*unusable);
                None
            }
        };
        wrong.into_result(Self {
            name: name.to_owned(),
            nodes: options
                .nodes
                .iter()
                .map(|node| node.value.clone())
                .collect(),
            datacenter: options.datacenter.as_ref().map(|name| name.value.clone()),
            credentials: username.zip(password),
            tls,
            timeout: options.timeout,
            session: OnceCell::new(),
            creation: tokio::sync::Mutex::default(),
        })
    }

    /// Held by whoever makes keyspaces and tables: statements that change the schema at the same time can undo each other.
    pub(crate) fn creation(&self) -> &tokio::sync::Mutex<()> {
        &self.creation
    }

    /// The name that the manifest gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The session, begun at the first call that reaches a node.
    ///
    /// # Errors
    /// [`CassandraError`] where no node answers or lets the host in.
    pub async fn session(&self) -> Result<Arc<Session>, CassandraError> {
        let session = self.session.get_or_try_init(|| self.connect()).await?;
        Ok(Arc::clone(session))
    }

    async fn connect(&self) -> Result<Arc<Session>, CassandraError> {
        let profile = ExecutionProfile::builder()
            .request_timeout(Some(self.timeout))
            .build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&self.nodes)
            .connection_timeout(self.timeout)
            .keepalive_timeout(KEEPALIVE_TIMEOUT)
            .default_execution_profile_handle(profile.into_handle())
            .tls_context(self.tls.clone());
        if let Some(datacenter) = &self.datacenter {
            builder = builder.prefer_datacenter(datacenter.clone());
        }
        if let Some((username, password)) = &self.credentials {
            builder = builder.user(username.expose_secret(), password.expose_secret());
        }
        let session = builder
            .build()
            .await
            .map_err(|error| CassandraError::connecting(&self.name, error))?;
        self.datacenter_exists(&session)?;
        Ok(Arc::new(session))
    }

    /// A data centre that is not there is not one whose nodes are down, and is not worth waiting for.
    fn datacenter_exists(&self, session: &Session) -> Result<(), CassandraError> {
        let Some(wanted) = &self.datacenter else {
            return Ok(());
        };
        let state = session.get_cluster_state();
        let mut found: Vec<&str> = state
            .get_nodes_info()
            .iter()
            .filter_map(|node| node.datacenter.as_deref())
            .collect();
        if found.contains(&wanted.as_str()) {
            return Ok(());
        }
        found.sort_unstable();
        found.dedup();
        Err(CassandraError::Datacenter {
            connection: self.name.clone(),
            found: found.join(", "),
            expected: wanted.clone(),
        })
    }
}
