//! Several aggregates of the same records, as a tuple.

use super::Aggregate;

macro_rules! together {
    ($first:ident $(, $more:ident)+; $($at:tt),+) => {
        /// Aggregates of the same records; what they come to, as a tuple.
        impl<$first: Aggregate $(, $more: Aggregate<Input = $first::Input>)+> Aggregate for ($first, $($more),+) {
            type Input = $first::Input;
            type Accumulator = ($first::Accumulator, $($more::Accumulator),+);
            type Output = ($first::Output, $($more::Output),+);
            const IN_SLICES: bool = $first::IN_SLICES $(&& $more::IN_SLICES)+;

            fn begin(&self, input: &Self::Input) -> Self::Accumulator {
                ($(self.$at.begin(input)),+)
            }

            fn add(&self, accumulator: &mut Self::Accumulator, input: &Self::Input) {
                $(self.$at.add(&mut accumulator.$at, input);)+
            }

            fn merge(&self, accumulator: &mut Self::Accumulator, part: &Self::Accumulator) {
                $(self.$at.merge(&mut accumulator.$at, &part.$at);)+
            }

            fn result(&self, accumulator: &mut Self::Accumulator) -> Self::Output {
                ($(self.$at.result(&mut accumulator.$at)),+)
            }

            fn is_spent(&self, accumulator: &Self::Accumulator) -> bool {
                $(self.$at.is_spent(&accumulator.$at))&&+
            }
        }
    };
}

together!(A, B; 0, 1);
together!(A, B, C; 0, 1, 2);
together!(A, B, C, D; 0, 1, 2, 3);
together!(A, B, C, D, E; 0, 1, 2, 3, 4);
together!(A, B, C, D, E, F; 0, 1, 2, 3, 4, 5);
