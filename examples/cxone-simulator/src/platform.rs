//! What all areas of the platform share: its options and its state.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::sync::watch;

use crate::analytics::Queries;
use crate::callback::Callbacks;
use crate::data_extension::DataExtensions;
use crate::effect::Effects;
use crate::export::Exports;
use crate::fault::{Consequences, FaultChance, FaultPlan};
use crate::intercept::Arrival;
use crate::options::{Options, RetryAfter};
use crate::outbound::Outbound;
use crate::random::Random;
use crate::rate_limit::RateLimit;
use crate::receiver::ObjectStore;
use crate::request_log::RequestLog;
use crate::schedule::Schedules;
use crate::token::IssuedTokens;

/// The state behind the endpoints.
#[derive(Debug)]
pub(crate) struct Platform {
    pub options: Options,
    /// Where it listens.
    pub address: SocketAddr,
    pub tokens: IssuedTokens,
    pub faults: FaultPlan,
    pub chance: FaultChance,
    pub requests: RequestLog,
    pub effects: Effects,
    pub rate_limit: Option<RateLimit>,
    pub schedules: Schedules,
    pub queries: Queries,
    pub data_extensions: DataExtensions,
    pub exports: Exports,
    pub objects: ObjectStore,
    pub callbacks: Callbacks,
    pub outbound: Outbound,
    stopped: watch::Receiver<bool>,
}

/// The state as handlers receive it.
pub(crate) type SharedPlatform = Arc<Platform>;

impl Platform {
    pub fn new(options: Options, address: SocketAddr, stopped: watch::Receiver<bool>) -> Self {
        Self {
            address,
            tokens: IssuedTokens::new(options.token_lifetime),
            faults: FaultPlan::default(),
            chance: FaultChance::new(options.fault_rates.clone()),
            requests: RequestLog::new(options.kept_requests),
            effects: Effects::new(options.idempotency_keys_honoured),
            rate_limit: options.rate_limit.map(RateLimit::new),
            schedules: Schedules::default(),
            queries: Queries::default(),
            data_extensions: DataExtensions::new(&options.data_extensions),
            exports: Exports::existing(&options),
            objects: ObjectStore::default(),
            callbacks: Callbacks::default(),
            outbound: Outbound::new(&options, address),
            options,
            stopped,
        }
    }

    /// The sequence of random numbers for what this request asks for, which was done `before` times already.
    pub fn random(&self, kind: &str, arrival: &Arrival, before: u32) -> Random {
        Random::new(self.options.seed, kind, &arrival.subject(), before.into())
    }

    /// What will go wrong with the work that this request starts. By chance it is the same whoever asks for the same, under
    /// whatever key.
    pub fn consequences(&self, arrival: &Arrival) -> Consequences {
        let planned = self.faults.take_later(&arrival.method, &arrival.path);
        let subject = format!("{} {}", arrival.path, arrival.body_sha256);
        Consequences::of(&planned).or_by_chance(&self.chance, &subject)
    }

    /// Ends when the simulator is told to stop.
    pub async fn stopped(&self) {
        until_stopped(self.stopped.clone()).await;
    }
}

/// Ends when `true` is sent or the sender is gone: both mean that the simulator stops.
pub(crate) async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// The text of `Retry-After` for a client that is to come back after `wait`.
pub(crate) fn retry_after(form: RetryAfter, wait: Duration) -> Option<String> {
    // Neither form knows parts of a second, and to come too early would be refused again.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match form {
        RetryAfter::Seconds => Some(seconds.to_string()),
        RetryAfter::Date => {
            // A date's second may have begun almost a second ago.
            let then = Timestamp::now() + Duration::from_secs(seconds + 1);
            let mut text = String::new();
            let printed = DateTimePrinter::new().print_timestamp_rfc9110(&then, &mut text);
            printed.ok().map(|()| text)
        }
        RetryAfter::Absent => None,
    }
}
