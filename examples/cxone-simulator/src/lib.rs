//! Pipelines that talk to CXone need something to talk to where there is no CXone: on a laptop, in a demonstration, in a
//! test that wants to see what happens when the platform answers 429 twice and then cuts the connection.
//!
//! The simulator answers as the platform does, over real HTTP: it checks credentials, issues tokens that expire and carry
//! scopes, limits the rate, and knows which data actions exist. A [`Fault`] makes its next answers go wrong on purpose,
//! and every request it received can be looked at afterwards.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use cxone_simulator::{Fault, Options, Simulator};
//!
//! let simulator = Simulator::start(Options::default()).await?;
//! simulator.plan("/oauth/token", 2, Fault::status(429));
//! // ... point a client at simulator.url() ...
//! assert_eq!(simulator.requests().len(), 3);
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Each area of the platform is one file with its own `routes`; [`Simulator::start`] puts them together.

mod control;
mod data_action;
mod fault;
mod intercept;
mod options;
mod platform;
mod rate_limit;
mod request_log;
mod token;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use fault::{Fault, PlannedFault};
pub use options::Options;
pub use request_log::RecordedRequest;

use platform::Platform;

/// A running simulator. Dropping it stops it without waiting; [`shutdown`](Self::shutdown) waits for open requests.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    platform: Arc<Platform>,
    stop: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

impl Simulator {
    /// Listens on `options.listen` and serves from a task of the current runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let platform = Arc::new(Platform::new(options, stopped.clone()));
        let serve = axum::serve(listener, router(Arc::clone(&platform)))
            .with_graceful_shutdown(platform::until_stopped(stopped));
        let server = tokio::spawn(async move { serve.await });
        Ok(Self {
            address,
            platform,
            stop,
            server,
        })
    }

    /// Where it listens, with the port that the system chose if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request received so far, in order of arrival; those to the simulator's own control paths are left out.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.platform.requests.all()
    }

    /// Makes the next `times` answers to requests whose path begins with `path` go wrong. Plans are used up in the order
    /// in which they were made.
    pub fn plan(&self, path: impl Into<String>, times: u32, fault: Fault) {
        self.platform.faults.add(PlannedFault {
            path: path.into(),
            times,
            fault,
        });
    }

    /// Withdraws every token issued so far, as an administrator of the platform may at any time.
    pub fn revoke_tokens(&self) {
        self.platform.tokens.revoke_all();
    }

    /// Stops listening, ends delayed answers at once, and waits until open requests are answered.
    pub async fn shutdown(self) {
        // The receiver is gone only when the server has ended already.
        let _ = self.stop.send(true);
        let _ = self.server.await;
    }
}

fn router(platform: Arc<Platform>) -> Router {
    let observed = middleware::from_fn_with_state(Arc::clone(&platform), intercept::intercept);
    Router::new()
        .merge(token::routes())
        .merge(data_action::routes())
        .fallback(platform::not_found)
        .layer(observed)
        .merge(control::routes())
        .with_state(platform)
}
