//! The numbers of a match's events: a few take no memory of their own.

use serde::{Deserialize, Serialize};

const FEW: usize = 4;

/// Numbers in the order in which they were added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Numbers {
    Few(u8, [u64; FEW]),
    Many(Vec<u64>),
}

impl Numbers {
    pub(crate) fn as_slice(&self) -> &[u64] {
        match self {
            // A stored length may be anything.
            Self::Few(length, numbers) => &numbers[..usize::from(*length).min(FEW)],
            Self::Many(numbers) => numbers,
        }
    }

    pub(crate) fn push(&mut self, number: u64) {
        match self {
            Self::Few(length, numbers) => match numbers.get_mut(usize::from(*length)) {
                Some(place) => {
                    *place = number;
                    *length += 1;
                }
                None => {
                    let mut many = numbers.to_vec();
                    many.push(number);
                    *self = Self::Many(many);
                }
            },
            Self::Many(numbers) => numbers.push(number),
        }
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Few(0, [0; FEW])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_become_many() {
        let mut numbers = Numbers::default();
        for number in 0..20 {
            numbers.push(number);
            assert_eq!(numbers.as_slice(), (0..=number).collect::<Vec<_>>());
        }
    }
}
