//! About how many different values there are, in little memory.

use datasketches::hll::{HllSketch, HllType, HllUnion};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::{Hash, Hasher};
use thiserror::Error;

use super::Aggregate;

/// About how many different byte strings there are, by HyperLogLog: exact up to a few hundred, then with a standard error of
/// about 1.04 / sqrt(2^precision), 1.6% by default.
///
/// The estimate is that of the registers alone (the "composite" one): it depends on neither the order of records nor how
/// windows were put together.
#[derive(Clone, Copy, Debug)]
pub struct Distinct {
    precision: u8,
}

/// A precision that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a precision of {precision} bits: it has to be 4 to 21")]
pub struct PrecisionError {
    /// The precision.
    pub precision: u8,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { precision: 12 }
    }
}

impl Distinct {
    /// With 2^`precision` registers, each of which takes half a byte.
    ///
    /// # Errors
    /// If the precision is not 4 to 21.
    pub const fn with_precision(precision: u8) -> Result<Self, PrecisionError> {
        if precision >= 4 && precision <= 21 {
            Ok(Self { precision })
        } else {
            Err(PrecisionError { precision })
        }
    }

    #[expect(clippy::expect_used, reason = "the precision was checked")]
    fn empty(self) -> HllSketch {
        HllSketch::new(self.precision, HllType::Hll4).expect("the precision is in range")
    }
}

/// What is remembered of the values of a window.
#[derive(Clone, Debug)]
pub struct DistinctAccumulator(HllSketch);

/// Bytes hashed as they are: the standard library would hash a length of 32 or 64 bits with them.
struct Bytes<'a>(&'a [u8]);

impl Hash for Bytes<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

impl Aggregate for Distinct {
    type Input = [u8];
    type Accumulator = DistinctAccumulator;
    type Output = u64;

    fn begin(&self, input: &[u8]) -> DistinctAccumulator {
        let mut sketch = self.empty();
        sketch.update(Bytes(input));
        DistinctAccumulator(sketch)
    }

    fn add(&self, DistinctAccumulator(sketch): &mut DistinctAccumulator, input: &[u8]) {
        sketch.update(Bytes(input));
    }

    #[expect(clippy::expect_used, reason = "the precision was checked")]
    fn merge(&self, accumulator: &mut DistinctAccumulator, part: &DistinctAccumulator) {
        let mut union = HllUnion::new(self.precision).expect("the precision is in range");
        union.update(&accumulator.0);
        union.update(&part.0);
        accumulator.0 = union.to_sketch(HllType::Hll4);
    }

    fn result(&self, DistinctAccumulator(sketch): &mut DistinctAccumulator) -> u64 {
        // Rounded, and less than 2^64 by far.
        sketch.composite_estimate().round() as u64
    }
}

impl Serialize for DistinctAccumulator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DistinctAccumulator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        HllSketch::deserialize(&bytes)
            .map(Self)
            .map_err(Error::custom)
    }
}
