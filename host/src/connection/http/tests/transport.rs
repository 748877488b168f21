//! The requests of jobs.

use std::path::Path;

use super::*;
use crate::config::{Diagnostics, Grant, Manifest, code};
use crate::job::{self, AfterCrash, RequestFailureKind, Transport as _};

fn transport(connection: &str) -> Result<HttpTransport, Diagnostics> {
    let text = format!(
        "[pipeline]\nname = \"orders\"\n[checkpoint]\npath = \"orders.db\"\n[sources.lines]\ntype = \"file\"\npaths = [\"orders.jsonl\"]\n\
         [stages.parse]\nplugin = \"parse.wasm\"\ninputs.lines = \"lines\"\n[connections.crm]\n{connection}"
    );
    let environment = std::collections::BTreeMap::new();
    let manifest = Manifest::parse(Path::new("orders.toml"), text, &environment, &[]);
    let manifest = manifest.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    HttpTransport::of(&manifest, &environment, |name| name == "crm")
}

fn request(connection: &str, method: job::Method) -> job::Request {
    job::Request {
        connection: connection.into(),
        method,
        path: format!("{RESOURCE_PATH}?limit=1"),
        headers: Vec::new(),
        body: None,
    }
}

#[tokio::test]
async fn any_status_is_a_response_and_anything_else_a_failure_of_a_kind() {
    let simulator = simulator().await;
    let url = simulator.url();
    let transport = transport(&format!(
        "base-url = \"{url}\"\nretry = {{ tries = 1 }}\nmethods = [\"GET\"]"
    ));
    let transport = transport.unwrap();
    let send = async |request| {
        transport
            .send(request, &Grant::default(), "key".into())
            .await
    };
    let response = send(request("crm", job::Method::Get)).await.unwrap();
    assert_eq!(response.status, 401);
    let content_type = response
        .headers
        .iter()
        .find(|(name, _)| name == "content-type");
    assert_eq!(content_type.unwrap().1, "application/json");
    for (refused, kind) in [
        (
            request("crm", job::Method::Post),
            RequestFailureKind::Refused,
        ),
        (
            request("other", job::Method::Get),
            RequestFailureKind::Refused,
        ),
    ] {
        assert_eq!(send(refused).await.unwrap_err().kind, kind);
    }
    simulator.shutdown().await;
    let failure = send(request("crm", job::Method::Get)).await.unwrap_err();
    assert_eq!(failure.kind, RequestFailureKind::Unreachable);
    assert!(
        failure.message.ends_with("[JF-7002]"),
        "{}",
        failure.message
    );
}

#[test]
fn a_connection_says_what_becomes_of_requests_after_a_crash() {
    let url = "base-url = \"https://crm.example.com\"";
    let resending = transport(url).unwrap();
    assert_eq!(resending.after_crash("crm"), AfterCrash::Resend);
    let asking = transport(&format!("{url}\nafter-crash = \"ask\"")).unwrap();
    assert_eq!(asking.after_crash("crm"), AfterCrash::Ask);
}

#[test]
fn what_is_found_wrong_as_connections_are_made_has_its_place() {
    let private = transport("base-url = \"http://192.168.0.7\"").unwrap_err();
    let found: Vec<_> = private.iter().collect();
    assert_eq!(found[0].code, &code::CONTRADICTION);
    assert_eq!(found[0].place.key(), "connections.crm.base-url");
    let missing =
        transport("base-url = \"https://crm.example.com\"\nbearer-token = { env = \"NO\" }");
    assert_eq!(
        missing.unwrap_err().iter().next().unwrap().code,
        &code::SECRET_UNAVAILABLE
    );
}
