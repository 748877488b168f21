//! The store of a task: one set of guarantees over every place that checkpoints can be kept in.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::Connection;

use super::backend::Backend;
use super::objects::Objects;
use super::sqlite::{Outbox, Sqlite};
use super::state::Parts;
use super::{
    Checkpoint, DeadLetter, DeadLetterFilter, Location, StoreError, StoredDeadLetter, StoredEntry,
    StoredKey,
};
use crate::connection::Services;
use crate::plugin::{Changes, Entries};
use crate::record::{Batch, owner_of_group};

/// When a checkpoint that is written counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// At once.
    Certain,
    /// When something else has been committed too, which [`Store::settle`] tells.
    Undecided,
}

/// A checkpoint and what it took to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Entries of state that it wrote or removed.
    pub entries: u64,
    /// Bytes of keys and values that it wrote.
    pub bytes: u64,
}

/// How much a stage remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageState {
    /// The stage.
    pub stage: String,
    /// Its keys.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// Checkpoints, state and dead letters of a task.
///
/// What is written after a commit belongs to the epoch that is under way: the next [`commit`](Store::commit) makes it true, and
/// [`roll_back`](Store::roll_back) or the end of the process undoes it. A commit that is undecided can still be undone by [`settle`](Store::settle), also in
/// another process; until then everything that is read is as before it.
#[derive(Debug)]
pub struct Store(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(Box<Sqlite>),
    Objects(Box<Objects>),
}

impl Store {
    /// Opens the store of a pipeline, or of one of its tasks where it has several, and makes it if there is none.
    ///
    /// # Errors
    /// [`StoreError`] where another process has it, or it is damaged or another's.
    pub fn open(
        location: &Location,
        pipeline: &str,
        task: Option<&str>,
        services: &Services,
    ) -> Result<Self, StoreError> {
        Ok(Self(match location {
            Location::Sqlite(path) => Kind::Sqlite(Box::new(Sqlite::open(path, pipeline, task)?)),
            Location::Objects(bucket) => {
                Kind::Objects(Box::new(Objects::open(bucket, pipeline, task, services)?))
            }
        }))
    }

    /// Opens the store to look at what counts; the pipeline may be running.
    ///
    /// # Errors
    /// [`StoreError`] where there is none, or it is damaged or another's.
    pub fn open_read_only(
        location: &Location,
        pipeline: &str,
        task: Option<&str>,
        services: &Services,
    ) -> Result<Self, StoreError> {
        Ok(Self(match location {
            Location::Sqlite(path) => {
                Kind::Sqlite(Box::new(Sqlite::open_read_only(path, pipeline, task)?))
            }
            Location::Objects(bucket) => Kind::Objects(Box::new(Objects::open_read_only(
                bucket, pipeline, task, services,
            )?)),
        }))
    }

    fn backend(&self) -> &dyn Backend {
        match &self.0 {
            Kind::Sqlite(sqlite) => &**sqlite,
            Kind::Objects(objects) => &**objects,
        }
    }

    fn backend_mut(&mut self) -> &mut dyn Backend {
        match &mut self.0 {
            Kind::Sqlite(sqlite) => &mut **sqlite,
            Kind::Objects(objects) => &mut **objects,
        }
    }

    /// Where it is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.backend().place()
    }

    /// The last checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] where it is damaged.
    pub fn latest(&self) -> Result<Option<Checkpoint>, StoreError> {
        Ok(self.history(1)?.pop().map(|recorded| recorded.checkpoint))
    }

    /// The last checkpoints, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] where one is damaged.
    pub fn history(&self, limit: u64) -> Result<Vec<Recorded>, StoreError> {
        self.backend().history(limit)
    }

    /// Reads all that a stage remembers, in the order of (key group, key), until `each` has had enough.
    ///
    /// # Errors
    /// [`StoreError`] where an entry is damaged.
    pub fn entries(
        &self,
        stage: &str,
        mut each: impl FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.backend().entries(stage, &mut each)
    }

    /// Hands over all that a stage remembers, each entry to the one of `workers` workers that owns its key, in parts of a few mebibytes: never more than
    /// one part a worker is in memory.
    ///
    /// # Errors
    /// [`StoreError`] where an entry is damaged, or the first error of `each`.
    pub fn load<E: From<StoreError>>(
        &self,
        stage: &str,
        workers: usize,
        mut each: impl FnMut(usize, &Entries) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut parts = Parts::new(workers);
        let mut handed_over = Ok(());
        self.entries(stage, |entry| {
            let worker = owner_of_group(entry.key_group, workers);
            if let Some(part) = parts.push(worker, (&entry.key, entry.version, &entry.value)) {
                handed_over = each(worker, &part);
            }
            match handed_over {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        handed_over?;
        let mut rest = parts.rest();
        rest.try_for_each(|(worker, part)| each(worker, &part))
    }

    /// The keys of which a stage remembers something and that begin with `prefix`, in their order, at most so many.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn keys(
        &self,
        stage: &str,
        prefix: &[u8],
        limit: Option<u64>,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.backend().keys(stage, prefix, limit)
    }

    /// What a stage remembers of one key.
    ///
    /// # Errors
    /// [`StoreError`] where the entry is damaged.
    pub fn entry(&self, stage: &str, key: &[u8]) -> Result<Option<StoredEntry>, StoreError> {
        self.backend().entry(stage, key)
    }

    /// The stages that remember something, and how much.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub fn stages_with_state(&self) -> Result<Vec<StageState>, StoreError> {
        self.backend().stages_with_state()
    }

    /// The versions in which the entries of a stage were written, rising.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn state_versions(&self, stage: &str) -> Result<Vec<u32>, StoreError> {
        self.backend().state_versions(stage)
    }

    /// The dead letters that `filter` lets through, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.backend().dead_letters(filter)
    }

    /// How many of the dead letters that `filter` lets through there are of each stage and code, most first. Its limit does not count.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn dead_letter_counts(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(String, String, u64)>, StoreError> {
        self.backend().dead_letter_counts(filter)
    }

    /// How many records each sink owes to the service behind it; nothing where checkpoints are not kept in a database.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be counted.
    pub fn owed(&self) -> Result<Vec<(String, u64)>, StoreError> {
        match &self.0 {
            Kind::Sqlite(sqlite) => sqlite.owed(),
            Kind::Objects(_) => Ok(Vec::new()),
        }
    }

    /// Begins a new epoch, above all that ever were, and gives it and the pipeline's origin (as in [`Checkpoint`]). Whoever worked on an earlier one can
    /// commit nothing any more, and what this store has written since its last commit is undone. After a commit the next epoch is under way without a claim.
    ///
    /// # Errors
    /// [`StoreError`] where the claim cannot be written.
    pub fn claim(&mut self) -> Result<(u64, u64), StoreError> {
        self.backend_mut().claim()
    }

    /// Adds dead letters to the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be written.
    pub fn write_dead_letters(
        &mut self,
        epoch: u64,
        now: i64,
        letters: &[DeadLetter],
    ) -> Result<(), StoreError> {
        self.backend_mut().write_dead_letters(epoch, now, letters)
    }

    /// Takes dead letters out of the queue, with the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where that cannot be written.
    pub fn remove_dead_letters(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        self.backend_mut().remove_dead_letters(ids)
    }

    /// Ends the epoch: its rows and dead letters, the changes of state (stage, state version, changes) and the checkpoint become
    /// durable together, and true if that is certain.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] where another process has begun an epoch since, or another one where it cannot be written; then nothing of the epoch counts.
    /// Where it does not answer, that is known after the next [`claim`](Store::claim).
    pub fn commit(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        finality: Finality,
    ) -> Result<(), StoreError> {
        self.backend_mut().commit(checkpoint, changes, finality)
    }

    /// The epoch whose checkpoint was written, but counts only if something else was committed too.
    #[must_use]
    pub fn undecided(&self) -> Option<u64> {
        self.backend().undecided()
    }

    /// Settles whether the undecided epoch counts. That becomes durable with the next commit or with [`close`](Store::close): after a crash before it the
    /// epoch is undecided again.
    ///
    /// # Errors
    /// [`StoreError`] where the decision cannot be written.
    pub fn settle(&mut self, counts: bool) -> Result<(), StoreError> {
        self.backend_mut().settle(counts)
    }

    /// Undoes what was written since the last commit. An epoch that was settled since is undecided again.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be used any more.
    pub fn roll_back(&mut self) -> Result<(), StoreError> {
        self.backend_mut().roll_back()
    }

    /// Ends the work on the store: what was settled is made durable, what was written since the last commit is undone.
    ///
    /// # Errors
    /// [`StoreError`] where that cannot be written.
    pub fn close(&mut self) -> Result<(), StoreError> {
        self.backend_mut().close()
    }

    /// The database, for those who write tables of their own with the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError::NoTables`] where checkpoints are not kept in one.
    pub fn database(&mut self) -> Result<Database<'_>, StoreError> {
        match &mut self.0 {
            Kind::Sqlite(sqlite) => Ok(Database(sqlite)),
            Kind::Objects(objects) => Err(StoreError::NoTables {
                place: objects.place(),
            }),
        }
    }
}

/// The database that checkpoints are kept in, which can hold other tables too.
#[derive(Debug)]
pub struct Database<'a>(&'a mut Sqlite);

impl Database<'_> {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The connection inside the transaction of the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be begun.
    pub fn transaction(&mut self) -> Result<&Connection, StoreError> {
        self.0.transaction()
    }

    /// Adds records of a batch, those whose index is wanted, to what a sink owes. They are the epoch's that is under way, and taken at `at`, milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be written.
    pub fn owe(
        &mut self,
        (sink, epoch, at): (&str, u64, i64),
        batch: &Batch,
        is_wanted: impl FnMut(usize) -> bool,
    ) -> Result<(), StoreError> {
        self.0.owe((sink, epoch, at), batch, is_wanted)
    }

    /// Removes records from what is owed, with the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where that cannot be written.
    pub fn owe_no_longer(&mut self, ids: &[i64], epoch: u64) -> Result<(), StoreError> {
        self.0.owe_no_longer(ids, epoch)
    }

    /// What a sink owes, to be read by whoever delivers it.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be opened once more.
    pub fn outbox(&self, sink: &str) -> Result<Outbox, StoreError> {
        Outbox::open(self.0.path(), sink)
    }

    /// Whether a table of that name exists, and its columns.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn columns_of(&self, table: &str) -> Result<Option<Vec<String>>, StoreError> {
        self.0.columns_of(table)
    }
}
