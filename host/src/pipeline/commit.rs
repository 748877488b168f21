//! What makes an epoch true: the store's own commit, or a transaction of Kafka's where a task writes there.
//!
//! A task that writes to Kafka commits in two steps. First the checkpoint is written, undecided; then the transaction is committed, and with it the number of
//! the epoch. After a crash between the two the cluster is asked which epoch it has: a transaction is never taken up again, it has happened or
//! it has not.

use std::sync::Arc;

use super::channel::Fault;
use super::halt::Halt;
use super::plan::Plan;
use super::waits::Waits;
use crate::checkpoint::Finality;
use crate::connection::Services;
use crate::connection::kafka::Transaction;

/// What makes the epochs of an attempt true.
#[derive(Debug)]
pub(super) struct Commitment {
    transaction: Option<Arc<Transaction>>,
}

impl Commitment {
    /// Takes over the task's transactions, if it writes to Kafka: from here on nobody else commits one.
    pub(super) fn open(
        plan: &Plan,
        services: &Services,
        waits: &Arc<Waits>,
        halt: &Halt,
    ) -> Result<Self, Fault> {
        let Some(planned) = &plan.transaction else {
            return Ok(Self { transaction: None });
        };
        let transaction = Transaction::open(services, planned, waits, halt)?;
        Ok(Self {
            transaction: Some(Arc::new(transaction)),
        })
    }

    pub(super) fn transaction(&self) -> Option<&Arc<Transaction>> {
        self.transaction.as_ref()
    }

    pub(super) fn finality(&self) -> Finality {
        match self.transaction {
            Some(_) => Finality::Undecided,
            None => Finality::Certain,
        }
    }

    /// Makes sure that the cluster knows the number of a committed epoch before a checkpoint is written that depends on it: what the cluster does not know
    /// later, it has forgotten. `before` is an epoch that nothing was and nothing will be written in.
    pub(super) fn make_known(&self, before: u64) -> Result<(), Fault> {
        match &self.transaction {
            Some(transaction) if transaction.committed()?.is_none() => {
                Ok(transaction.commit(before)?)
            }
            _ => Ok(()),
        }
    }

    /// Whether the transaction of an epoch whose checkpoint is undecided was committed.
    pub(super) fn counts(&self, epoch: u64) -> Result<bool, Fault> {
        let Some(transaction) = &self.transaction else {
            return Ok(false);
        };
        match transaction.committed()? {
            Some(committed) => Ok(committed == epoch),
            None => Err(transaction.forgotten(epoch).into()),
        }
    }

    /// Commits what the epoch wrote to Kafka.
    pub(super) fn commit(&self, epoch: u64) -> Result<(), Fault> {
        match &self.transaction {
            Some(transaction) => Ok(transaction.commit(epoch)?),
            None => Ok(()),
        }
    }
}
