//! Draws that a seed repeats: what is generated from them has to be the same bytes on every machine and in every year,
//! which no library of random numbers promises.

/// Marsaglia's xorshift64, of which the upper 31 bits are used.
#[derive(Clone, Debug)]
pub struct Xorshift(u64);

impl Xorshift {
    /// A sequence of its own for every seed but 0, which yields zeros alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to, not including, `bound`. The bound may not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % bound
    }

    /// One of `choices`, which may not be empty.
    pub fn choose<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// A seed for a sequence unrelated to the one of `seed` itself, and never 0 (the finaliser of splitmix64).
pub fn derive_seed(seed: u64, purpose: u64) -> u64 {
    let mut mixed = seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}
