//! From a manifest's options to those of a connection.

use secrecy::SecretString;

use super::options::{
    Authentication, CircuitBreakerOptions, ConnectionOptions, OAuthOptions, Permissions,
    RateLimitOptions, RetryOptions,
};
use crate::config::{Diagnostics, Environment, HttpAuthentication, HttpConnection, Secret};

impl ConnectionOptions {
    /// From the options of a manifest, secrets revealed. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says.
    pub fn of(
        name: &str,
        connection: &HttpConnection,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let permissions = &connection.permissions;
        let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        Ok(Self {
            name: name.to_owned(),
            base_url: connection.base_url.value.to_string(),
            authentication: Authentication::of(&connection.authentication, environment)?,
            permissions: Permissions {
                methods: permissions.methods.clone(),
                paths: permissions.paths.clone(),
                headers: permissions.headers.clone(),
            },
            connect_timeout: connection.connect_timeout,
            timeout: connection.timeout,
            retry: RetryOptions {
                tries: connection.retry.tries,
                first_wait: connection.retry.first_wait,
                maximum_wait: connection.retry.maximum_wait,
            },
            rate_limit: connection.rate_limit.map(|limit| RateLimitOptions {
                requests_per_second: limit.requests_per_second,
                burst: limit.burst,
            }),
            circuit_breaker: connection
                .circuit_breaker
                .map(|breaker| CircuitBreakerOptions {
                    failures: breaker.failures,
                    open_for: breaker.open_for,
                }),
            maximum_request: bytes(connection.maximum_request_bytes),
            maximum_response: bytes(connection.maximum_response_bytes),
            authorities: connection
                .authorities
                .as_ref()
                .map(|found| found.value.clone()),
            private_addresses: connection.private_addresses,
        })
    }
}

impl Authentication {
    fn of(
        authentication: &HttpAuthentication,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let mut missing = Diagnostics::new();
        let mut reveal = |secret: &Secret| -> SecretString {
            let revealed = secret.reveal(environment).unwrap_or_else(|wrong| {
                missing.push(*wrong);
                String::new()
            });
            revealed.into()
        };
        let revealed = match authentication {
            HttpAuthentication::None => Self::None,
            HttpAuthentication::Bearer(token) => Self::Bearer(reveal(token)),
            HttpAuthentication::Headers(headers) => Self::Headers(
                headers
                    .iter()
                    .map(|(name, secret)| (name.value.clone(), reveal(secret)))
                    .collect(),
            ),
            HttpAuthentication::OAuth(oauth) => Self::OAuth(OAuthOptions {
                token_path: oauth.token_path.value.to_string(),
                client_id: reveal(&oauth.client_id),
                client_secret: reveal(&oauth.client_secret),
                scope: oauth.scope.as_ref().map(|scope| scope.value.clone()),
                client_authentication: oauth.client_authentication,
            }),
        };
        missing.into_result(revealed)
    }
}
