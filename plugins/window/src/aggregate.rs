//! What is made of the records of a window.
//!
//! Most aggregates grow record by record and forget the record; [`WholeWindow`] keeps them all, for a function that has to
//! see them together.

mod distinct;
mod extremes;
mod number;
mod of;
mod quantiles;
mod sum;
mod together;
mod top;
mod whole_window;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use distinct::{Distinct, DistinctAccumulator, PrecisionError};
pub use extremes::{Max, Min};
pub use number::{CompensatedSum, Number};
pub use of::{AggregateExt, Of};
pub use quantiles::{Quantiles, QuantilesAccumulator, RankError};
pub use sum::{Average, Sum};
pub use top::Top;
pub use whole_window::{Element, WholeWindow};

/// A value that grows record by record.
///
/// A window may be put together from parts, by [`merge`](Self::merge): sessions are, and sliding windows that share slices.
pub trait Aggregate {
    /// What a record contributes.
    type Input: ?Sized;
    /// What is remembered of a window.
    type Accumulator: Clone + Serialize + DeserializeOwned;
    /// What a window comes to.
    type Output;

    /// Whether sliding windows may share parts, so that each record is added once and not to each window: not if the order
    /// of records matters to the result, or if an accumulator holds as much as the records themselves.
    const IN_SLICES: bool = true;

    /// The accumulator of a window whose first record contributes `input`.
    fn begin(&self, input: &Self::Input) -> Self::Accumulator;

    /// Adds what one more record contributes.
    fn add(&self, accumulator: &mut Self::Accumulator, input: &Self::Input);

    /// Adds what another part of the same window holds.
    fn merge(&self, accumulator: &mut Self::Accumulator, part: &Self::Accumulator);

    /// What the window comes to. An evictor takes from the accumulator what it evicts; nothing else changes it.
    fn result(&self, accumulator: &mut Self::Accumulator) -> Self::Output;

    /// Whether everything was evicted: the window then does not fire again before another record has come.
    fn is_spent(&self, accumulator: &Self::Accumulator) -> bool {
        let _ = accumulator;
        false
    }
}

/// The number of records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count;

impl Aggregate for Count {
    type Input = ();
    type Accumulator = u64;
    type Output = u64;

    #[inline]
    fn begin(&self, (): &()) -> u64 {
        1
    }

    #[inline]
    fn add(&self, accumulator: &mut u64, (): &()) {
        *accumulator = accumulator.saturating_add(1);
    }

    fn merge(&self, accumulator: &mut u64, part: &u64) {
        *accumulator = accumulator.saturating_add(*part);
    }

    fn result(&self, accumulator: &mut u64) -> u64 {
        *accumulator
    }
}
