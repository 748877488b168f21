//! Key groups: the unit in which keyed state moves between workers.

use xxhash_rust::xxh3::xxh3_64;

/// Number of key groups; the most workers that a keyed stage can be spread over. Part of what a checkpoint says.
pub const KEY_GROUPS: u16 = 128;

/// The group of a key: its XXH3 hash (64 bits, seed 0) modulo [`KEY_GROUPS`]. Stored state depends on it: it never changes.
#[must_use]
pub fn key_group(key: &[u8]) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the remainder is below KEY_GROUPS"
    )]
    let group = (xxh3_64(key) % u64::from(KEY_GROUPS)) as u16;
    group
}

/// The worker, of `workers`, that works for a key group: ranges of groups in order, of sizes that differ by one at the most.
#[must_use]
pub fn owner_of_group(group: u16, workers: usize) -> usize {
    usize::from(group) * workers / usize::from(KEY_GROUPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_key_is_fixed_for_ever() {
        assert_eq!(
            [key_group(b""), key_group(b"c000049"), key_group(b"voice")],
            [KEY_OF_NOTHING, KEY_OF_C49, KEY_OF_VOICE]
        );
    }

    const KEY_OF_NOTHING: u16 = 66;
    const KEY_OF_C49: u16 = 18;
    const KEY_OF_VOICE: u16 = 101;

    #[test]
    fn every_worker_gets_an_equal_share_of_the_groups() {
        for workers in 1..=usize::from(KEY_GROUPS) {
            let mut shares = vec![0_usize; workers];
            (0..KEY_GROUPS).for_each(|group| shares[owner_of_group(group, workers)] += 1);
            let (least, most) = (shares.iter().min(), shares.iter().max());
            assert!(
                least
                    .zip(most)
                    .is_some_and(|(least, most)| *least > 0 && most - least <= 1)
            );
        }
    }
}
