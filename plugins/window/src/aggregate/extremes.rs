//! The least and the greatest.

use std::marker::PhantomData;

use super::{Aggregate, Number};

/// Aggregates of numbers that are one of these numbers.
macro_rules! of_numbers {
    ($(#[$meta:meta])* $name:ident, $choose:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name<N = i64>(PhantomData<N>);

        impl<N> $name<N> {
            /// That number.
            pub const fn new() -> Self {
                Self(PhantomData)
            }
        }

        impl<N: Number> Aggregate for $name<N> {
            type Input = N;
            type Accumulator = N;
            type Output = N;

            #[inline]
            fn begin(&self, input: &N) -> N {
                *input
            }

            #[inline]
            fn add(&self, accumulator: &mut N, input: &N) {
                *accumulator = accumulator.$choose(*input);
            }

            fn merge(&self, accumulator: &mut N, part: &N) {
                *accumulator = accumulator.$choose(*part);
            }

            fn result(&self, accumulator: &mut N) -> N {
                *accumulator
            }
        }
    };
}

of_numbers!(
    /// The least number.
    Min,
    least
);
of_numbers!(
    /// The greatest number.
    Max,
    greatest
);
