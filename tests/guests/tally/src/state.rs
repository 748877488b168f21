//! What is remembered of a key, version by version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// State that a record can be added to.
pub trait Remember {
    /// Adds a record of that kind and time, milliseconds since the Unix epoch.
    fn add(&mut self, kind: &str, amount: i64, time: i64);
}

/// Version 1: how many records.
#[derive(Default, Serialize, Deserialize)]
pub struct Count(u64);

/// Version 2: and the time of the last one.
#[derive(Default, Serialize, Deserialize)]
pub struct Dated {
    count: u64,
    /// Milliseconds since the Unix epoch; none, if there was none since this is remembered.
    last: Option<i64>,
}

/// Version 3: and the sum of the amounts of each kind.
#[derive(Default, Serialize, Deserialize)]
pub struct Summed {
    seen: Dated,
    /// Since this is remembered.
    sums: BTreeMap<String, i64>,
}

/// Version 3, for which every key has a time.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StrictlySummed(Summed);

impl From<Count> for Dated {
    fn from(Count(count): Count) -> Self {
        Self { count, last: None }
    }
}

impl From<Dated> for Summed {
    fn from(seen: Dated) -> Self {
        Self {
            seen,
            sums: BTreeMap::new(),
        }
    }
}

impl TryFrom<Dated> for StrictlySummed {
    type Error = &'static str;

    fn try_from(seen: Dated) -> Result<Self, Self::Error> {
        match seen.last {
            Some(_) => Ok(Self(seen.into())),
            None => Err("the time of its last record is not known"),
        }
    }
}

impl Remember for Count {
    fn add(&mut self, _: &str, _: i64, _: i64) {
        self.0 += 1;
    }
}

impl Remember for Dated {
    fn add(&mut self, _: &str, _: i64, time: i64) {
        self.count += 1;
        self.last = self.last.max(Some(time));
    }
}

impl Remember for Summed {
    fn add(&mut self, kind: &str, amount: i64, time: i64) {
        self.seen.add(kind, amount, time);
        let sum = self.sums.entry(kind.to_owned()).or_default();
        *sum = sum.saturating_add(amount);
    }
}

impl Remember for StrictlySummed {
    fn add(&mut self, kind: &str, amount: i64, time: i64) {
        self.0.add(kind, amount, time);
    }
}
