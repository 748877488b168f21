//! A client and the simulator that it talks to.

use std::time::Duration;

use cxone_simulator::{Options, Simulator};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

pub const TOKEN_PATH: &str = "/oauth/token";
pub const ACTION_PATH: &str = "/api/v2/data-actions/cxone-data-actions";

pub struct Platform {
    pub simulator: Simulator,
    pub client: Client,
}

impl Platform {
    pub async fn start(options: Options) -> Self {
        Self {
            simulator: Simulator::start(options).await.unwrap(),
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        self.simulator.url() + path
    }

    pub fn token_request(&self, secret: &str, form: &'static str) -> RequestBuilder {
        let post = self.client.post(self.url(TOKEN_PATH));
        post.basic_auth("demo-client", Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    /// A token for whatever the client may have.
    pub async fn token(&self) -> String {
        let request = self.token_request("demo-secret", "grant_type=client_credentials");
        let answer = json(request.send().await.unwrap()).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str, token: &str) -> Response {
        let get = self.client.get(self.url(path)).bearer_auth(token);
        get.send().await.unwrap()
    }

    /// The JSON that a path gives to a client with every scope.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(path, &self.token().await).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        json(answer).await
    }

    /// A request with a JSON body by a client with every scope.
    pub async fn post_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client
            .post(self.url(path))
            .bearer_auth(self.token().await)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.post_request(path, body).await.send().await.unwrap()
    }

    /// What the platform says against a body: the fields, in the order in which it names them.
    pub async fn fields_refused(&self, path: &str, body: &Value) -> Vec<String> {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let errors = json(answer).await["errors"].take();
        let fields = errors.as_array().unwrap().iter();
        fields
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A simulator with the options that nobody chose.
pub async fn usual() -> Platform {
    Platform::start(Options::default()).await
}

/// A client that may not do this is told so.
pub async fn is_forbidden_without(scope: &str, path: &str, body: Option<&Value>) {
    let scopes = cxone_simulator::SCOPES
        .into_iter()
        .filter(|other| *other != scope);
    let platform = Platform::start(Options {
        scopes: scopes.map(String::from).collect(),
        ..Options::default()
    })
    .await;
    let answer = match body {
        Some(body) => platform.post(path, body).await,
        None => platform.get(path, &platform.token().await).await,
    };
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let description = json(answer).await["error_description"].take();
    assert!(
        description.as_str().unwrap().ends_with(scope),
        "{description}"
    );
}

pub async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Waits until what other tasks bring about is so.
pub async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "the condition does not come about");
}
