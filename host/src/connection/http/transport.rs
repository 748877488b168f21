//! Carries the requests of jobs to the services of a manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Method;

use super::{Answer, Connection, ConnectionError, ConnectionFailure, ConnectionOptions, Request};
use crate::config::{ConnectionKind, Diagnostic, Diagnostics, Environment, Grant, Manifest, code};
use crate::job::{
    self, AfterCrash, Received, RequestFailure, RequestFailureKind, Response, Transport,
};

/// The HTTP connections of a manifest that its jobs are granted.
#[derive(Debug, Default)]
pub struct HttpTransport(BTreeMap<String, Granted>);

#[derive(Debug)]
struct Granted {
    connection: Arc<Connection>,
    after_crash: AfterCrash,
}

impl HttpTransport {
    /// Those connections of a manifest that `is_granted` names, their secrets revealed. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says, and every connection that cannot be used.
    pub fn of(
        manifest: &Manifest,
        environment: &dyn Environment,
        is_granted: impl Fn(&str) -> bool,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut granted = BTreeMap::new();
        for connection in &manifest.connections {
            let ConnectionKind::Http(http) = &connection.kind else {
                continue;
            };
            let name = connection.name.to_string();
            if !is_granted(&name) {
                continue;
            }
            match open(connection, http, environment) {
                Ok(connection) => {
                    let after_crash = http.after_crash;
                    granted.insert(
                        name,
                        Granted {
                            connection,
                            after_crash,
                        },
                    );
                }
                Err(wrong) => found.extend(wrong),
            }
        }
        found.into_result(Self(granted))
    }

    /// The same, over the connections that others have opened already: tokens, rates and breakers are one a service.
    #[must_use]
    pub fn sharing<'a>(mut self, opened: impl Fn(&str) -> Option<&'a Arc<Connection>>) -> Self {
        for (name, granted) in &mut self.0 {
            if let Some(connection) = opened(name) {
                granted.connection = Arc::clone(connection);
            }
        }
        self
    }
}

/// Prepares a connection of a manifest, its secrets revealed. Nothing is sent yet.
pub(crate) fn open(
    connection: &crate::config::Connection,
    http: &crate::config::HttpConnection,
    environment: &dyn Environment,
) -> Result<Arc<Connection>, Diagnostics> {
    let options = ConnectionOptions::of(&connection.name.to_string(), http, environment)?;
    Connection::open(options)
        .map(Arc::new)
        .map_err(|error| unusable(&error, connection, http).into())
}

fn unusable(
    error: &ConnectionError,
    connection: &crate::config::Connection,
    http: &crate::config::HttpConnection,
) -> Diagnostic {
    let problem = error.failure.to_string();
    match (&error.failure, &http.authorities) {
        (ConnectionFailure::Tls(_), Some(path)) => {
            Diagnostic::new(&code::UNUSABLE_CERTIFICATE, path.place.clone(), problem)
        }
        (ConnectionFailure::PrivateAddress(_), _) => {
            Diagnostic::new(&code::CONTRADICTION, http.base_url.place.clone(), problem)
                .help("if the service is meant to be there, add `private-addresses = true`")
        }
        _ => Diagnostic::new(
            &code::MALFORMED_VALUE,
            connection.name.place.clone(),
            problem,
        ),
    }
}

impl Transport for HttpTransport {
    fn send(
        &self,
        request: job::Request,
        grant: &Grant,
        idempotency_key: String,
    ) -> BoxFuture<'static, Received> {
        let granted = self.0.get(&request.connection);
        let Some(connection) = granted.map(|granted| Arc::clone(&granted.connection)) else {
            let message = format!("there is no connection `{}` for jobs", request.connection);
            let refused = RequestFailure {
                kind: RequestFailureKind::Refused,
                message,
                retry_after: None,
            };
            return Box::pin(async move { Err(refused) });
        };
        let grant = grant.clone();
        Box::pin(async move {
            let request = Request {
                method: method(request.method),
                target: request.path,
                headers: request.headers,
                body: request.body.unwrap_or_default().into(),
                idempotency_key: Some(idempotency_key),
                grant,
            };
            match connection.send(&request).await {
                Ok(answer) => Ok(response(answer)),
                Err(error) => Err(failure(&error)),
            }
        })
    }

    fn after_crash(&self, connection: &str) -> AfterCrash {
        let granted = self.0.get(connection);
        granted.map_or_else(AfterCrash::default, |granted| granted.after_crash)
    }
}

fn method(method: job::Method) -> Method {
    match method {
        job::Method::Get => Method::GET,
        job::Method::Head => Method::HEAD,
        job::Method::Post => Method::POST,
        job::Method::Put => Method::PUT,
        job::Method::Patch => Method::PATCH,
        job::Method::Delete => Method::DELETE,
    }
}

/// Headers are text; what is not, is given as far as it is.
fn response(answer: Answer) -> Response {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = answer.headers.iter();
    Response {
        status: answer.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body: answer.body,
    }
}

fn failure(error: &ConnectionError) -> RequestFailure {
    use ConnectionFailure as Failure;
    use RequestFailureKind as Kind;
    let kind = match &error.failure {
        Failure::Options(_)
        | Failure::NotPermitted(_)
        | Failure::RequestTooLarge { .. }
        | Failure::PrivateAddress(_) => Kind::Refused,
        // Of an answer that says so there is a response; this is the token endpoint's.
        Failure::ServerError { .. }
        | Failure::RateLimited { .. }
        | Failure::Unreachable(_)
        | Failure::Tls(_) => Kind::Unreachable,
        Failure::TimedOut(_) => Kind::Timeout,
        Failure::Interrupted(_) => Kind::Interrupted,
        Failure::TooLarge { .. } => Kind::TooLarge,
        Failure::CircuitOpen { .. } => Kind::CircuitOpen,
        Failure::Unexpected { .. }
        | Failure::Credentials { .. }
        | Failure::Denied { .. }
        | Failure::MalformedToken(_)
        | Failure::MissingToken
        | Failure::TokenRefused { .. } => Kind::Unauthorized,
    };
    RequestFailure {
        kind,
        message: format!("{error} [{}]", error.code()),
        retry_after: error.failure.retry_after(),
    }
}
