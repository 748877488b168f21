//! From options to a connection: everything that can be found wrong before a request is sent.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

use super::address::{GuardedResolver, Reach, is_local, refused_literal};
use super::breaker::Breaker;
use super::error::{ConnectionError, ConnectionFailure};
use super::exchange::reason_of;
use super::options::{Authentication, ConnectionOptions};
use super::pace::Pace;
use super::token::TokenCache;
use super::{Connection, install_crypto_provider, secret_header};

impl Connection {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectionFailure::Options`] if the options do not describe a service, [`ConnectionFailure::PrivateAddress`] if they
    /// describe one that the connection may not lead to, [`ConnectionFailure::Tls`] if the certificates that vouch for it
    /// cannot be read.
    pub fn open(options: ConnectionOptions) -> Result<Self, ConnectionError> {
        install_crypto_provider();
        Self::prepared(&options)
            .map(|(base_url, token_url, client)| Self {
                base_url,
                token_url,
                client,
                tokens: TokenCache::default(),
                pace: options.rate_limit.map(Pace::new),
                breaker: options.circuit_breaker.map(Breaker::new),
                options: options.clone(),
            })
            .map_err(|failure| ConnectionError {
                connection: options.name.clone(),
                request: "setting up".into(),
                tries: 0,
                failure,
            })
    }

    fn prepared(
        options: &ConnectionOptions,
    ) -> Result<(Url, Option<Url>, Client), ConnectionFailure> {
        let base_url = base_url(&options.base_url)?;
        let token_url = match &options.authentication {
            Authentication::OAuth(oauth) => Some(token_url(&base_url, &oauth.token_path)?),
            _ => None,
        };
        sendable(&options.authentication)?;
        let reach = Reach::of(&base_url, options.private_addresses);
        if let Some(refused) = refused_literal(&base_url, reach) {
            return Err(ConnectionFailure::PrivateAddress(refused.to_string()));
        }
        let mut client = Client::builder()
            .user_agent(concat!("jackfield/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .dns_resolver(GuardedResolver::new(&base_url, reach))
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout);
        if let Some(path) = &options.authorities {
            client = client.tls_certs_only(authorities(path)?);
        }
        if is_local(&base_url) {
            // A proxy would look for the service on its own machine.
            client = client.no_proxy();
        } else if base_url.scheme() == "http"
            && !matches!(options.authentication, Authentication::None)
        {
            let connection = &options.name;
            tracing::warn!(connection, %base_url, "credentials are sent unencrypted: use https");
        }
        let client = client
            .build()
            .map_err(|error| ConnectionFailure::Tls(reason_of(&error)))?;
        Ok((base_url, token_url, client))
    }
}

/// What cannot stand in a header is no token and no key: a line break at the end of a variable, as a rule.
fn sendable(authentication: &Authentication) -> Result<(), ConnectionFailure> {
    let secrets: Vec<_> = match authentication {
        Authentication::Bearer(token) => vec![token],
        Authentication::Headers(headers) => headers.iter().map(|(_, value)| value).collect(),
        Authentication::None | Authentication::OAuth(_) => Vec::new(),
    };
    if secrets
        .into_iter()
        .all(|secret| secret_header(secret).is_some())
    {
        return Ok(());
    }
    let found = "a secret has characters that no header can have, such as a line break";
    Err(ConnectionFailure::Options(found.into()))
}

fn authorities(path: &std::path::Path) -> Result<Vec<Certificate>, ConnectionFailure> {
    let unusable = |reason: String| {
        let path = path.display();
        ConnectionFailure::Tls(format!(
            "the certificates in `{path}` cannot be used: {reason}"
        ))
    };
    let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&text).map_err(|error| unusable(reason_of(&error)))?;
    if found.is_empty() {
        return Err(unusable("there is none in PEM".into()));
    }
    Ok(found)
}

/// The URL, never quoted in the refusal: it may hold credentials, which is one reason to refuse it.
fn base_url(text: &str) -> Result<Url, ConnectionFailure> {
    let refused =
        |reason: String| ConnectionFailure::Options(format!("`base-url` cannot be used: {reason}"));
    let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(format!(
            "found scheme `{}`, expected http or https",
            url.scheme()
        )));
    }
    if !bare {
        let reason = "expected neither credentials nor query nor fragment";
        return Err(refused(reason.into()));
    }
    Ok(url)
}

fn token_url(base_url: &Url, path: &str) -> Result<Url, ConnectionFailure> {
    if !path.starts_with('/') || path.contains(['?', '#']) {
        let found = format!("`token-path` is `{path}`, expected a path such as `/oauth/token`");
        return Err(ConnectionFailure::Options(found));
    }
    let mut url = base_url.clone();
    url.set_path(&format!("{}{path}", base_url.path().trim_end_matches('/')));
    Ok(url)
}
