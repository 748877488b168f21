//! A service that counts what it is asked, by idempotency key, and answers as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use jackfield_tests::service::{self, Request};

/// The service. It ends with the test.
#[derive(Clone)]
pub struct Service {
    url: String,
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
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        let url = service::serve(move |request| serving.answer(request)).unwrap();
        Self { url, shared }
    }

    pub fn url(&self) -> &str {
        &self.url
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
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn answer(&self, request: Request) -> String {
        let said = format!("\"{}\"", request.path);
        let status = self.take(request);
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
            said.len()
        )
    }

    fn take(&self, request: Request) -> u16 {
        let mut state = self.state();
        let key = request.key().to_owned();
        let Request { method, path, .. } = request;
        let place = (method, path.clone());
        state.requests.push(place.clone());
        *state.keys.entry(place).or_default().entry(key).or_default() += 1;
        let is_held = |state: &mut State| state.held.contains(&path);
        state = self.changed.wait_while(state, is_held).unwrap();
        state.refused.get(&path).copied().unwrap_or(200)
    }
}
