//! A client as a pipeline's host is one, so that what talks to the platform can be tested without a host: it has credentials, keeps its
//! token until that is refused, and tries again what may pass.

use axum::http::StatusCode;
use reqwest::Method;
use tokio::sync::Mutex;

/// Tries of one request, as many as the documents have.
const TRIES: u32 = 3;

/// A client of a [`Simulator`](crate::Simulator), with every scope that its options grant.
#[derive(Debug)]
pub struct Client {
    url: String,
    id: String,
    secret: String,
    token: Mutex<Option<String>>,
    client: reqwest::Client,
}

/// What a client sends.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    /// In capital letters.
    pub method: String,
    /// Path and query, or a whole URL.
    pub target: String,
    /// Beside the token.
    pub headers: Vec<(String, String)>,
    /// What is sent with it.
    pub body: Option<Vec<u8>>,
}

/// What a client is answered.
#[derive(Debug, Clone)]
pub struct ClientResponse {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(url: String, id: &str, secret: &str) -> Self {
        Self {
            url,
            id: id.to_owned(),
            secret: secret.to_owned(),
            token: Mutex::new(None),
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .unwrap_or_default(),
        }
    }

    /// Makes a request, three times at most: the answer, of any status.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&self, request: &ClientRequest) -> Result<ClientResponse, String> {
        let mut last = Err("there is no answer".to_owned());
        for _ in 0..TRIES {
            last = self
                .attempt(request)
                .await
                .map_err(|error| error.to_string());
            match last.as_ref().map(|response| response.status) {
                Ok(401) => *self.token.lock().await = None,
                Ok(429 | 500..=599) | Err(_) => {}
                Ok(_) => break,
            }
        }
        last
    }

    async fn attempt(&self, request: &ClientRequest) -> Result<ClientResponse, reqwest::Error> {
        let url = match request.target.starts_with('/') {
            true => format!("{}{}", self.url, request.target),
            false => request.target.clone(),
        };
        // What is no method of HTTP is refused by the other side as what it is not.
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::TRACE);
        let mut call = self
            .client
            .request(method, url)
            .bearer_auth(self.token().await?);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        if let Some(body) = &request.body {
            call = call.body(body.clone());
        }
        let response = call.send().await?;
        let headers = response.headers().iter();
        Ok(ClientResponse {
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.to_string(), value.into_owned())
                })
                .collect(),
            body: response.bytes().await?.into(),
        })
    }

    async fn token(&self) -> Result<String, reqwest::Error> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref() {
            return Ok(token.clone());
        }
        let call = self.client.post(format!("{}/oauth/token", self.url));
        let call = call
            .basic_auth(&self.id, Some(&self.secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let response = call.send().await?;
        // A refusal is no token, and the request that goes without one is refused.
        let is_issued = response.status() == StatusCode::OK;
        let body = response.bytes().await?;
        let issued = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
        let issued = issued["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        *token = is_issued.then(|| issued.clone());
        Ok(issued)
    }
}
