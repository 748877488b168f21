//! Which endpoint a request is for.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use secrecy::SecretString;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::authorization;
use super::http::HttpEndpoint;
use super::job_document;
use super::openapi;
use super::pages::PagesEndpoint;
use super::problem::{Answer, Problem, respond_json};
use super::service::JobService;
use super::webhook::WebhookEndpoint;
use super::websocket::WebSocketEndpoint;
use crate::config::{Diagnostics, Environment, Manifest, Secret, Trigger, TriggerKind};
use crate::job::JobError;

/// All endpoints of a pipeline.
pub(super) struct Router {
    routes: Vec<Route>,
    openapi: Json,
    jobs: Arc<dyn JobService>,
}

struct Route {
    method: String,
    path: String,
    endpoint: Endpoint,
}

enum Endpoint {
    Http(HttpEndpoint),
    Webhook(WebhookEndpoint),
    WebSocket(Arc<WebSocketEndpoint>),
    Pages(PagesEndpoint),
}

impl Router {
    pub fn of(
        manifest: &Manifest,
        environment: &dyn Environment,
        jobs: &Arc<dyn JobService>,
    ) -> Result<Self, Diagnostics> {
        let mut missing = Diagnostics::new();
        let mut routes = Vec::new();
        for trigger in &manifest.triggers {
            let Some((method, path)) = trigger.kind.route() else {
                continue;
            };
            match Endpoint::of(trigger, manifest, environment, jobs) {
                Ok(Some(endpoint)) => routes.push(Route {
                    method: method.to_owned(),
                    path: path.as_str().to_owned(),
                    endpoint,
                }),
                Ok(None) => {}
                Err(wrong) => wrong.into_iter().for_each(|one| missing.push(one)),
            }
        }
        let schema = |job: &str| jobs.input_schema(job);
        missing.into_result(Self {
            routes,
            openapi: openapi::describe(manifest, schema),
            jobs: Arc::clone(jobs),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The answer to a request, whatever it is.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        within: Duration,
        stopped: watch::Receiver<bool>,
    ) -> Answer {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answer = self.routed(request, within, stopped).await;
        let answer = answer.unwrap_or_else(|problem| {
            let status = problem.status().as_u16();
            tracing::debug!(%method, path, status, "refused a request");
            problem.into_answer()
        });
        tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
        answer
    }

    async fn routed(
        &self,
        request: Request<Incoming>,
        within: Duration,
        stopped: watch::Receiver<bool>,
    ) -> Result<Answer, Problem> {
        let path = request.uri().path();
        if path == "/openapi.json" {
            require_get(request.method())?;
            return Ok(respond_json(StatusCode::OK, &self.openapi));
        }
        if let Some(id) = path.strip_prefix("/jobs/") {
            require_get(request.method())?;
            return self.job(id, &request).await;
        }
        let here: Vec<&Route> = self
            .routes
            .iter()
            .filter(|route| route.path == path)
            .collect();
        if here.is_empty() {
            let detail = "there is nothing at this path";
            return Err(Problem::new(StatusCode::NOT_FOUND, "not-found", detail));
        }
        let method = request.method().as_str();
        let Some(route) = here.iter().find(|route| route.method == method) else {
            let methods: Vec<&str> = here.iter().map(|route| route.method.as_str()).collect();
            return Err(Problem::method_not_allowed(&methods.join(", ")));
        };
        match &route.endpoint {
            Endpoint::Http(endpoint) => endpoint.answer(request, within, stopped).await,
            Endpoint::Webhook(endpoint) => endpoint.answer(request, within).await,
            Endpoint::WebSocket(endpoint) => endpoint.upgrade(request, stopped),
            Endpoint::Pages(endpoint) => endpoint.answer(request, within).await,
        }
    }

    /// How a job fares, for those who may start it over HTTP.
    async fn job(&self, id: &str, request: &Request<Incoming>) -> Result<Answer, Problem> {
        let unknown = || Problem::of_jobs(&JobError::Unknown(id.to_owned()));
        let view = self.jobs.view(id.to_owned()).await;
        let view = view.map_err(|error| Problem::of_jobs(&error))?;
        let endpoints: Vec<&HttpEndpoint> = self.starting(&view.job).collect();
        // One that no request can start is no caller's business.
        let first = endpoints.first().ok_or_else(unknown)?;
        let is_open = endpoints
            .iter()
            .any(|endpoint| authorization::require(request.headers(), endpoint.token()).is_ok());
        if !is_open {
            authorization::require(request.headers(), first.token())?;
        }
        Ok(job_document::document(&view, first.failures()))
    }

    fn starting(&self, job: &str) -> impl Iterator<Item = &HttpEndpoint> {
        self.routes
            .iter()
            .filter_map(move |route| match &route.endpoint {
                Endpoint::Http(endpoint) if endpoint.job() == job => Some(endpoint),
                _ => None,
            })
    }
}

impl Endpoint {
    fn of(
        trigger: &Trigger,
        manifest: &Manifest,
        environment: &dyn Environment,
        jobs: &Arc<dyn JobService>,
    ) -> Result<Option<Self>, Diagnostics> {
        let name = trigger.name.to_string();
        let reveal = |secret: Option<&Secret>| -> Result<Option<SecretString>, Diagnostics> {
            let revealed = secret.map(|secret| secret.reveal(environment)).transpose();
            let revealed = revealed.map_err(|missing| Diagnostics::from(*missing))?;
            Ok(revealed.map(SecretString::from))
        };
        Ok(match &trigger.kind {
            TriggerKind::Http(options) => {
                let token = reveal(options.bearer_token.as_ref())?;
                let options = (**options).clone();
                Some(Self::Http(HttpEndpoint::new(name, options, token, jobs)))
            }
            TriggerKind::Webhook(options) => {
                let signature = options.signature.as_ref();
                let key = reveal(signature.map(|signature| &signature.secret))?;
                let options = (**options).clone();
                Some(Self::Webhook(WebhookEndpoint::new(
                    name, options, key, jobs,
                )))
            }
            TriggerKind::WebSocket(options) => {
                let token = reveal(options.bearer_token.as_ref())?;
                let options = (**options).clone();
                let endpoint = WebSocketEndpoint::new(name, options, token, jobs);
                Some(Self::WebSocket(Arc::new(endpoint)))
            }
            TriggerKind::Pages(options) => {
                let token = reveal(options.bearer_token.as_ref())?;
                PagesEndpoint::new(options, manifest, token).map(Self::Pages)
            }
            TriggerKind::Cron(_) => None,
        })
    }
}

fn require_get(method: &Method) -> Result<(), Problem> {
    match *method {
        Method::GET => Ok(()),
        _ => Err(Problem::method_not_allowed("GET")),
    }
}
