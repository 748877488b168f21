//! Whatever looks random here (rows, outliers, faults) is a function of a seed and of what it is about, never of the
//! order in which requests arrive: two runs that ask for the same get the same, whatever goes wrong in between.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A sequence of numbers: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of one subject, such as a row of a report: `kind` tells what is drawn, `subject` and `index` for whom.
    pub fn new(seed: u64, kind: &str, subject: &str, index: u64) -> Self {
        let kind = xxh3_64_with_seed(kind.as_bytes(), seed);
        let subject = xxh3_64_with_seed(subject.as_bytes(), kind);
        Self(xxh3_64_with_seed(&index.to_le_bytes(), subject))
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `limit` - 1; 0 where `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.number()) * u128::from(limit);
        (product >> 64) as u64
    }

    /// A number from 0 up to, but not including, 1.
    pub fn share(&mut self) -> f64 {
        // What a double can hold exactly.
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// An identifier of the platform: what it identifies, and 16 hexadecimal digits.
    pub fn identifier(&mut self, prefix: &str) -> String {
        format!("{prefix}_{:016x}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_subject_draws_the_same_whenever_it_is_asked() {
        let draw = || Random::new(7, "row", "report", 3).number();
        assert_eq!(draw(), draw());
    }

    #[test]
    fn another_seed_kind_subject_or_index_draws_otherwise() {
        let numbers = [
            Random::new(7, "row", "report", 3).number(),
            Random::new(8, "row", "report", 3).number(),
            Random::new(7, "fault", "report", 3).number(),
            Random::new(7, "row", "another", 3).number(),
            Random::new(7, "row", "report", 4).number(),
        ];
        let distinct: std::collections::HashSet<_> = numbers.into_iter().collect();
        assert_eq!(distinct.len(), numbers.len());
    }

    #[test]
    fn shares_are_spread_evenly_over_nought_to_one() {
        let mut random = Random::new(1, "share", "", 0);
        let below_a_quarter = (0..4000).filter(|_| random.share() < 0.25).count();
        assert!((900..1100).contains(&below_a_quarter), "{below_a_quarter}");
    }
}
