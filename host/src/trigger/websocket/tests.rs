use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::job::{Failure, Outcome, Problem, State, SubmitError};
use crate::trigger::tests::Host;

const STREAM: &str = r#"
[triggers.stream]
type = "websocket"
job = "export"
port = "chunks"
path = "/stream"
maximum-message-bytes = "1 KiB"
"#;

type Socket = WebSocketStream<TcpStream>;

async fn host(options: &str) -> Host {
    Host::start(&format!("{STREAM}{options}")).await
}

async fn try_connect(host: &Host, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    let address = host.running.address().unwrap();
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        let name: hyper::header::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

async fn connect(host: &Host, path: &str) -> Socket {
    try_connect(host, path, &[]).await.unwrap()
}

async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

/// The next message; pings are not messages.
async fn hear(socket: &mut Socket) -> String {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The code and the reason of the close frame that comes next.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn started(host: &Host, count: usize) {
    host.jobs
        .until(|jobs| jobs.submissions().len() == count)
        .await;
}

#[tokio::test]
async fn what_the_job_emits_is_sent_in_order_and_its_output_last() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, r#"{"export_job_id":"x"}"#).await;
    started(&host, 1).await;
    for chunk in 0..40 {
        host.jobs.emit("job-1", format!("chunk {chunk}"));
    }
    for chunk in 0..40 {
        assert_eq!(hear(&mut socket).await, format!("chunk {chunk}"));
    }
    host.jobs.end(
        "job-1",
        Outcome::Returned(br#"{"status":"complete"}"#.into()),
    );
    assert_eq!(hear(&mut socket).await, r#"{"status":"complete"}"#);
    assert_eq!(closed(&mut socket).await.0, 1000);
    assert_eq!(host.jobs.submissions()[0].input, r#"{"export_job_id":"x"}"#);
}

#[tokio::test]
async fn a_first_message_that_is_not_json_is_a_protocol_error() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{\"export_job_id\"").await;
    let told: Json = serde_json::from_str(&hear(&mut socket).await).unwrap();
    assert_eq!(told["error"]["code"], "malformed-json");
    assert_eq!(closed(&mut socket).await.0, 1002);
}

#[tokio::test]
async fn an_input_that_the_job_refuses_is_unsupported_data() {
    let host = host("").await;
    host.jobs.refuse(SubmitError::Invalid(vec![Problem {
        field: "chunk_size_matrix".into(),
        code: "empty".into(),
        message: "chunk_size_matrix cannot be empty".into(),
        value: Some("[]".into()),
        allowed: Vec::new(),
    }]));
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    let told: Json = serde_json::from_str(&hear(&mut socket).await).unwrap();
    assert_eq!(told["error"]["problems"][0]["field"], "chunk_size_matrix");
    let reason = "chunk_size_matrix cannot be empty".to_owned();
    assert_eq!(closed(&mut socket).await, (1003, reason));
}

#[tokio::test]
async fn a_job_that_fails_is_an_internal_error() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    host.jobs.end(
        "job-1",
        Outcome::Failed(Failure {
            code: "schema-drift".into(),
            message: "the key `speed` is new in record 7000".into(),
            details: None,
            status: None,
            retry_after: None,
        }),
    );
    let told: Json = serde_json::from_str(&hear(&mut socket).await).unwrap();
    assert_eq!(told["error"]["code"], "schema-drift");
    let reason = "the key `speed` is new in record 7000".to_owned();
    assert_eq!(closed(&mut socket).await, (1011, reason));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_so() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, &"x".repeat(2_000)).await;
    assert_eq!(closed(&mut socket).await.0, 1009);
}

#[tokio::test]
async fn pages_of_other_origins_may_not_connect() {
    let host = host("origins = [\"https://app.example.com\"]").await;
    let from = async |origin: &str| {
        let connected = try_connect(&host, "/stream", &[("origin", origin)]).await;
        connected.err()
    };
    assert_eq!(from("https://app.example.com").await, None);
    assert_eq!(from("https://evil.example.com").await, Some(403));
    assert_eq!(from("null").await, Some(403));
}

#[tokio::test]
async fn a_client_beyond_the_room_is_told_to_come_again() {
    let host = host("maximum-clients = 1").await;
    let _first = connect(&host, "/stream").await;
    assert_eq!(try_connect(&host, "/stream", &[]).await.err(), Some(503));
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_what_is_wanted() {
    let host = host("").await;
    let response = host.get("/stream").await;
    assert_eq!(response.headers()["sec-websocket-version"], "13");
    assert_eq!(response.status(), 426);
}

#[tokio::test]
async fn the_job_of_a_client_that_leaves_is_cancelled() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    drop(socket);
    host.jobs
        .until(|jobs| jobs.state("job-1") == Some(State::Cancelled))
        .await;
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_gone() {
    let host = host("ping-interval = \"20ms\"").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    // Nobody reads from the socket any more, so that nobody answers.
    host.jobs
        .until(|jobs| jobs.state("job-1") == Some(State::Cancelled))
        .await;
    drop(socket);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let host = host("").await;
    let key = "k".repeat(256);
    let connected = try_connect(&host, "/stream", &[("idempotency-key", &key)]).await;
    assert_eq!(connected.err(), Some(400));
}

#[tokio::test]
async fn a_client_with_a_key_comes_back_to_what_it_has_not_acknowledged() {
    let host = host("").await;
    let path = "/stream?key=k1&acknowledge=true";
    let mut socket = connect(&host, path).await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    for chunk in 0..5 {
        host.jobs.emit("job-1", format!("chunk {chunk}"));
    }
    for chunk in 0..5 {
        assert_eq!(hear(&mut socket).await, format!("chunk {chunk}"));
    }
    say(&mut socket, r#"{"acknowledge":2}"#).await;
    host.jobs
        .until(|jobs| jobs.acknowledged("job-1") == 2)
        .await;
    drop(socket);

    let mut socket = connect(&host, path).await;
    say(&mut socket, "{}").await;
    for chunk in 2..5 {
        assert_eq!(hear(&mut socket).await, format!("chunk {chunk}"));
    }
    // What is counted are the messages of this connection.
    say(&mut socket, r#"{"acknowledge":3}"#).await;
    host.jobs
        .until(|jobs| jobs.acknowledged("job-1") == 5)
        .await;
    assert_eq!(host.jobs.state("job-1"), Some(State::Ready));
}

#[tokio::test]
async fn a_client_with_a_key_that_does_not_come_back_loses_its_job() {
    let host = host("resume-within = \"10ms\"").await;
    let mut socket = connect(&host, "/stream?key=k1").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    drop(socket);
    host.jobs
        .until(|jobs| jobs.state("job-1") == Some(State::Cancelled))
        .await;
}

#[tokio::test]
async fn a_client_that_comes_back_too_early_takes_over_from_itself() {
    let host = host("").await;
    let mut first = connect(&host, "/stream?key=k1").await;
    say(&mut first, "{}").await;
    started(&host, 1).await;
    host.jobs.emit("job-1", "chunk 0");
    assert_eq!(hear(&mut first).await, "chunk 0");
    let mut second = connect(&host, "/stream?key=k1").await;
    say(&mut second, "{}").await;
    assert_eq!(closed(&mut first).await.0, 1008);
    host.jobs.emit("job-1", "chunk 1");
    assert_eq!(hear(&mut second).await, "chunk 1");
}

#[tokio::test]
async fn what_makes_no_sense_while_streaming_is_a_protocol_error() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    say(&mut socket, r#"{"faster":true}"#).await;
    assert_eq!(closed(&mut socket).await.0, 1002);
    host.jobs
        .until(|jobs| jobs.state("job-1") == Some(State::Cancelled))
        .await;
}

#[tokio::test]
async fn records_that_are_no_text_are_binary_messages() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    host.jobs.emit("job-1", &[0xff_u8, 0xfe][..]);
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(message, Message::binary(&[0xff_u8, 0xfe][..]));
}

#[tokio::test]
async fn a_host_that_stops_says_goodbye_and_leaves_jobs_that_can_be_come_back_to() {
    let host = host("").await;
    let mut socket = connect(&host, "/stream?key=k1").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    let mut other = connect(&host, "/stream").await;
    say(&mut other, "{}").await;
    started(&host, 2).await;
    let Host { running, jobs, .. } = host;
    let stopping = tokio::spawn(running.stop());
    assert_eq!(closed(&mut socket).await.0, 1001);
    assert_eq!(closed(&mut other).await.0, 1001);
    drop((socket, other));
    stopping.await.unwrap();
    assert_eq!(jobs.state("job-1"), Some(State::Ready));
    assert_eq!(jobs.state("job-2"), Some(State::Cancelled));
}

#[tokio::test]
async fn a_slow_client_is_waited_for_and_gets_everything() {
    let host = host("ping-interval = \"300ms\"").await;
    let mut socket = connect(&host, "/stream").await;
    say(&mut socket, "{}").await;
    started(&host, 1).await;
    // More than the buffers of both sides hold.
    let large = "x".repeat(16 * 1024 * 1024);
    host.jobs.emit("job-1", large.clone());
    let began = std::time::Instant::now();
    let (stream, mut heard) = (socket.get_ref(), 0);
    // Reads a little at a time, as a thin line would deliver it: several times the patience with one that takes nothing.
    while began.elapsed() < std::time::Duration::from_millis(1_500) {
        stream.readable().await.unwrap();
        let mut some = vec![0; 16 * 1024];
        match stream.try_read(&mut some) {
            Ok(read) => heard += read,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        tokio::time::sleep(std::time::Duration::from_millis(4)).await;
    }
    assert!(heard > 0 && heard < large.len());
    assert_eq!(host.jobs.state("job-1"), Some(State::Ready));
    // The rest of the frame, with its head of ten bytes.
    while heard < large.len() + 10 {
        stream.readable().await.unwrap();
        let mut much = vec![0; 1024 * 1024];
        if let Ok(read) = stream.try_read(&mut much) {
            assert!(read > 0, "the host closed the connection");
            heard += read;
        }
    }
    host.jobs
        .until(|jobs| jobs.acknowledged("job-1") == 1)
        .await;
}
