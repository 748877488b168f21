//! Triggers over real sockets, with jobs that a test scripts.

mod fake_jobs;
mod http;
mod openapi;
mod pages;
mod server;
mod webhook;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value as Json;

pub(super) use fake_jobs::FakeJobs;

use super::service::JobService;
use super::{RunningTriggers, Triggers};
use crate::config::Manifest;
use crate::connection::install_crypto_provider;

const REST: &str = r#"
[pipeline]
name = "orders"

[checkpoint]
path = "orders.db"

[jobs.aggregate]
plugin = "aggregate.wasm"

[jobs.export]
plugin = "export.wasm"

[jobs.report]
plugin = "report.wasm"

[server]
listen = "127.0.0.1:0"
request-timeout = "300ms"
grace = "5s"
"#;

/// A manifest with these triggers.
pub(crate) fn manifest(triggers: &str) -> Manifest {
    manifest_of(&format!("{REST}\n{triggers}"))
}

fn manifest_of(text: &str) -> Manifest {
    let text = text.to_owned();
    let environment = environment();
    let manifest = Manifest::parse(Path::new("orders.toml"), text, &environment, &[]);
    manifest.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("TOKEN".into(), "correct horse".into())])
}

/// Triggers at work, and the jobs that they start.
pub(super) struct Host {
    pub jobs: Arc<FakeJobs>,
    pub running: RunningTriggers,
    pub client: Client,
}

impl Host {
    pub async fn start(triggers: &str) -> Self {
        Self::start_with(triggers, FakeJobs::default()).await
    }

    pub async fn start_with(triggers: &str, jobs: FakeJobs) -> Self {
        Self::start_manifest(&manifest(triggers), jobs).await
    }

    /// With its checkpoints and tables in a database.
    pub async fn start_on(database: &Path, triggers: &str) -> Self {
        let rest = REST.replace("orders.db", &database.display().to_string());
        let manifest = manifest_of(&format!("{rest}\n{triggers}"));
        Self::start_manifest(&manifest, FakeJobs::default()).await
    }

    async fn start_manifest(manifest: &Manifest, jobs: FakeJobs) -> Self {
        install_crypto_provider();
        let jobs = Arc::new(jobs);
        let service: Arc<dyn JobService> = jobs.clone();
        let triggers = Triggers::of(manifest, &environment(), &service);
        let triggers = triggers.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let running = triggers
            .start(&service, "unused.json".into())
            .await
            .unwrap();
        Self {
            jobs,
            running,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address().unwrap())
    }

    pub fn post(&self, path: &str, body: &'static str) -> RequestBuilder {
        let request = self.client.post(self.url(path));
        request
            .header("content-type", "application/json")
            .body(body)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }
}

/// The body of an answer.
pub(super) async fn json(response: Response) -> Json {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// The status and the body of an answer.
pub(super) async fn read(response: Response) -> (u16, Json) {
    let status = response.status().as_u16();
    (status, json(response).await)
}

/// The status and the code of a problem, after a look at its form.
pub(super) async fn problem(response: Response) -> (u16, String) {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let (status, body) = read(response).await;
    assert_eq!(body["status"], status);
    (status, body["code"].as_str().unwrap().to_owned())
}
