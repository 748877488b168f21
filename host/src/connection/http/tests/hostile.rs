//! Services that do what no service should.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a service does with a connection, once it has read a request.
#[derive(Clone)]
enum Deed {
    /// Says this, and closes the connection.
    Say(Vec<u8>),
    /// Says this, and then a byte now and then for ever.
    Drip(&'static str),
    /// Says what it was told.
    Echo,
}

/// A service on this machine that does one thing after the other, the last for ever.
struct Service {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn start(deeds: Vec<Deed>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let deed = deeds.get(number).or(deeds.last()).unwrap().clone();
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await;
                    seen.lock().unwrap().push(request.clone());
                    do_deed(stream, deed, &request).await;
                });
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn options(&self) -> ConnectionOptions {
        ConnectionOptions {
            authentication: Authentication::None,
            ..options(&self.url)
        }
    }

    fn connection(&self) -> Connection {
        Connection::open(self.options()).unwrap()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "the request broke off");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return String::from_utf8(request).unwrap();
        }
    }
}

/// Whoever is not listened to any more does not mind.
async fn do_deed(mut stream: TcpStream, deed: Deed, request: &str) {
    match deed {
        Deed::Say(answer) => drop(stream.write_all(&answer).await),
        Deed::Echo => drop(stream.write_all(&say(request)).await),
        Deed::Drip(head) => {
            let mut next = head.as_bytes();
            while stream.write_all(next).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
                next = b"x";
            }
        }
    }
}

fn say(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into()
}

fn cut() -> Deed {
    Deed::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\"".to_vec())
}

fn failing() -> Deed {
    let body = r#"{"error":"out of order"}"#;
    let length = body.len();
    let answer =
        format!("HTTP/1.1 503 x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    Deed::Say(answer.into())
}

fn post(key: Option<&str>) -> Request {
    Request {
        body: "{}".into(),
        idempotency_key: key.map(str::to_owned),
        ..Request::new(Method::POST, "/exports")
    }
}

fn code(outcome: Result<Answer, ConnectionError>) -> (Code, u32) {
    let error = outcome.unwrap_err();
    (error.code(), error.tries)
}

#[tokio::test]
async fn a_post_of_unknown_outcome_is_not_made_again_without_a_key() {
    let service = Service::start(vec![cut(), Deed::Say(say("{}"))]).await;
    let outcome = service.connection().send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_INTERRUPTED, 1));
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn a_post_with_a_key_is_made_again_with_the_same_key() {
    let service = Service::start(vec![cut(), cut(), Deed::Say(say("{}"))]).await;
    let answer = service
        .connection()
        .send(&post(Some("job-1/3")))
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let requests = service.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|one| one.contains("idempotency-key: job-1/3"))
    );
}

#[tokio::test]
async fn a_get_has_no_key_and_is_made_again_all_the_same() {
    let service = Service::start(vec![cut(), Deed::Say(say("{}"))]).await;
    let request = Request {
        idempotency_key: Some("job-1/3".into()),
        ..Request::new(Method::GET, "/exports")
    };
    service.connection().send(&request).await.unwrap();
    let requests = service.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|one| !one.contains("idempotency-key")));
}

#[tokio::test]
async fn an_answer_that_drips_runs_into_the_time_out() {
    let dripping = Deed::Drip("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    let service = Service::start(vec![dripping]).await;
    let impatient = ConnectionOptions {
        timeout: Duration::from_millis(100),
        ..service.options()
    };
    let outcome = Connection::open(impatient).unwrap().send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_TIMEOUT, 1));
}

#[tokio::test]
async fn headers_that_drip_run_into_the_time_out() {
    let service = Service::start(vec![Deed::Drip("HTTP/1.1 200 OK\r\nX-Slow: ")]).await;
    let impatient = ConnectionOptions {
        timeout: Duration::from_millis(100),
        ..service.options()
    };
    let outcome = Connection::open(impatient).unwrap().send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_TIMEOUT, 1));
}

#[tokio::test]
async fn headers_without_measure_are_not_read_to_their_end() {
    let endless = format!(
        "HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n",
        "x".repeat(4_000_000)
    );
    let service = Service::start(vec![Deed::Say(endless.into())]).await;
    let outcome = service.connection().send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_INTERRUPTED, 1));
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let service = Service::start(vec![Deed::Drip(
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    )])
    .await;
    let outcome = service.connection().send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_TOO_LARGE, 1));
}

#[tokio::test]
async fn a_compressed_answer_is_not_unpacked() {
    let bomb: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n\r\n\x1f\x8b\x08";
    let service = Service::start(vec![Deed::Say(bomb.into())]).await;
    let answer = service.connection().send(&post(None)).await.unwrap();
    assert_eq!(answer.body, b"\x1f\x8b\x08");
    assert!(
        !service.requests()[0]
            .to_lowercase()
            .contains("accept-encoding")
    );
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let service = Service::start(vec![Deed::Say(b"SSH-2.0-OpenSSH_9.6\r\n".into())]).await;
    let outcome = service.connection().send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_INTERRUPTED, 1));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = Service::start(vec![Deed::Echo]).await;
    let url = &elsewhere.url;
    let redirect = format!(
        "HTTP/1.1 307 x\r\nLocation: {url}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let service = Service::start(vec![Deed::Say(redirect.into())]).await;
    let answer = service.connection().send(&post(None)).await.unwrap();
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn after_all_tries_the_service_has_the_last_word() {
    let service = Service::start(vec![failing()]).await;
    let answer = service.connection().send(&post(None)).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body, br#"{"error":"out of order"}"#);
    assert_eq!(service.requests().len(), 3);
}

#[tokio::test]
async fn an_open_breaker_lets_no_request_through_and_says_for_how_long() {
    let service = Service::start(vec![failing()]).await;
    let guarded = ConnectionOptions {
        circuit_breaker: Some(CircuitBreakerOptions {
            failures: NonZeroU32::new(2).unwrap(),
            open_for: Duration::from_hours(1),
        }),
        ..service.options()
    };
    let connection = Connection::open(guarded).unwrap();
    let outcome = connection.send(&post(None)).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Code::CONNECTION_CIRCUIT_OPEN);
    assert!(error.failure.retry_after().unwrap() > Duration::from_mins(59));
    assert_eq!(service.requests().len(), 2);
    assert_eq!(
        code(connection.send(&post(None)).await),
        (Code::CONNECTION_CIRCUIT_OPEN, 1)
    );
    assert_eq!(service.requests().len(), 2);
}

#[tokio::test]
async fn what_is_not_granted_is_not_sent() {
    let service = Service::start(vec![Deed::Echo]).await;
    let granted = ConnectionOptions {
        permissions: Permissions {
            methods: vec![Method::GET],
            ..Permissions::default()
        },
        maximum_request: 10,
        ..service.options()
    };
    let connection = Connection::open(granted).unwrap();
    let outcome = connection.send(&post(None)).await;
    assert_eq!(code(outcome), (Code::CONNECTION_NOT_PERMITTED, 0));
    let large = Request {
        body: "x".repeat(11).into(),
        ..Request::new(Method::GET, "/")
    };
    let outcome = connection.send(&large).await;
    assert_eq!(code(outcome), (Code::CONNECTION_REQUEST_TOO_LARGE, 0));
    assert!(service.requests().is_empty());
}

#[tokio::test]
async fn secrets_that_are_repeated_do_not_reach_the_plugin() {
    let service = Service::start(vec![Deed::Echo]).await;
    let api_key = reqwest::header::HeaderName::from_static("x-api-key");
    for authentication in [
        Authentication::Bearer(SECRET.into()),
        Authentication::Headers(vec![(api_key, SECRET.into())]),
    ] {
        let secured = ConnectionOptions {
            authentication,
            ..service.options()
        };
        let answer = Connection::open(secured).unwrap().send(&post(None)).await;
        let echo = String::from_utf8(answer.unwrap().body).unwrap();
        assert!(
            echo.contains("[redacted]") && !echo.contains(SECRET),
            "{echo}"
        );
    }
    assert!(
        service
            .requests()
            .iter()
            .all(|request| request.contains(SECRET))
    );
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_as_it_is_connected_to() {
    install_crypto_provider();
    let url = Url::parse("http://api.example.com").unwrap();
    let resolver =
        address::GuardedResolver::new(&url, address::Reach::Public).with_lookup(Arc::new(|_| {
            Box::pin(async { Ok(vec!["127.0.0.1:0".parse().unwrap()]) })
        }));
    let client = Client::builder()
        .no_proxy()
        .dns_resolver(resolver)
        .build()
        .unwrap();
    let bounds = Bounds {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
        maximum: 10,
    };
    let missed = exchange(client.get(url), bounds, &Redaction::of([]))
        .await
        .unwrap_err();
    assert_eq!(missed.failure.code(), Code::CONNECTION_PRIVATE_ADDRESS);
    assert!(!missed.failure.may_pass());
}

#[test]
fn a_secret_that_no_header_can_have_is_found_out_at_once_and_not_quoted() {
    let broken = ConnectionOptions {
        authentication: Authentication::Bearer("s3cret\n".into()),
        ..options("https://example.com")
    };
    let error = Connection::open(broken).unwrap_err();
    assert_eq!(error.code(), Code::CONNECTION_OPTIONS);
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[test]
fn a_private_address_in_the_manifest_needs_leave() {
    let private = ConnectionOptions {
        authentication: Authentication::None,
        ..options("http://10.0.0.1")
    };
    let error = Connection::open(private.clone()).unwrap_err();
    assert_eq!(error.code(), Code::CONNECTION_PRIVATE_ADDRESS);
    let allowed = ConnectionOptions {
        private_addresses: true,
        ..private
    };
    assert!(Connection::open(allowed).is_ok());
}
