//! Aggregates of a part of a record.

use std::marker::PhantomData;

use super::Aggregate;

/// What every aggregate can do.
pub trait AggregateExt: Aggregate + Sized {
    /// The aggregate of a part of each record: `Sum::<i64>::new().of(|call: &Call| &call.duration)`.
    fn of<T: ?Sized, F: Fn(&T) -> &Self::Input>(self, part: F) -> Of<Self, F, T> {
        Of {
            aggregate: self,
            part,
            record: PhantomData,
        }
    }
}

impl<A: Aggregate> AggregateExt for A {}

/// An aggregate of a part of each record: [`AggregateExt::of`].
#[derive(Clone, Debug)]
pub struct Of<A, F, T: ?Sized> {
    aggregate: A,
    part: F,
    record: PhantomData<fn(&T)>,
}

impl<A: Aggregate, F: Fn(&T) -> &A::Input, T: ?Sized> Aggregate for Of<A, F, T> {
    type Input = T;
    type Accumulator = A::Accumulator;
    type Output = A::Output;
    const IN_SLICES: bool = A::IN_SLICES;

    fn begin(&self, input: &T) -> A::Accumulator {
        self.aggregate.begin((self.part)(input))
    }

    fn add(&self, accumulator: &mut A::Accumulator, input: &T) {
        self.aggregate.add(accumulator, (self.part)(input));
    }

    fn merge(&self, accumulator: &mut A::Accumulator, part: &A::Accumulator) {
        self.aggregate.merge(accumulator, part);
    }

    fn result(&self, accumulator: &mut A::Accumulator) -> A::Output {
        self.aggregate.result(accumulator)
    }

    fn is_spent(&self, accumulator: &A::Accumulator) -> bool {
        self.aggregate.is_spent(accumulator)
    }
}
