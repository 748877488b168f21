//! Requests that the platform itself makes: to the source of a sync, and to those who wait for a callback.

use std::net::SocketAddr;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Client, RequestBuilder, StatusCode, Url};

use crate::options::Options;

/// Waits double up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Outbound {
    client: Client,
    own_address: SocketAddr,
    retries: ExponentialBuilder,
}

/// Why a request did not give what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Miss {
    /// It may do so later.
    ForNow(String),
    /// It never will.
    ForGood(String),
}

impl Miss {
    /// What an answer that is not a success means to the platform.
    pub fn of_status(status: StatusCode) -> Self {
        let passing = status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT;
        let reason = format!("answered {status}");
        if passing {
            Self::ForNow(reason)
        } else {
            Self::ForGood(reason)
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            Self::ForNow(reason) | Self::ForGood(reason) => reason,
        }
    }
}

impl Outbound {
    pub fn new(options: &Options, own_address: SocketAddr) -> Self {
        // The library that is named here is not the only one in the process: whoever chose before has chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build();
        Self {
            client: client.unwrap_or_default(),
            own_address,
            retries: ExponentialBuilder::default()
                .with_min_delay(options.outbound_first_wait)
                .with_max_delay(LONGEST_WAIT)
                .with_max_times(options.outbound_attempts.saturating_sub(1)),
        }
    }

    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(self.resolved(url))
    }

    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(self.resolved(url))
    }

    /// Hosts under example.com, which RFC 2606 keeps free for examples, are this process: it receives what is meant for
    /// the neighbours that the documents name.
    fn resolved(&self, url: Url) -> Url {
        let host = url.host_str().unwrap_or_default();
        if host != "example.com" && !host.ends_with(".example.com") {
            return url;
        }
        let mut own = format!("http://{}{}", self.own_address, url.path());
        if let Some(query) = url.query() {
            own = format!("{own}?{query}");
        }
        Url::parse(&own).unwrap_or(url)
    }

    /// Tries until it succeeds, misses for good, or was tried often enough.
    pub async fn persist<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, Miss>
    where
        F: Future<Output = Result<T, Miss>>,
    {
        attempt
            .retry(self.retries)
            .when(|miss| matches!(miss, Miss::ForNow(_)))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(url: &str) -> String {
        let own = "127.0.0.1:80".parse().unwrap();
        let outbound = Outbound::new(&Options::default(), own);
        outbound.resolved(Url::parse(url).unwrap()).to_string()
    }

    #[test]
    fn names_for_examples_are_the_simulator_itself() {
        let url = "https://bi-platform.example.com/api/v1/callbacks/cxone?a=b";
        assert_eq!(resolved(url), "http://127.0.0.1/api/v1/callbacks/cxone?a=b");
    }

    #[test]
    fn other_names_are_what_they_are() {
        let url = "https://notexample.com/callbacks";
        assert_eq!(resolved(url), url);
    }
}
