//! A service that counts what it is asked, by idempotency key, and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

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
    /// Method and path of all requests, as they came.
    requests: Vec<(String, String)>,
    /// By method and path: idempotency keys, and how often each came.
    keys: BTreeMap<(String, String), BTreeMap<String, u32>>,
    /// Paths whose requests are answered with a status.
    refused: BTreeMap<String, u16>,
    /// Paths whose requests are answered when they are let go.
    held: Vec<String>,
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

    /// Answers requests to this path with a status, until another is said.
    pub fn answer(&self, path: &str, status: u16) {
        self.state().refused.insert(path.to_owned(), status);
    }

    /// Keeps requests to this path waiting.
    pub fn hold(&self, path: &str) {
        self.state().held.push(path.to_owned());
    }

    /// Answers them.
    pub fn let_go(&self) {
        self.state().held.clear();
        self.shared.changed.notify_all();
    }

    pub fn count(&self) -> usize {
        self.state().requests.len()
    }

    /// How often a request came.
    pub fn count_of(&self, method: &str, path: &str) -> usize {
        let state = self.state();
        let meant = |(found, at): &&(String, String)| found == method && at == path;
        state.requests.iter().filter(meant).count()
    }

    /// By path: how many different keys the `POST` requests to it had.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        let state = self.state();
        let posts = state
            .keys
            .iter()
            .filter(|((method, _), _)| method == "POST");
        posts
            .map(|((_, path), keys)| (path.clone(), keys.len()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Ok(());
        };
        let (mut length, mut key) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "idempotency-key" => key = value.trim().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let status = self.take(method, &path, key);
        let said = format!("\"{path}\"");
        write!(
            &stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
            said.len()
        )
    }

    fn take(&self, method: String, path: &str, key: String) -> u16 {
        let mut state = self.state();
        let place = (method, path.to_owned());
        state.requests.push(place.clone());
        *state.keys.entry(place).or_default().entry(key).or_default() += 1;
        let is_held = |state: &mut State| state.held.iter().any(|held| held == path);
        state = self.shared.changed.wait_while(state, is_held).unwrap();
        state.refused.get(path).copied().unwrap_or(200)
    }
}
