use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{FakeJobs, Host};
use crate::error::Code;
use crate::trigger::server::listen;

const AGGREGATE: &str = r#"
[triggers.aggregate]
type = "http"
job = "aggregate"
path = "/aggregate"
"#;

/// What a server says to what was sent to it, until it closes the connection.
async fn said(host: &Host, sent: &str) -> String {
    let mut stream = TcpStream::connect(host.running.address().unwrap())
        .await
        .unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
    read.expect("the server keeps the connection").unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_not_waited_for() {
    let host = Host::start(AGGREGATE).await;
    let said = said(&host, "POST /aggregate HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 408"),
        "{said}"
    );
}

#[tokio::test]
async fn a_client_that_never_ends_its_body_is_told_so() {
    let host = Host::start(AGGREGATE).await;
    let head =
        "POST /aggregate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{";
    let said = said(&host, head).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(said.contains("slow-body"), "{said}");
}

#[tokio::test]
async fn headers_beyond_all_measure_are_refused() {
    let host = Host::start(AGGREGATE).await;
    let head = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
        "x".repeat(1_000_000)
    );
    let said = said(&host, &head).await;
    assert!(said.starts_with("HTTP/1.1 431"), "{said}");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let host = Host::start(AGGREGATE).await;
    let said = said(&host, "\u{16}\u{3}\u{1} hello\r\n\r\n").await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 400"),
        "{said}"
    );
}

#[tokio::test]
async fn a_host_that_stops_answers_those_who_wait_for_jobs_that_go_on() {
    let host = Host::start(AGGREGATE).await;
    let waiting = tokio::spawn(host.post("/aggregate", "{}").send());
    host.jobs.until(|jobs| !jobs.submissions().is_empty()).await;
    host.running.stop().await;
    assert_eq!(waiting.await.unwrap().unwrap().status(), 202);
}

#[tokio::test]
async fn a_host_that_has_stopped_takes_no_request() {
    let host = Host::start_with(AGGREGATE, FakeJobs::returning("{}")).await;
    let request = host.post("/aggregate", "{}");
    host.running.stop().await;
    assert!(request.send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_with_a_code() {
    let host = Host::start(AGGREGATE).await;
    let refusal = listen(host.running.address().unwrap()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::TRIGGER_LISTEN);
}
