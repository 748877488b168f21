//! Integers and floating-point numbers, as sums need them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A number that can be summed up.
pub trait Number: Copy + Serialize + DeserializeOwned {
    /// A sum in the making, more exact than a number.
    type Total: Clone + Default + Serialize + DeserializeOwned;

    /// Adds a number to a sum.
    fn add_to(self, total: &mut Self::Total);
    /// Adds a sum to a sum.
    fn merge(total: &mut Self::Total, part: &Self::Total);
    /// The number nearest to a sum.
    fn sum(total: &Self::Total) -> Self;
    /// A sum divided by a count.
    fn mean(total: &Self::Total, count: u64) -> f64;
    /// The lesser of two.
    #[must_use]
    fn least(self, other: Self) -> Self;
    /// The greater of two.
    #[must_use]
    fn greatest(self, other: Self) -> Self;
}

/// Sums are exact; one that 64 bits cannot hold becomes the least or the greatest number that they can.
impl Number for i64 {
    type Total = i128;

    #[inline]
    fn add_to(self, total: &mut i128) {
        *total = total.saturating_add(i128::from(self));
    }

    fn merge(total: &mut i128, part: &i128) {
        *total = total.saturating_add(*part);
    }

    fn sum(total: &i128) -> Self {
        let nearest = (*total).clamp(i128::from(Self::MIN), i128::from(Self::MAX));
        Self::try_from(nearest).unwrap_or(Self::MAX)
    }

    fn mean(total: &i128, count: u64) -> f64 {
        *total as f64 / count as f64
    }

    #[inline]
    fn least(self, other: Self) -> Self {
        self.min(other)
    }

    #[inline]
    fn greatest(self, other: Self) -> Self {
        self.max(other)
    }
}

/// A sum and the rounding errors made on the way to it, by Neumaier's variant of Kahan's summation (1974).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        self.lost += if self.sum.abs() >= number.abs() {
            (self.sum - sum) + number
        } else {
            (number - sum) + self.sum
        };
        self.sum = sum;
    }

    fn value(self) -> f64 {
        // What was lost of an infinite sum is not a number.
        if self.lost.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        }
    }
}

/// Least and greatest pass over what is not a number.
impl Number for f64 {
    type Total = CompensatedSum;

    #[inline]
    fn add_to(self, total: &mut CompensatedSum) {
        total.add(self);
    }

    fn merge(total: &mut CompensatedSum, part: &CompensatedSum) {
        total.add(part.sum);
        total.add(part.lost);
    }

    fn sum(total: &CompensatedSum) -> Self {
        total.value()
    }

    fn mean(total: &CompensatedSum, count: u64) -> f64 {
        total.value() / count as f64
    }

    #[inline]
    fn least(self, other: Self) -> Self {
        self.min(other)
    }

    #[inline]
    fn greatest(self, other: Self) -> Self {
        self.max(other)
    }
}
