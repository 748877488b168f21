//! A service that takes what is posted to it as it is told: with refusals, failures, cuts and delays.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use jackfield_tests::service::{self, Request};

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
    /// How the next requests are met, one after another; those behind them are met as is usual.
    next: VecDeque<Manner>,
    usual: Option<Manner>,
    /// Requests, whatever became of them.
    requests: usize,
    /// What was taken, each idempotency key once, as it first came.
    taken: Vec<String>,
    keys: BTreeSet<String>,
    last: Option<Request>,
    /// Requests from this one on are kept waiting.
    held_from: Option<usize>,
}

impl Service {
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        let url = service::serve(move |request| serving.take(request)).unwrap();
        Self { url, shared }
    }

    pub fn url(&self) -> &str {
        &self.url
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
        self.state().taken.clone()
    }

    /// A header of the last request.
    pub fn header(&self, name: &str) -> Option<String> {
        let state = self.state();
        let last = state.last.as_ref()?;
        last.header(name).map(str::to_owned)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn take(&self, request: Request) -> String {
        let mut state = self.state();
        state.requests += 1;
        let number = state.requests;
        state = self
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
        if takes && state.keys.insert(request.key().to_owned()) {
            let body = String::from_utf8_lossy(&request.body);
            state.taken.push(body.into_owned());
        }
        state.last = Some(request);
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
