//! Pipelines that talk to CXone need something to talk to where there is no CXone: on a laptop, in a demonstration, in a
//! test that wants to see what happens when the platform answers 429 twice and then cuts the connection.
//!
//! The simulator answers as the platform does, over real HTTP: it checks credentials, issues tokens that expire and carry
//! scopes, limits the rate, and keeps to the rules of each endpoint. What takes time there takes time here: schedules are
//! executed, queries run, syncs pull their source and call back. Its rows come from a seeded generator: the same seed, the
//! same rows. The platform's neighbours, receivers of webhooks and a data lake, are here too.
//!
//! A [`Fault`] makes its next answers go wrong on purpose, [`FaultRates`] make any go wrong by chance, and every request it
//! received and every [`Effect`] these had can be looked at afterwards.
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

mod analytics;
mod callback;
mod canonical_json;
mod client;
mod control;
mod data_action;
mod data_extension;
mod digest;
mod effect;
mod event;
mod export;
mod fault;
mod intercept;
mod job_platform;
mod options;
mod outbound;
mod platform;
mod progress;
mod random;
mod rate_limit;
mod receiver;
mod refusal;
mod request_log;
mod schedule;
mod token;
mod validation;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use callback::CallbackAttempt;
pub use client::{Client, ClientRequest, ClientResponse};
pub use data_extension::{ExtensionField, ExtensionSchema, FieldType};
pub use effect::Effect;
pub use fault::{Drift, DriftChange, Fault, FaultRates, PlannedFault};
pub use job_platform::JobPlatform;
pub use options::{Options, Pace, RetryAfter, SCOPES};
pub use receiver::StoredObject;
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
    /// When the address cannot be bound, or the options' fault rates are none.
    pub async fn start(options: Options) -> io::Result<Self> {
        let rates = options.fault_rates.as_ref();
        rates
            .map_or(Ok(()), FaultRates::check)
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let platform = Arc::new(Platform::new(options, address, stopped.clone()));
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

    /// A client that knows its credentials.
    #[must_use]
    pub fn client(&self) -> Client {
        let options = &self.platform.options;
        Client::new(self.url(), &options.client_id, &options.client_secret)
    }

    /// Every request received so far, in order of arrival; those to the simulator's own control paths are left out.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.platform.requests.all()
    }

    /// How many requests there were so far, those that are remembered no more among them.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.platform.requests.count()
    }

    /// What requests brought about so far, in the order in which it began.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.platform.effects.all()
    }

    /// Every attempt so far to deliver a callback.
    #[must_use]
    pub fn callbacks(&self) -> Vec<CallbackAttempt> {
        self.platform.callbacks.attempts()
    }

    /// The objects of the data lake, by key.
    #[must_use]
    pub fn objects(&self) -> Vec<StoredObject> {
        self.platform.objects.list()
    }

    /// The records of a data extension, by key; `None` where there is no such data extension.
    #[must_use]
    pub fn extension_records(&self, extension: &str) -> Option<Vec<Map<String, Value>>> {
        self.platform.data_extensions.records(extension)
    }

    /// Makes the next `times` answers to requests whose path begins with `path` go wrong, or the work that such requests
    /// start. Plans are used up in the order in which they were made.
    pub fn plan(&self, path: impl Into<String>, times: u32, fault: Fault) {
        self.plan_fault(PlannedFault {
            path: path.into(),
            method: None,
            times,
            fault,
        });
    }

    /// The same, with everything that can be said of a plan.
    pub fn plan_fault(&self, planned: PlannedFault) {
        self.platform.faults.add(planned);
    }

    /// Makes answers go wrong by chance from now on, or with `None` no longer.
    ///
    /// # Errors
    /// What is wrong with the rates.
    pub fn set_fault_rates(&self, rates: Option<FaultRates>) -> Result<(), String> {
        rates.as_ref().map_or(Ok(()), FaultRates::check)?;
        self.platform.chance.set(rates);
        Ok(())
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
    let limited = middleware::from_fn_with_state(Arc::clone(&platform), intercept::limit_rate);
    Router::new()
        .merge(token::routes())
        .merge(data_action::routes())
        .merge(schedule::routes())
        .merge(analytics::routes())
        .merge(data_extension::routes())
        .merge(event::routes())
        .merge(export::routes())
        .layer(limited)
        .merge(receiver::routes())
        .fallback(refusal::not_found)
        .method_not_allowed_fallback(refusal::method_not_allowed)
        // Chunks for the data lake are as large as the interceptor allows.
        .layer(DefaultBodyLimit::disable())
        .layer(observed)
        .merge(control::routes())
        .with_state(platform)
}
