//! What schedules of tests are drawn from: a seed makes the same one again.

pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        // An xorshift generator stays at zero for ever.
        Self(seed | 1)
    }

    /// A number from 0 up to what is below the bound.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }

    /// True once in so many times; 0 is never.
    pub(super) fn one_in(&mut self, odds: u64) -> bool {
        odds > 0 && self.below(odds) == 0
    }
}
