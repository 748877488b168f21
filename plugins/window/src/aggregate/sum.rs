//! Sums and averages.

use std::marker::PhantomData;

use super::{Aggregate, Number};

/// The sum of numbers: `Sum::<i64>::new()` or `Sum::<f64>::new()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum<N = i64>(PhantomData<N>);

impl<N> Sum<N> {
    /// The sum.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<N: Number> Aggregate for Sum<N> {
    type Input = N;
    type Accumulator = N::Total;
    type Output = N;

    #[inline]
    fn begin(&self, input: &N) -> N::Total {
        let mut total = N::Total::default();
        input.add_to(&mut total);
        total
    }

    #[inline]
    fn add(&self, total: &mut N::Total, input: &N) {
        input.add_to(total);
    }

    fn merge(&self, total: &mut N::Total, part: &N::Total) {
        N::merge(total, part);
    }

    fn result(&self, total: &mut N::Total) -> N {
        N::sum(total)
    }
}

/// The arithmetic mean of numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Average<N = i64>(PhantomData<N>);

impl<N> Average<N> {
    /// The mean.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<N: Number> Aggregate for Average<N> {
    type Input = N;
    type Accumulator = (N::Total, u64);
    type Output = f64;

    fn begin(&self, input: &N) -> Self::Accumulator {
        let mut total = N::Total::default();
        input.add_to(&mut total);
        (total, 1)
    }

    fn add(&self, (total, count): &mut Self::Accumulator, input: &N) {
        input.add_to(total);
        *count = count.saturating_add(1);
    }

    fn merge(&self, (total, count): &mut Self::Accumulator, part: &Self::Accumulator) {
        N::merge(total, &part.0);
        *count = count.saturating_add(part.1);
    }

    fn result(&self, (total, count): &mut Self::Accumulator) -> f64 {
        N::mean(total, *count)
    }
}
