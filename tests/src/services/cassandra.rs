//! An Apache Cassandra node, and what is in its tables.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::PagingState;
use scylla::statement::Statement;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::node::{Folder, Node, shared_folder};

/// No answer of the node takes longer, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node. It is killed when this is dropped.
#[derive(Debug)]
pub struct Cassandra {
    node: Node,
    secure: bool,
    runtime: Runtime,
    /// None before the first question and after a crash: a session does not notice at once that its node is back.
    session: Mutex<Option<Arc<Session>>>,
}

impl Cassandra {
    /// The user of a secure node.
    pub const USER: &str = "cassandra";
    /// The user's password.
    pub const PASSWORD: &str = "cassandra";

    /// Starts a node that keeps everything in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(folder: &Path) -> io::Result<Self> {
        Self::launch(folder, Folder::Keep, false)
    }

    /// Starts a node that takes encrypted connections of [`Cassandra::USER`] alone.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_secure(folder: &Path) -> io::Result<Self> {
        Self::launch(folder, Folder::Keep, true)
    }

    /// The node that the tests of one process share, each with keyspaces of its own. No test may disturb it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cassandra> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::launch(&shared_folder("cassandra"), Folder::Remove, false)
                .unwrap_or_else(|error| panic!("{error}"))
        })
    }

    fn launch(folder: &Path, afterwards: Folder, secure: bool) -> io::Result<Self> {
        let environment: &[_] = match secure {
            true => &[("CASSANDRA_SECURE", "1")],
            false => &[],
        };
        Ok(Self {
            node: Node::start("cassandra", folder, afterwards, environment)?,
            secure,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
            session: Mutex::default(),
        })
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.node.port())
    }

    /// The certificate of a secure node, in PEM: who trusts it reaches the node.
    pub fn certificate(&self) -> PathBuf {
        self.node.folder().join("node.pem")
    }

    /// Ends it as a crash does (SIGKILL).
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> io::Result<()> {
        self.forget_session();
        self.node.kill()
    }

    /// Starts it again with what it had, on its old port.
    ///
    /// # Errors
    /// When it runs already or does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.node.restart()
    }

    /// Lets it end in good order.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&self) -> io::Result<()> {
        self.forget_session();
        self.node.stop()
    }

    /// Makes it stand still with its connections open (SIGSTOP).
    ///
    /// # Errors
    /// When it does not run.
    pub fn suspend(&self) -> io::Result<()> {
        self.node.suspend()
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> io::Result<()> {
        self.node.resume()
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
            .known_node(self.address())
            .connection_timeout(PATIENCE);
        let builder = match self.secure {
            true => self.secured(builder)?,
            false => builder,
        };
        let made = self
            .runtime
            .block_on(builder.build())
            .map_err(io::Error::other)?;
        Ok(Arc::clone(session.insert(Arc::new(made))))
    }

    fn forget_session(&self) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn secured(&self, builder: SessionBuilder) -> io::Result<SessionBuilder> {
        let mut context = SslConnector::builder(SslMethod::tls_client())?;
        context.set_ca_file(self.certificate())?;
        Ok(builder
            .user(Self::USER, Self::PASSWORD)
            .tls_context(Some(context)))
    }
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
            std::ops::ControlFlow::Break(()) => return Ok(texts),
            std::ops::ControlFlow::Continue(next) => state = next,
        }
    }
}
