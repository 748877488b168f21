//! What is made of the records of a window, without keeping them.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that grows record by record.
pub trait Aggregate {
    /// What a record contributes.
    type Input;
    /// What is remembered of a window.
    type Accumulator: Serialize + DeserializeOwned;
    /// What a window comes to.
    type Output;

    /// The accumulator of a window whose first record contributes `input`.
    fn begin(&self, input: Self::Input) -> Self::Accumulator;

    /// Adds what one more record contributes.
    fn add(&self, accumulator: &mut Self::Accumulator, input: Self::Input);

    /// What the window comes to.
    fn result(&self, accumulator: &Self::Accumulator) -> Self::Output;
}

/// The number of records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count;

impl Aggregate for Count {
    type Input = ();
    type Accumulator = u64;
    type Output = u64;

    fn begin(&self, (): ()) -> u64 {
        1
    }

    fn add(&self, accumulator: &mut u64, (): ()) {
        *accumulator += 1;
    }

    fn result(&self, accumulator: &u64) -> u64 {
        *accumulator
    }
}

/// Aggregates of integers that are integers of the same kind.
macro_rules! of_integers {
    ($(#[$meta:meta])* $name:ident, $fold:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl Aggregate for $name {
            type Input = i64;
            type Accumulator = i64;
            type Output = i64;

            fn begin(&self, input: i64) -> i64 {
                input
            }

            fn add(&self, accumulator: &mut i64, input: i64) {
                *accumulator = $fold(*accumulator, input);
            }

            fn result(&self, accumulator: &i64) -> i64 {
                *accumulator
            }
        }
    };
}

of_integers!(
    /// The sum of integers; it stays at the least or the greatest number that there is.
    Sum,
    i64::saturating_add
);
of_integers!(
    /// The least integer.
    Min,
    i64::min
);
of_integers!(
    /// The greatest integer.
    Max,
    i64::max
);
