//! How large each chunk is.
//!
//! The sizes of the matrix are used in their order, and the last one repeats. Where chunks end is a function of offsets alone: a
//! stream that is resumed, or whose service gives less than it is asked for, is back in step at the next boundary.

use serde::Deserialize;

/// Sizes of chunks, in records: one at least, none of them zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<u64>")]
pub struct ChunkSizes {
    before_last: Vec<u64>,
    last: u64,
}

impl ChunkSizes {
    /// Chunks of these sizes; none if there is no size, or one of zero.
    pub fn new(mut sizes: Vec<u64>) -> Option<Self> {
        if sizes.contains(&0) {
            return None;
        }
        let last = sizes.pop()?;
        Some(Self {
            before_last: sizes,
            last,
        })
    }

    /// How many records there are from an offset to the end of the chunk that it lies in.
    pub fn rest_at(&self, offset: u64) -> u64 {
        let mut begin = 0_u64;
        for size in &self.before_last {
            let end = begin.saturating_add(*size);
            if offset < end {
                return end - offset;
            }
            begin = end;
        }
        self.last - (offset - begin) % self.last
    }
}

impl TryFrom<Vec<u64>> for ChunkSizes {
    type Error = &'static str;

    fn try_from(sizes: Vec<u64>) -> Result<Self, Self::Error> {
        Self::new(sizes).ok_or("a size of zero, or none at all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Where the first chunks end.
    fn ends(sizes: &[u64], count: usize) -> Vec<u64> {
        let sizes = ChunkSizes::new(sizes.to_vec()).unwrap();
        let next = |offset: &u64| Some(offset + sizes.rest_at(*offset));
        std::iter::successors(Some(0), next)
            .skip(1)
            .take(count)
            .collect()
    }

    #[test]
    fn sizes_are_used_in_their_order_and_the_last_repeats() {
        assert_eq!(ends(&[1, 10, 100], 5), [1, 11, 111, 211, 311]);
        assert_eq!(ends(&[7], 3), [7, 14, 21]);
    }

    #[test]
    fn no_size_and_a_size_of_zero_make_no_chunks() {
        assert_eq!(ChunkSizes::new(vec![]), None);
        assert_eq!(ChunkSizes::new(vec![5, 0]), None);
    }

    proptest! {
        #[test]
        fn from_any_offset_the_next_boundary_is_one_of_the_undisturbed_stream(
            sizes in proptest::collection::vec(1_u64..50, 1..5),
            offset in 0_u64..500,
        ) {
            let boundaries = ends(&sizes, 501);
            let rest = ChunkSizes::new(sizes).unwrap().rest_at(offset);
            prop_assert!(rest > 0);
            prop_assert_eq!(boundaries.iter().find(|end| **end > offset), Some(&(offset + rest)));
        }
    }
}
