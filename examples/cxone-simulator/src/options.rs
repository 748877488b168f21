//! What the simulated tenant looks like.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::data_extension::ExtensionSchema;
use crate::fault::FaultRates;

/// Every scope that an endpoint of the platform asks for.
pub const SCOPES: [&str; 12] = [
    "data_actions:read",
    "data-actions:read",
    "data-actions:export",
    "analytics:read",
    "reporting:schedules:read",
    "reporting:schedules:write",
    "reporting:reports:read",
    "reporting:analytics:read",
    "journeys:read",
    "data:read",
    "data:write",
    "data:sync",
];

/// The settings of a [`Simulator`](crate::Simulator).
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The only client that the token endpoints know.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: String,
    /// What the client may ask for. A token carries those of the requested scopes that are listed here.
    pub scopes: Vec<String>,
    /// How long a token is accepted; told to clients as `expires_in`, in whole seconds.
    pub token_lifetime: Duration,
    /// Requests a second, over all endpoints of the platform, beyond which 429 is answered. `None` never limits.
    pub rate_limit: Option<NonZeroU32>,
    /// How a refusal of the rate limit says when to come back.
    pub retry_after: RetryAfter,
    /// Of all rows and identifiers: the same seed, the same rows.
    pub seed: u64,
    /// How work that takes time goes on.
    pub pace: Pace,
    /// Whether a request with an `Idempotency-Key` that was seen before gets the earlier answer, without effect.
    pub idempotency_keys_honoured: bool,
    /// How many of the latest requests are remembered, each in about 3 kB.
    pub kept_requests: usize,
    /// Faults that strike by chance from the start.
    pub fault_rates: Option<FaultRates>,
    /// The identifiers of the data actions that exist.
    pub data_actions: Vec<String>,
    /// Rows of a report; its executions give up to 2 % fewer, depending on report and seed.
    pub report_rows: u64,
    /// How many analytics queries may be running before another is refused with 429. `None` never refuses.
    pub concurrent_queries: Option<usize>,
    /// Whether the `Location` of a query is a whole URL rather than a path.
    pub absolute_locations: bool,
    /// How many journeys the analytics know.
    pub journeys: u32,
    /// The data extensions that exist.
    pub data_extensions: Vec<ExtensionSchema>,
    /// How much a data extension can hold, in bytes of JSON.
    pub extension_storage: u64,
    /// The bearer token with which a sync authenticates itself at its source.
    pub source_token: String,
    /// With a secret, callbacks carry `X-Webhook-Signature: sha256=` and the HMAC of their body.
    pub webhook_secret: Option<String>,
    /// How often a callback or a page of a source is tried.
    pub outbound_attempts: usize,
    /// The wait before the second try, which doubles with each try up to five seconds.
    pub outbound_first_wait: Duration,
    /// How long a callback that shall be overtaken waits for another, at most.
    pub late_callback_wait: Duration,
    /// Records of an export.
    pub export_rows: u64,
    /// How many steps an export takes; with none, its records are there at once.
    pub export_steps: u32,
    /// Identifiers of exports that exist from the start.
    pub exports: Vec<String>,
}

/// How work that takes time goes on from step to step: from queued to running, from running to completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each look at it is a step, so that nothing depends on the clock.
    EachPoll,
    /// A step takes this long, whether anyone looks or not.
    Every(Duration),
}

/// How a client that is refused learns when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// `Retry-After` in seconds.
    Seconds,
    /// `Retry-After` as an HTTP date.
    Date,
    /// Not at all.
    Absent,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: "demo-client".into(),
            client_secret: "demo-secret".into(),
            scopes: SCOPES.map(String::from).to_vec(),
            token_lifetime: Duration::from_hours(1),
            rate_limit: None,
            retry_after: RetryAfter::Seconds,
            seed: 1,
            pace: Pace::EachPoll,
            idempotency_keys_honoured: true,
            kept_requests: 20_000,
            fault_rates: None,
            data_actions: vec!["cxone-data-actions".into()],
            report_rows: 2_500_000,
            concurrent_queries: None,
            absolute_locations: false,
            journeys: 40,
            data_extensions: vec![ExtensionSchema::customer_profiles()],
            extension_storage: 1024 * 1024 * 1024,
            source_token: "demo-source-token".into(),
            webhook_secret: None,
            outbound_attempts: 10,
            outbound_first_wait: Duration::from_millis(100),
            late_callback_wait: Duration::from_secs(1),
            export_rows: 12_000,
            export_steps: 0,
            exports: Vec::new(),
        }
    }
}
