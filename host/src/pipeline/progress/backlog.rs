//! What a sink has taken and still owes to the service behind it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a sink owes, shared with those who look on. A sink that owes nothing by its kind has nothing to say here.
#[derive(Debug, Default)]
pub struct Backlog(Mutex<Option<Debt>>);

/// What a sink owes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debt {
    /// Records that it has taken, and that are neither delivered nor given up.
    pub records: u64,
    /// When it took the oldest of those that are on their way, milliseconds since the Unix epoch; none while none is.
    pub oldest: Option<i64>,
    /// What went wrong last, in the whole life of the process.
    pub last_error: Option<String>,
}

impl Backlog {
    fn lock(&self) -> MutexGuard<'_, Option<Debt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is owed now, of a sink that owes anything.
    #[must_use]
    pub fn debt(&self) -> Option<Debt> {
        self.lock().clone()
    }

    /// Whether there is anything left to deliver.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.lock().as_ref().is_none_or(|debt| debt.records == 0)
    }

    /// So many records are owed, and none is on its way.
    pub(crate) fn begin(&self, records: u64) {
        let mut known = self.lock();
        let debt = known.get_or_insert_default();
        debt.records = records;
        debt.oldest = None;
    }

    /// Changes what is owed.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Debt)) {
        change(self.lock().get_or_insert_default());
    }
}
