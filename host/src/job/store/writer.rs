//! The one thread that writes: what has come together since its last commit is committed at once.

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::JobStoreError;
use super::outbox::Shared;

/// Writes that share a commit at most.
const MOST: usize = 4096;

/// Says to whoever waits what became of a write.
type Done = Box<dyn FnOnce(bool) + Send>;

/// A write, before it is committed; none if it failed, and has said so.
type Write = Box<dyn FnOnce(&Transaction<'_>) -> Option<Done> + Send>;

/// Hands writes to the thread.
#[derive(Debug)]
pub(super) struct Writer {
    writes: Option<Sender<Write>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

/// What will have become of a write.
#[derive(Debug)]
#[must_use = "it is not known whether it was written"]
pub struct Ticket<R> {
    result: Receiver<Result<R, JobStoreError>>,
    path: PathBuf,
}

impl<R> Ticket<R> {
    /// Waits until it is on disk.
    ///
    /// # Errors
    /// [`JobStoreError`] where it could not be written, and nothing of it was.
    pub fn wait(self) -> Result<R, JobStoreError> {
        let gone = |_| JobStoreError::NotWritten { path: self.path };
        self.result.recv().map_err(gone)?
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        path: &Path,
        outbox: Shared,
    ) -> Result<Self, JobStoreError> {
        let (writes, received) = unbounded();
        let thread = thread::Builder::new()
            .name("job journal".to_owned())
            .spawn(move || serve(connection, &received, &outbox))
            .map_err(|error| JobStoreError::Create {
                path: path.to_owned(),
                error,
            })?;
        Ok(Self {
            writes: Some(writes),
            thread: Some(thread),
            path: path.to_owned(),
        })
    }

    /// Writes come to disk in the order in which they are given here; one that fails takes those with it that share its commit.
    pub(super) fn write<R: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<R> + Send + 'static,
    ) -> Ticket<R> {
        let (answer, result) = bounded(1);
        let path = self.path.clone();
        let work: Write = Box::new(move |transaction| match write(transaction) {
            Ok(value) => Some(Box::new(move |committed| {
                let not_written = JobStoreError::NotWritten { path };
                // Nobody has to wait for it.
                let _ = answer.send(if committed {
                    Ok(value)
                } else {
                    Err(not_written)
                });
            })),
            Err(error) => {
                let _ = answer.send(Err(JobStoreError::of_sqlite(&path, error)));
                None
            }
        });
        if let Some(writes) = &self.writes {
            // Without the thread the ticket says that nothing was written.
            let _ = writes.send(work);
        }
        Ticket {
            result,
            path: self.path.clone(),
        }
    }
}

impl Drop for Writer {
    /// What was handed over is written.
    fn drop(&mut self) {
        self.writes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut connection: Connection, writes: &Receiver<Write>, outbox: &Shared) {
    connection.set_prepared_statement_cache_capacity(64);
    while let Ok(first) = writes.recv() {
        let together = std::iter::once(first).chain(writes.try_iter().take(MOST - 1));
        let (done, committed) = match commit(&mut connection, together) {
            Ok(done) => (done, true),
            Err((done, error)) => {
                tracing::error!(%error, "jobs could not be written");
                (done, false)
            }
        };
        done.into_iter().for_each(|done| done(committed));
        if committed {
            outbox.wake();
        }
    }
}

fn commit(
    connection: &mut Connection,
    writes: impl Iterator<Item = Write>,
) -> Result<Vec<Done>, (Vec<Done>, String)> {
    let mut done = Vec::new();
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        // The writes go, and their tickets say so.
        Err(error) => return Err((done, error.to_string())),
    };
    let mut failed = false;
    for write in writes {
        match write(&transaction) {
            Some(one) => done.push(one),
            None => failed = true,
        }
        if failed {
            break;
        }
    }
    if failed {
        return Err((done, "a write failed".to_owned()));
    }
    match transaction.commit() {
        Ok(()) => Ok(done),
        Err(error) => Err((done, error.to_string())),
    }
}
