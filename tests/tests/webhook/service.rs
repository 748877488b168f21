//! A service that takes what is posted to it as it is told: with refusals, failures, cuts and delays.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// What a request is met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Taken: 204.
    Take,
    /// Answered with a status, and not taken.
    Status(u16),
    /// 429 with `Retry-After: 1`.
    LeaveAlone,
    /// Taken, and the connection closed before the answer is complete.
    TakeAndCut,
    /// Taken, later than the client waits.
    TakeSlowly,
}

/// The service. It ends with the test.
#[derive(Clone)]
pub struct Service {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How the next requests are met, one after another; those behind them are met as is usual.
    next: VecDeque<Manner>,
    usual: Option<Manner>,
    /// Requests, whatever became of them.
    requests: usize,
    /// What was taken, by idempotency key, as it first came.
    taken: Vec<(String, String)>,
    keys: BTreeSet<String>,
    /// Headers of the last request.
    headers: BTreeMap<String, String>,
    /// Requests from this one on are kept waiting.
    held_from: Option<usize>,
}

impl Service {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            shared: Arc::default(),
        };
        let serving = service.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let service = serving.clone();
                // One that breaks off is the host's, which was killed.
                thread::spawn(move || drop(service.serve(stream)));
            }
        });
        service
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How the next requests are met.
    pub fn next(&self, manners: impl IntoIterator<Item = Manner>) {
        self.state().next.extend(manners);
    }

    /// How requests are met where nothing else is said.
    pub fn usually(&self, manner: Manner) {
        self.state().usual = Some(manner);
    }

    /// Keeps requests waiting from that one on, counted from 1.
    pub fn hold_from(&self, request: usize) {
        self.state().held_from = Some(request);
    }

    pub fn let_go(&self) {
        self.state().held_from = None;
        self.shared.changed.notify_all();
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// The bodies that were taken, each by its key once, in the order of their first arrival.
    pub fn taken(&self) -> Vec<String> {
        let state = self.state();
        state.taken.iter().map(|(_, body)| body.clone()).collect()
    }

    /// A header of the last request.
    pub fn header(&self, name: &str) -> Option<String> {
        self.state().headers.get(name).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let answer = self.take(headers, String::from_utf8_lossy(&body).into_owned());
        (&stream).write_all(answer.as_bytes())
    }

    fn take(&self, headers: BTreeMap<String, String>, body: String) -> String {
        let mut state = self.state();
        state.requests += 1;
        let number = state.requests;
        state = self
            .shared
            .changed
            .wait_while(state, |state| {
                state.held_from.is_some_and(|held| number >= held)
            })
            .unwrap();
        let usual = state.usual.unwrap_or(Manner::Take);
        let manner = state.next.pop_front().unwrap_or(usual);
        let takes = matches!(
            manner,
            Manner::Take | Manner::TakeAndCut | Manner::TakeSlowly
        );
        let key = headers.get("idempotency-key").cloned().unwrap_or_default();
        if takes && state.keys.insert(key.clone()) {
            state.taken.push((key, body));
        }
        state.headers = headers;
        drop(state);
        let end = "connection: close\r\ncontent-length: ";
        match manner {
            Manner::Take => format!("HTTP/1.1 204 No Content\r\n{end}0\r\n\r\n"),
            Manner::Status(status) => {
                let reason = r#"{"message":"as the test wants"}"#;
                let length = reason.len();
                format!("HTTP/1.1 {status} X\r\n{end}{length}\r\n\r\n{reason}")
            }
            Manner::LeaveAlone => format!("HTTP/1.1 429 X\r\nretry-after: 1\r\n{end}0\r\n\r\n"),
            Manner::TakeAndCut => format!("HTTP/1.1 200 OK\r\n{end}100\r\n\r\nhalf"),
            Manner::TakeSlowly => {
                // Not to wait for anything: to be slow is what this service is for.
                thread::sleep(Duration::from_millis(700));
                format!("HTTP/1.1 200 OK\r\n{end}0\r\n\r\n")
            }
        }
    }
}
