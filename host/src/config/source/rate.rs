//! How fast a source is read at most, so that what lies behind is not flooded when there is much to catch up with.

use crate::config::reader::TableReader;

/// A token bucket: `rate-limit = { records-per-second = 500, burst = 500 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Records that are read a second, on average.
    pub records_per_second: u32,
    /// Records that may be read at once after a pause; what is read in a second by default.
    pub burst: u32,
}

/// More than any source gives, and what is larger can still be told from it.
const MOST: u32 = 1_000_000_000;

impl RateLimit {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let records_per_second = table.required_within("records-per-second", 1..=MOST);
        let burst = table.optional_within("burst", 1..=MOST);
        let records_per_second = records_per_second?.value;
        Some(Self {
            records_per_second,
            burst: burst.map_or(records_per_second, |burst| burst.value),
        })
    }
}
