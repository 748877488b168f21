//! What is in the tables of a cluster.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::PagingState;
use scylla::statement::Statement;
use serde_json::Value;
use tokio::runtime::Runtime;

/// No answer of a node takes longer, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who can reach a cluster.
#[derive(Debug)]
pub struct CassandraClient {
    address: String,
    /// Of a secure node: whose certificate is trusted.
    trusted: Option<PathBuf>,
    runtime: Runtime,
    /// None before the first question and after a crash: a session does not notice at once that its node is back.
    session: Mutex<Option<Arc<Session>>>,
}

impl CassandraClient {
    /// The user of a secure node.
    pub const USER: &str = "cassandra";
    /// The user's password.
    pub const PASSWORD: &str = "cassandra";

    /// Of the cluster of the node at `HOST:PORT`, which is not asked yet; a secure one if there is a certificate to trust.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn of(address: &str, trusted: Option<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            address: address.into(),
            trusted,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
            session: Mutex::default(),
        })
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Executes a statement of CQL that gives no rows.
    ///
    /// # Errors
    /// When the node refuses it.
    pub fn execute(&self, statement: &str) -> io::Result<()> {
        let session = self.session()?;
        self.runtime
            .block_on(session.query_unpaged(statement, ()))
            .map(|_| ())
            .map_err(io::Error::other)
    }

    /// All rows of a table, `KEYSPACE.TABLE`, as JSON objects, ordered by their text.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn rows(&self, table: &str) -> io::Result<Vec<Value>> {
        let session = self.session()?;
        let mut texts = self
            .runtime
            .block_on(read(&session, &format!("SELECT JSON * FROM {table}")))?;
        texts.sort_unstable();
        texts
            .iter()
            .map(|text| serde_json::from_str(text).map_err(io::Error::other))
            .collect()
    }

    fn session(&self) -> io::Result<Arc<Session>> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*session {
            return Ok(Arc::clone(session));
        }
        let builder = SessionBuilder::new()
            .known_node(&self.address)
            .connection_timeout(PATIENCE);
        let builder = match &self.trusted {
            Some(authority) => secured(builder, authority)?,
            None => builder,
        };
        let made = self
            .runtime
            .block_on(builder.build())
            .map_err(io::Error::other)?;
        Ok(Arc::clone(session.insert(Arc::new(made))))
    }

    pub(super) fn forget_session(&self) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn secured(builder: SessionBuilder, authority: &Path) -> io::Result<SessionBuilder> {
    let mut context = SslConnector::builder(SslMethod::tls_client())?;
    context.set_ca_file(authority)?;
    Ok(builder
        .user(CassandraClient::USER, CassandraClient::PASSWORD)
        .tls_context(Some(context)))
}

/// The first column of every row, page by page.
async fn read(session: &Session, query: &str) -> io::Result<Vec<String>> {
    let mut statement = Statement::new(query);
    statement.set_request_timeout(Some(PATIENCE));
    let mut texts = Vec::new();
    let mut state = PagingState::start();
    loop {
        let (page, next) = session
            .query_single_page(statement.clone(), (), state)
            .await
            .map_err(io::Error::other)?;
        let page = page.into_rows_result().map_err(io::Error::other)?;
        for row in page.rows::<(String,)>().map_err(io::Error::other)? {
            texts.push(row.map_err(io::Error::other)?.0);
        }
        match next.into_paging_control_flow() {
            ControlFlow::Break(()) => return Ok(texts),
            ControlFlow::Continue(next) => state = next,
        }
    }
}
