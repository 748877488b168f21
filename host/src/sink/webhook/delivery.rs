//! Posts what an outbox holds: in its order, until the service has taken it or refuses it for good.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use tokio::sync::watch;

use super::ledger::Ledger;
use crate::checkpoint::{DeadLetter, Outbox, Owed, StoreError};
use crate::connection::http::{
    Answer, Connection, ConnectionError, ConnectionFailure, Reason, Request,
};
use crate::pipeline::{Backoff, Halt, Waits};
use crate::sink::{Opening, SinkError};

/// The code of records that the service refused, or that were given up.
const REFUSED: &str = "webhook-refused";

/// Where records go, and how.
pub(super) struct Route {
    pub(super) sink: String,
    pub(super) connection: Arc<Connection>,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    /// What every idempotency key begins with: no other life of this or another pipeline has it.
    pub(super) key: String,
    pub(super) give_up_after: Duration,
    pub(super) in_flight: usize,
}

/// A delivery at work. It ends when it is dropped: a request that is under way then is made again by the next one.
pub(super) struct Delivery {
    end: Halt,
    thread: Option<JoinHandle<()>>,
}

impl Delivery {
    pub(super) fn start(
        route: Route,
        outbox: Outbox,
        ledger: &Arc<Ledger>,
        opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        let end = Halt::default();
        let runtime = opening.services.runtime().clone();
        let courier = Courier {
            waits: Arc::clone(opening.waits),
            ledger: Arc::clone(ledger),
            started: Instant::now(),
            troubled: AtomicUsize::new(0),
            route,
        };
        let reader = Reader {
            outbox,
            epochs: opening.progress.epochs(),
            behind: 0,
            read: VecDeque::new(),
        };
        let (ended, halted) = (end.clone(), opening.halt.clone());
        let thread = thread::Builder::new()
            .name(format!("delivery {}", opening.name))
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = ended.halted() => {}
                        () = halted.halted() => {}
                        () = courier.run(reader) => {}
                    }
                });
            })
            .map_err(SinkError::Thread)?;
        Ok(Self {
            end,
            thread: Some(thread),
        })
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.end.halt();
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and nothing that it knew is lost.
            let _ = thread.join();
        }
    }
}

/// Reads an outbox as checkpoints are committed.
struct Reader {
    outbox: Outbox,
    epochs: watch::Receiver<u64>,
    behind: i64,
    read: VecDeque<Owed>,
}

impl Reader {
    /// The next record, when there is one.
    async fn next(&mut self) -> Result<Owed, StoreError> {
        loop {
            if let Some(owed) = self.read.pop_front() {
                self.behind = owed.id;
                return Ok(owed);
            }
            let epoch = *self.epochs.borrow_and_update();
            self.read = self.outbox.read(self.behind, epoch)?.into();
            if self.read.is_empty() && self.epochs.changed().await.is_err() {
                // Nobody commits any more.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// What becomes of a try.
enum Outcome {
    Delivered,
    /// The same request would be refused again.
    Refused(String),
    /// The service is not well, or has had enough; it may ask for a wait.
    Again(String, Option<Duration>),
}

struct Courier {
    route: Route,
    ledger: Arc<Ledger>,
    waits: Arc<Waits>,
    started: Instant,
    /// Records that are being tried again.
    troubled: AtomicUsize,
}

impl Courier {
    async fn run(&self, reader: Reader) {
        let records = stream::unfold(reader, |mut reader| async move {
            Some((reader.next().await, reader))
        });
        let records = records.map(|owed| async move {
            match owed {
                Ok(owed) => self.deliver(owed).await,
                Err(error) => {
                    self.ledger.broke_off(error);
                    // The attempt ends when the sink finds out.
                    std::future::pending().await
                }
            }
        });
        records
            .buffer_unordered(self.route.in_flight)
            .for_each(|()| std::future::ready(()))
            .await;
    }

    /// Posts a record until something became of it.
    async fn deliver(&self, owed: Owed) {
        self.ledger.under_way(&owed);
        let request = self.route.request(&owed);
        let mut backoff = Backoff::default();
        let mut trouble = None;
        loop {
            let sent = self.route.connection.deliver(&request).await;
            let (error, asked) = match outcome(sent) {
                Outcome::Delivered => return self.ledger.delivered(owed.id),
                Outcome::Refused(reason) => return self.give_up(owed, reason),
                Outcome::Again(error, asked) => (error, asked),
            };
            self.ledger.failed(&error);
            let left = self.left(owed.at);
            if left.is_zero() {
                let longest = self.route.give_up_after;
                return self.give_up(owed, format!("it was tried for {longest:?}; {error}"));
            }
            trouble.get_or_insert_with(|| Trouble::of(self)).say(&error);
            let pause = backoff.next().max(asked.unwrap_or_default());
            tokio::time::sleep(pause.min(left)).await;
        }
    }

    /// For how much longer a record is tried. A time in which the pipeline did not run does not count.
    fn left(&self, at: i64) -> Duration {
        let age = u64::try_from(crate::pipeline::clock::now() - at).unwrap_or(0);
        let tried = self.started.elapsed().min(Duration::from_millis(age));
        self.route.give_up_after.saturating_sub(tried)
    }

    fn give_up(&self, owed: Owed, message: String) {
        let sink = &self.route.sink;
        tracing::warn!(sink, record = owed.id, "not delivered: {message}");
        let letter = DeadLetter {
            stage: sink.clone(),
            port: String::new(),
            code: REFUSED.to_owned(),
            message,
            record: owed.record,
            key: owed.key,
            timestamp: owed.timestamp,
            plugin: String::new(),
            backtrace: None,
            state: None,
        };
        self.ledger.refused(owed.id, letter);
    }
}

impl Route {
    fn request(&self, owed: &Owed) -> Request {
        Request {
            headers: self.headers.clone(),
            body: owed.record.clone().into(),
            idempotency_key: Some(format!("{}/{}", self.key, owed.id)),
            ..Request::new(Method::POST, self.path.clone())
        }
    }
}

/// A record that is tried again. While there is one, the sink waits for its service.
struct Trouble<'a>(&'a Courier);

impl<'a> Trouble<'a> {
    fn of(courier: &'a Courier) -> Self {
        courier.troubled.fetch_add(1, Relaxed);
        Self(courier)
    }

    fn say(&self, error: &str) {
        let who = format!("sink {}", self.0.route.sink);
        self.0.waits.begin(&who, error);
    }
}

impl Drop for Trouble<'_> {
    fn drop(&mut self) {
        if self.0.troubled.fetch_sub(1, Relaxed) == 1 {
            self.0.waits.end(&format!("sink {}", self.0.route.sink));
        }
    }
}

/// RFC 9110, section 15: what a status says of the request, and of what to do.
fn outcome(sent: Result<Answer, ConnectionError>) -> Outcome {
    let answer = match sent {
        Ok(answer) => answer,
        Err(error) => return failure(&error),
    };
    if answer.status.is_success() {
        return Outcome::Delivered;
    }
    let reason = Reason(answer.reason.as_deref());
    let said = format!("the service answered {}{reason}", answer.status);
    let may_pass = matches!(
        answer.status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
    );
    match may_pass || answer.status.is_server_error() {
        true => Outcome::Again(said, answer.retry_after()),
        false => Outcome::Refused(said),
    }
}

/// A request that no record but this one is to blame for is refused; everything else is for people to put right while it is tried again.
fn failure(error: &ConnectionError) -> Outcome {
    match error.failure {
        ConnectionFailure::RequestTooLarge { .. }
        | ConnectionFailure::NotPermitted(_)
        | ConnectionFailure::TooLarge { .. } => Outcome::Refused(error.to_string()),
        _ => Outcome::Again(error.to_string(), error.failure.retry_after()),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::*;

    fn answered(status: u16, headers: HeaderMap) -> Outcome {
        outcome(Ok(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Vec::new(),
            reason: Some("no room".to_owned()),
        }))
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        for status in [200, 201, 202, 204] {
            let outcome = answered(status, HeaderMap::new());
            assert!(matches!(outcome, Outcome::Delivered), "{status}");
        }
        for status in [408, 425, 429, 500, 503, 599] {
            let outcome = answered(status, HeaderMap::new());
            assert!(matches!(outcome, Outcome::Again(..)), "{status}");
        }
        for status in [301, 304, 400, 401, 404, 409, 410, 422] {
            let outcome = answered(status, HeaderMap::new());
            assert!(matches!(outcome, Outcome::Refused(_)), "{status}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_the_reason_of_the_service() {
        let Outcome::Refused(said) = answered(422, HeaderMap::new()) else {
            panic!("422 is a refusal");
        };
        assert_eq!(
            said,
            "the service answered 422 Unprocessable Entity (\"no room\")"
        );
    }

    #[test]
    fn a_service_says_how_long_it_is_to_be_left_alone() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
        let Outcome::Again(_, asked) = answered(429, headers) else {
            panic!("429 is no refusal");
        };
        assert_eq!(asked, Some(Duration::from_secs(7)));
    }
}
