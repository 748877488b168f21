//! Medians and percentiles, in little memory.

use datasketches::tdigest::TDigestMut;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::Aggregate;

/// Values are kept as they are up to this many, so that the quantiles of a small window are exact.
const KEPT: usize = 256;

/// More values than a window can have seen.
const MOST_VALUES: u64 = 1 << 48;

/// Quantiles of numbers: exact for windows of up to 256 values, then by t-digest (Dunning: The t-digest, 2021), which is most
/// exact at the ends. What is not a finite number is passed over; a window of nothing else comes to nothing.
///
/// A quantile of few values is one of them, the least that at least so large a part of all is not greater than.
#[derive(Clone, Debug)]
pub struct Quantiles {
    ranks: Vec<f64>,
}

/// A rank that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a quantile of rank {rank}: a rank is at least 0 and at most 1")]
pub struct RankError {
    /// The rank.
    pub rank: f64,
}

impl Quantiles {
    /// The quantiles of these ranks: 0.5 is the median, 0.99 the 99th percentile.
    ///
    /// # Errors
    /// If one of them is less than 0 or greater than 1.
    pub fn of(ranks: &[f64]) -> Result<Self, RankError> {
        match ranks.iter().find(|rank| !(0.0..=1.0).contains(*rank)) {
            None => Ok(Self {
                ranks: ranks.to_vec(),
            }),
            Some(rank) => Err(RankError { rank: *rank }),
        }
    }
}

/// What is remembered of the values of a window.
///
/// A digest does its work when values have piled up, and when it is asked or stored. So that storing changes nothing, the values
/// pile up here, and the digest only ever stands with all of its work done.
#[derive(Clone, Debug, Default)]
pub struct QuantilesAccumulator {
    recent: Vec<f64>,
    digest: Option<TDigestMut>,
}

impl QuantilesAccumulator {
    fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.recent.push(value);
            if self.recent.len() == KEPT {
                self.digest_recent();
            }
        }
    }

    fn digest_recent(&mut self) {
        let digest = self.digest.get_or_insert_default();
        for value in self.recent.drain(..) {
            digest.update(value);
        }
        settle(digest);
    }

    fn quantiles(&self, ranks: &[f64]) -> Option<Vec<f64>> {
        let Some(digest) = &self.digest else {
            return self.exact(ranks);
        };
        let mut whole = digest.clone();
        for value in &self.recent {
            whole.update(*value);
        }
        whole.quantiles(ranks).ok().flatten()
    }

    fn exact(&self, ranks: &[f64]) -> Option<Vec<f64>> {
        let mut sorted = self.recent.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let nearest = |rank: &f64| {
            let at = (rank * sorted.len() as f64).ceil() as usize;
            sorted[at.saturating_sub(1).min(last)]
        };
        Some(ranks.iter().map(nearest).collect())
    }
}

/// Has a digest do its work now: asking is what makes it.
fn settle(digest: &mut TDigestMut) {
    let _ = digest.quantile(0.5);
}

impl Aggregate for Quantiles {
    type Input = f64;
    type Accumulator = QuantilesAccumulator;
    /// In the order of the ranks.
    type Output = Option<Vec<f64>>;

    fn begin(&self, input: &f64) -> QuantilesAccumulator {
        let mut accumulator = QuantilesAccumulator::default();
        accumulator.add(*input);
        accumulator
    }

    fn add(&self, accumulator: &mut QuantilesAccumulator, input: &f64) {
        accumulator.add(*input);
    }

    fn merge(&self, accumulator: &mut QuantilesAccumulator, part: &QuantilesAccumulator) {
        if let Some(digest) = &part.digest {
            let whole = accumulator.digest.get_or_insert_default();
            whole.merge(digest);
            settle(whole);
        }
        for value in &part.recent {
            accumulator.add(*value);
        }
    }

    fn result(&self, accumulator: &mut QuantilesAccumulator) -> Option<Vec<f64>> {
        accumulator.quantiles(&self.ranks)
    }
}

/// What is stored: the values, and the bytes of the digest, or none.
type Stored = (Vec<f64>, Vec<u8>);

impl Serialize for QuantilesAccumulator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digest = self.digest.clone();
        let bytes = digest.map(|mut digest| digest.serialize());
        (&self.recent, bytes.unwrap_or_default()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for QuantilesAccumulator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (recent, bytes) = Stored::deserialize(deserializer)?;
        if recent.len() >= KEPT || !recent.iter().all(|value| value.is_finite()) {
            return Err(D::Error::custom("values that were never kept"));
        }
        let digest = if bytes.is_empty() {
            None
        } else {
            Some(TDigestMut::deserialize(&bytes).map_err(D::Error::custom)?)
        };
        // The sketch refuses to count further than 64 bits by a panic.
        if digest
            .as_ref()
            .is_some_and(|digest| digest.total_weight() > MOST_VALUES)
        {
            return Err(D::Error::custom("more values than can have been"));
        }
        Ok(Self { recent, digest })
    }
}
