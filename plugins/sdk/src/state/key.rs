//! The key of a slot: short ones in place, which saves memory and a jump to elsewhere in it at every look-up.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

const IN_PLACE: usize = 14;

/// The bytes of a key.
pub(crate) enum Key {
    InPlace(u8, [u8; IN_PLACE]),
    Elsewhere(Box<[u8]>),
}

impl Key {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= IN_PLACE => {
                let mut place = [0; IN_PLACE];
                place[..bytes.len()].copy_from_slice(bytes);
                Self::InPlace(length, place)
            }
            _ => Self::Elsewhere(bytes.into()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::InPlace(length, place) => &place[..usize::from(*length)],
            Self::Elsewhere(bytes) => bytes,
        }
    }

    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        self.bytes() == bytes
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::InPlace(0, [0; IN_PLACE])
    }
}

/// The hash of a key: seeded with a constant, for the default seed asks the clock.
pub(crate) fn hash(key: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(key);
    hasher.finish()
}
