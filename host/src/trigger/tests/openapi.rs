use reqwest::Response;
use serde_json::{Value as Json, json};

use super::{FakeJobs, Host, json as body};
use crate::job::{Failure, Outcome};

const TRIGGERS: &str = r#"
[triggers.aggregate]
type = "http"
job = "aggregate"
path = "/aggregate"
maximum-body-bytes = 100
failures = { query-timeout = 504 }

[triggers.sync]
type = "webhook"
path = "/webhook/sync"
correlation = "/syncJobId"
signature = { header = "X-Signature", secret = { env = "TOKEN" } }

[triggers.export]
type = "http"
job = "export"
path = "/export"
method = "PUT"
answer = "async"
bearer-token = { env = "TOKEN" }
"#;

pub(super) async fn description(host: &Host) -> Json {
    let response = host.get("/openapi.json").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    body(response).await
}

/// Holds an answer against what is said of it: its status is described, its media type too, and its body fits the schema.
pub(super) async fn check(description: &Json, operation: &Json, response: Response) {
    let status = response.status().as_str().to_owned();
    let described = &operation["responses"][&status];
    assert!(described.is_object(), "{status} is not described");
    let media_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let body: Json = body(response).await;
    let schema = &described["content"][&media_type]["schema"];
    assert!(!schema.is_null(), "{status}: {media_type} is not described");
    let mut whole = schema.clone();
    if let Some(reference) = schema["$ref"].as_str() {
        whole = json!({ "$ref": reference, "components": description["components"] });
    }
    let validator = jsonschema::validator_for(&whole).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{status}: {wrong:?}: {body}");
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let failure = Failure {
        code: "query-timeout".into(),
        message: "no result after 15 polls".into(),
        details: Some("[1]".into()),
        status: None,
        retry_after: None,
    };
    let host = Host::start_with(TRIGGERS, FakeJobs::ending(Outcome::Failed(failure))).await;
    let description = description(&host).await;
    let aggregate = &description["paths"]["/aggregate"]["post"];
    for body in [
        "{}",
        "{",
        "\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\"",
    ] {
        let response = host.post("/aggregate", body).send().await.unwrap();
        check(&description, aggregate, response).await;
    }
    let keyed = |body| host.post("/aggregate", body).header("idempotency-key", "k");
    for body in ["{}", "[]"] {
        check(&description, aggregate, keyed(body).send().await.unwrap()).await;
    }
    let job = &description["paths"]["/jobs/{id}"]["get"];
    check(&description, job, host.get("/jobs/job-1").await).await;
    check(&description, job, host.get("/jobs/none").await).await;
    let export = &description["paths"]["/export"]["put"];
    let request = host.client.put(host.url("/export")).body("{}");
    check(&description, export, request.send().await.unwrap()).await;
    let request = host
        .client
        .put(host.url("/export"))
        .body("{}")
        .bearer_auth("correct horse");
    check(&description, export, request.send().await.unwrap()).await;
    let sync = &description["paths"]["/webhook/sync"]["post"];
    check(
        &description,
        sync,
        host.post("/webhook/sync", "{}").send().await.unwrap(),
    )
    .await;
}

#[tokio::test]
async fn a_job_under_way_is_as_described() {
    let host = Host::start(&TRIGGERS.replace("maximum-body-bytes = 100", "wait = \"1ms\"")).await;
    let description = description(&host).await;
    let aggregate = &description["paths"]["/aggregate"]["post"];
    let response = host.post("/aggregate", "{}").send().await.unwrap();
    assert_eq!(response.status(), 202);
    check(&description, aggregate, response).await;
    let job = &description["paths"]["/jobs/{id}"]["get"];
    check(&description, job, host.get("/jobs/job-1").await).await;
}

#[tokio::test]
async fn the_input_is_described_by_the_plugin() {
    let schema = json!({ "type": "object", "required": ["limit"] });
    let jobs = FakeJobs::default().with_schema(schema.clone());
    let host = Host::start_with(TRIGGERS, jobs).await;
    let description = description(&host).await;
    let body = &description["paths"]["/aggregate"]["post"]["requestBody"];
    assert_eq!(body["content"]["application/json"]["schema"], schema);
}

#[tokio::test]
async fn what_needs_a_token_says_so() {
    let host = Host::start(TRIGGERS).await;
    let description = description(&host).await;
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(
        description["paths"]["/export"]["put"]["security"],
        json!([{ "bearer": [] }])
    );
    assert!(description["paths"]["/aggregate"]["post"]["security"].is_null());
}
