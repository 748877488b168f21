use std::path::Path;

use super::*;
use crate::config::{ConnectionKind, Manifest};
use crate::job::AfterCrash;

fn connection(options: &str) -> HttpConnection {
    let text = format!(
        "[pipeline]\nname = \"orders\"\n[checkpoint]\npath = \"orders.db\"\n[jobs.report]\nplugin = \"report.wasm\"\n\
         [connections.crm]\nbase-url = \"https://crm.example.com\"\n{options}"
    );
    let environment = std::collections::BTreeMap::new();
    let manifest = Manifest::parse(Path::new("orders.toml"), text, &environment, &[]);
    let manifest = manifest.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    match &manifest.connections[0].kind {
        ConnectionKind::Http(http) => HttpConnection::clone(http),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_grants_everything_but_private_addresses_unless_it_says_otherwise() {
    let http = connection("");
    assert_eq!(http.authentication, HttpAuthentication::None);
    assert_eq!(http.permissions, HttpPermissions::default());
    assert!(!http.private_addresses);
    assert_eq!(
        (http.timeout.as_secs(), http.connect_timeout.as_secs()),
        (10, 5)
    );
    assert_eq!((http.rate_limit, http.circuit_breaker), (None, None));
    assert_eq!(http.after_crash, AfterCrash::Resend);
}

#[test]
fn three_tries_from_a_second_on_unless_it_says_otherwise() {
    let http = connection("retry = { tries = 5, first-wait = \"2s\" }");
    assert_eq!(http.retry.tries.get(), 5);
    assert_eq!(http.retry.first_wait, Duration::from_secs(2));
    assert_eq!(connection("").retry, HttpRetry::default());
}

#[test]
fn a_breaker_has_defaults_of_its_own() {
    let breaker = connection("circuit-breaker = {}").circuit_breaker.unwrap();
    assert_eq!(
        (breaker.failures.get(), breaker.open_for.as_secs()),
        (5, 30)
    );
}

#[test]
fn a_burst_is_what_is_made_in_a_second_unless_it_says_otherwise() {
    let limit = connection("rate-limit = { requests-per-second = 10 }")
        .rate_limit
        .unwrap();
    assert_eq!(
        (limit.requests_per_second.get(), limit.burst.get()),
        (10, 10)
    );
}

#[test]
fn what_plugins_may_ask_for_is_listed() {
    let http = connection(
        "methods = [\"GET\", \"POST\"]\npaths = [\"/api/v2/**\"]\nheaders = [\"X-Source\"]\nsecret-headers = { X-Api-Key = { env = \"KEY\" } }",
    );
    assert_eq!(http.permissions.methods.len(), 2);
    assert!(http.permissions.paths[0].matches("/api/v2/exports"));
    assert_eq!(http.permissions.headers[0], "x-source");
    assert!(
        matches!(http.authentication, HttpAuthentication::Headers(headers) if *headers[0].0 == "x-api-key")
    );
}

#[test]
fn connecting_takes_no_longer_than_the_whole() {
    assert_eq!(
        connection("timeout = \"2s\"").connect_timeout,
        Duration::from_secs(2)
    );
}
