//! A service that does not answer is asked again, without end, until it does or the attempt is over: what waits here stops the sources, and nothing is lost.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::SinkError;
use crate::connection::cassandra::CassandraError;
use crate::pipeline::{Backoff, Halt, Waits};

/// What goes wrong with a request.
pub(super) trait Failure: Display {
    /// Whether the same request may fare better later.
    fn is_transient(&self) -> bool;
}

impl Failure for CassandraError {
    fn is_transient(&self) -> bool {
        self.is_transient()
    }
}

/// Asks again.
#[derive(Debug)]
pub(super) struct Patience {
    who: String,
    waits: Arc<Waits>,
    halt: Halt,
    /// Requests that wait for the service.
    waiting: Mutex<usize>,
    /// Told to those who pause when one of them has been answered.
    answered: Notify,
}

/// A request that waits for the service.
struct Waiting<'a>(&'a Patience);

impl Patience {
    /// Of a sink of that name.
    pub(super) fn new(sink: &str, waits: &Arc<Waits>, halt: &Halt) -> Self {
        Self {
            who: format!("sink {sink}"),
            waits: Arc::clone(waits),
            halt: halt.clone(),
            waiting: Mutex::new(0),
            answered: Notify::new(),
        }
    }

    /// Makes a request again and again until it is answered, or can never be.
    pub(super) async fn insist<T, E, F>(
        &self,
        mut request: impl FnMut() -> F,
    ) -> Result<T, SinkError>
    where
        F: Future<Output = Result<T, E>>,
        E: Failure + Into<SinkError>,
    {
        let mut waiting = None;
        let mut backoff = Backoff::default();
        loop {
            let answer = tokio::select! {
                biased;
                () = self.halt.halted() => return Err(SinkError::Halted),
                answer = request() => answer,
            };
            let error = match answer {
                Err(error) if error.is_transient() => error,
                other => {
                    if waiting.is_some() {
                        self.answered.notify_waiters();
                    }
                    return other.map_err(Into::into);
                }
            };
            let waiting = waiting.get_or_insert_with(|| Waiting::new(self));
            waiting.say(&error);
            tokio::select! {
                () = self.halt.halted() => return Err(SinkError::Halted),
                () = self.answered.notified() => {}
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }
}

impl<'a> Waiting<'a> {
    fn new(patience: &'a Patience) -> Self {
        *patience
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        Self(patience)
    }

    fn say(&self, error: &impl Failure) {
        // Under the lock, so that nobody's end comes between.
        let _waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.0.waits.begin(&self.0.who, &error.to_string());
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *waiting -= 1;
        if *waiting == 0 {
            self.0.waits.end(&self.0.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    fn unanswered() -> CassandraError {
        CassandraError::Unanswered {
            connection: "tables".to_owned(),
            reason: "connection refused".to_owned(),
        }
    }

    fn patience() -> (Patience, Arc<Waits>, Halt) {
        let (waits, halt) = (Arc::new(Waits::default()), Halt::default());
        (Patience::new("alerts", &waits, &halt), waits, halt)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_made_until_it_is_answered() {
        let (patience, waits, _) = patience();
        let requests = AtomicUsize::new(0);
        let answer = patience
            .insist(|| async {
                let known: Vec<_> = waits
                    .list()
                    .into_iter()
                    .map(|wait| (wait.who, wait.what))
                    .collect();
                match requests.fetch_add(1, Relaxed) {
                    0 => assert!(known.is_empty()),
                    _ => assert_eq!(
                        known,
                        [(
                            "sink alerts".to_owned(),
                            "the nodes of `tables` do not answer: connection refused".to_owned()
                        )]
                    ),
                }
                if requests.load(Relaxed) < 4 {
                    Err(unanswered())
                } else {
                    Ok(7)
                }
            })
            .await;
        assert_eq!(answer.unwrap(), 7);
        assert!(waits.list().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_attempt_lasts() {
        let (patience, waits, halt) = patience();
        let answer = patience.insist(|| async {
            halt.halt();
            Err::<(), _>(unanswered())
        });
        assert!(matches!(answer.await, Err(SinkError::Halted)));
        assert!(waits.list().is_empty());
    }

    #[tokio::test]
    async fn what_can_never_be_answered_is_asked_once() {
        let (patience, _, _) = patience();
        let refusal = CassandraError::Refused {
            connection: "tables".to_owned(),
            reason: "no such column".to_owned(),
        };
        let answer = patience
            .insist(|| async { Err::<(), _>(refusal.clone()) })
            .await;
        assert!(matches!(
            answer,
            Err(SinkError::Cassandra(CassandraError::Refused { .. }))
        ));
    }
}
