//! Samples and outliers (*Steps 2 and 3*), as functions of numbers alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far beyond the quartiles a value may lie, in distances between them.
pub const OUTLIER_FACTOR: f64 = 1.5;

/// How quartiles are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quartiles {
    /// The values in the places `n / 4` and `3 n / 4`, counted from 0 and rounded down, as the document has it.
    #[default]
    NearestRank,
    /// Between the two values on either side of `(n - 1) / 4` and `3 (n - 1) / 4` (R's type 7; Hyndman and Fan, *Sample Quantiles in Statistical Packages*, 1996).
    Linear,
}

/// Between what values lie that are no outliers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fences {
    /// The first quartile.
    pub first_quartile: f64,
    /// The third quartile.
    pub third_quartile: f64,
    /// The least value that is kept.
    pub lower: f64,
    /// The largest value that is kept.
    pub upper: f64,
}

/// The places of a systematic sample: `most` of `count`, at equal distances as near as whole numbers allow, the first place among them; all, if they are no more.
///
/// To take every `count / most`th, rounded down, would give nearly twice as many as allowed where `count` is just below `2 * most`.
pub fn systematic_sample(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(most);
    // In 128 bits, since the product of two lengths need not fit into one.
    (0..taken).map(move |place| (place as u128 * count as u128 / taken as u128) as usize)
}

impl Quartiles {
    /// The fences of Tukey's rule: [`OUTLIER_FACTOR`] times the distance of the quartiles beyond either of them. None where there is no number. What is not
    /// finite has no place among the values that are ranked.
    #[must_use]
    pub fn fences(self, values: impl IntoIterator<Item = f64>) -> Option<Fences> {
        let mut values: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        let first_quartile = self.quartile(&values, 1)?;
        let third_quartile = self.quartile(&values, 3)?;
        let reach = OUTLIER_FACTOR * (third_quartile - first_quartile);
        Some(Fences {
            first_quartile,
            third_quartile,
            lower: first_quartile - reach,
            upper: third_quartile + reach,
        })
    }

    fn quartile(self, sorted: &[f64], quarters: usize) -> Option<f64> {
        match self {
            Self::NearestRank => sorted.get(sorted.len() * quarters / 4).copied(),
            Self::Linear => {
                let rank = sorted.len().checked_sub(1)? * quarters;
                let (below, share) = (rank / 4, (rank % 4) as f64 / 4.0);
                let low = sorted.get(below)?;
                let high = sorted.get(below + 1).unwrap_or(low);
                // Not `low + share * (high - low)`, whose difference may be too large for a number.
                Some(low * (1.0 - share) + high * share)
            }
        }
    }
}

impl Fences {
    /// Whether a value is kept. One on a fence is.
    #[must_use]
    pub fn hold(&self, value: f64) -> bool {
        value >= self.lower && value <= self.upper
    }
}
