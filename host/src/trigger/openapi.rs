//! A description of the triggers that are asked over HTTP, for programs and people: OpenAPI 3.1.

mod pages;

use serde_json::{Map, Value as Json, json};

use crate::config::{AnswerMode, HttpTrigger, Manifest, TriggerKind, WebhookTrigger};

/// The description of a pipeline's triggers. `schema` gives the JSON Schema of a job's input, if its plugin describes one.
pub(super) fn describe(manifest: &Manifest, schema: impl Fn(&str) -> Option<Json>) -> Json {
    let triggers = &manifest.triggers;
    let mut paths = Map::new();
    for trigger in triggers {
        let operation = match &trigger.kind {
            TriggerKind::Http(http) => started(&trigger.name, http, schema(&http.job)),
            TriggerKind::Webhook(webhook) => called_back(&trigger.name, webhook),
            TriggerKind::Pages(pages) => pages::served(&trigger.name, pages, manifest),
            // OpenAPI has no words for what goes over a WebSocket.
            TriggerKind::WebSocket(_) | TriggerKind::Cron(_) => continue,
        };
        let Some((method, path)) = trigger.kind.route() else {
            continue;
        };
        let here = paths.entry(path.as_str()).or_insert_with(|| json!({}));
        here[method.to_ascii_lowercase()] = operation;
    }
    if triggers
        .iter()
        .any(|trigger| matches!(trigger.kind, TriggerKind::Http(_)))
    {
        paths.insert("/jobs/{id}".into(), json!({ "get": job_operation() }));
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": &**manifest.pipeline.name, "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "schemas": { "Problem": problem(), "Job": job(), "Accepted": accepted() },
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn started(name: &str, http: &HttpTrigger, schema: Option<Json>) -> Json {
    let schema = schema.unwrap_or_else(|| json!({}));
    let mut responses = Map::new();
    if http.answer == AnswerMode::Sync {
        let output = json!({ "description": "What the job returned.", "content": { "application/json": { "schema": {} } } });
        responses.insert("200".into(), output);
    }
    let mut under_way = reference("The job is under way.", "application/json", "Accepted");
    under_way["headers"] = json!({
        "Location": { "description": "Where to look for what comes of it.", "schema": { "type": "string" } },
        "Retry-After": { "description": "After how many seconds to look.", "schema": { "type": "integer" } },
    });
    responses.insert("202".into(), under_way);
    add_refusals(http, &mut responses);
    let mut operation = json!({
        "operationId": name,
        "summary": format!("Starts the job `{}`.", http.job.value),
        "parameters": [{
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Makes a repeated request the same job.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        }],
        "responses": responses,
    });
    if http.method != reqwest::Method::GET {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    if http.bearer_token.is_some() {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    operation
}

fn add_refusals(http: &HttpTrigger, responses: &mut Map<String, Json>) {
    let mut refusals = vec![
        (
            400,
            "The input is wrong; `problems` lists everything that is.",
        ),
        (408, "The body did not come in time."),
        (413, "The body is too large."),
        (415, "The body is not JSON."),
        (422, "The idempotency key was used for another input."),
        (500, "The job failed."),
        (
            503,
            "As much is under way as may be; `Retry-After` says when to come again.",
        ),
    ];
    if http.bearer_token.is_some() {
        refusals.push((401, "The bearer token is missing or wrong."));
    }
    for (status, description) in refusals {
        responses.insert(status.to_string(), refusal(description));
    }
    responses.insert(
        "default".into(),
        refusal("The job failed, and says itself with what status."),
    );
    for (code, failure) in &http.failures {
        let status = failure.status.as_str().to_owned();
        let description = format!("The job failed: {code}.");
        responses
            .entry(status)
            .or_insert_with(|| refusal(&description));
    }
}

fn called_back(name: &str, webhook: &WebhookTrigger) -> Json {
    let mut parameters = Vec::new();
    let header = |name: &str, description: &str, required: bool| json!({ "name": name, "in": "header", "required": required, "description": description, "schema": { "type": "string" } });
    if let Some(signature) = &webhook.signature {
        let description = "HMAC-SHA256 of the body, hexadecimal.";
        parameters.push(header(signature.header.as_str(), description, true));
    }
    if let Some(delivery) = &webhook.delivery_header {
        parameters.push(header(delivery.as_str(), "Tells deliveries apart.", false));
    }
    let mut responses = json!({
        "200": { "description": "The callback is kept for the job.", "content": { "application/json": { "schema": {
            "type": "object", "required": ["acknowledged"], "properties": { "acknowledged": { "const": true }, "repeated": { "type": "boolean" } },
        } } } },
        "400": refusal("The body does not say what it is about."),
        "404": refusal("No job waits for this callback."),
        "408": refusal("The body did not come in time."),
        "413": refusal("The body is too large."),
        "415": refusal("The body is not JSON."),
        "503": refusal("The callback could not be kept; `Retry-After` says when to come again."),
    });
    if webhook.signature.is_some() {
        responses["401"] = refusal("The signature is missing or wrong.");
    }
    json!({
        "operationId": name,
        "summary": "Tells a waiting job something.",
        "parameters": parameters,
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object" } } } },
        "responses": responses,
    })
}

fn job_operation() -> Json {
    json!({
        "operationId": "job",
        "summary": "How a job fares, and what came of it.",
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
        "responses": {
            "200": reference("The job.", "application/json", "Job"),
            "401": refusal("The bearer token is missing or wrong."),
            "404": refusal("There is no such job, or no longer."),
            "503": refusal("Jobs cannot be asked at the moment."),
        },
    })
}

fn reference(description: &str, media_type: &str, schema: &str) -> Json {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "description": description, "content": { media_type: { "schema": schema } } })
}

fn refusal(description: &str) -> Json {
    reference(description, "application/problem+json", "Problem")
}

fn accepted() -> Json {
    json!({
        "type": "object", "required": ["id", "url"], "additionalProperties": false,
        "properties": { "id": { "type": "string" }, "url": { "type": "string" } },
    })
}

fn job() -> Json {
    json!({
        "type": "object", "required": ["id", "job", "url", "state"], "additionalProperties": false,
        "properties": {
            "id": { "type": "string" },
            "job": { "type": "string" },
            "url": { "type": "string" },
            "state": { "enum": ["ready", "waiting", "asking", "done", "failed", "cancelled"] },
            "progress": { "type": "string", "description": "What the job says that it is doing." },
            "output": { "description": "What it returned." },
            "problem": { "$ref": "#/components/schemas/Problem" },
        },
    })
}

/// RFC 9457, with members of our own.
fn problem() -> Json {
    json!({
        "type": "object", "required": ["type", "title", "status", "code", "detail"], "additionalProperties": false,
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "Stable, for machines." },
            "detail": { "type": "string" },
            "details": { "description": "More of it, from the job." },
            "job": { "type": "string", "description": "Where the job is that failed." },
            "problems": { "type": "array", "items": {
                "type": "object", "required": ["field", "code", "message"], "additionalProperties": false,
                "properties": {
                    "field": { "type": "string" }, "code": { "type": "string" }, "message": { "type": "string" },
                    "value": {}, "allowed": { "type": "array", "items": { "type": "string" } },
                },
            } },
        },
    })
}
