//! Byte strings laid end to end.

/// Byte strings laid end to end: string `i` is `data[ends[i - 1]..ends[i]]`, the first starts at 0.
///
/// The ends never fall and the last one is the length of the data; nothing else can be constructed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    data: Vec<u8>,
    ends: Vec<u32>,
}

/// Why two vectors are not a column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// An end lies before the one in front of it.
    #[error("end {index} is {end}, which lies before the end in front of it, {previous}")]
    Falling {
        /// Position in the ends.
        index: usize,
        /// The end found there.
        end: u32,
        /// The end in front of it.
        previous: u32,
    },
    /// The last end is not the length of the data.
    #[error("the last end is {end}, but there are {length} bytes of data")]
    Length {
        /// The last end, 0 where there is none.
        end: u32,
        /// Bytes of data.
        length: usize,
    },
}

impl Column {
    /// An empty column.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            data: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// An empty column with room for `strings` byte strings of `bytes` bytes in all.
    #[must_use]
    pub fn with_capacity(strings: usize, bytes: usize) -> Self {
        Self {
            data: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(strings),
        }
    }

    /// A column of what a guest returned.
    ///
    /// # Errors
    /// [`Malformed`] where the ends do not fit the data.
    pub fn from_parts(data: Vec<u8>, ends: Vec<u32>) -> Result<Self, Malformed> {
        let mut previous = 0;
        for (index, &end) in ends.iter().enumerate() {
            if end < previous {
                return Err(Malformed::Falling {
                    index,
                    end,
                    previous,
                });
            }
            previous = end;
        }
        if previous as usize != data.len() {
            return Err(Malformed::Length {
                end: previous,
                length: data.len(),
            });
        }
        Ok(Self { data, ends })
    }

    /// Number of byte strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no byte string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all strings.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// All strings end to end.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Where each string ends in the data.
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The string at `index`.
    ///
    /// # Panics
    /// Where there is none, as for a slice.
    #[must_use]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.data[start as usize..self.ends[index] as usize]
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let string = &self.data[start..end as usize];
            start = end as usize;
            string
        })
    }

    /// Appends a string.
    ///
    /// # Panics
    /// Where the data would outgrow 4 GiB: those who fill a column bound it far below.
    pub fn push(&mut self, string: &[u8]) {
        self.data.extend_from_slice(string);
        assert!(
            u32::try_from(self.data.len()).is_ok(),
            "a column is bounded far below 4 GiB"
        );
        #[expect(
            clippy::cast_possible_truncation,
            reason = "asserted in the line above"
        )]
        self.ends.push(self.data.len() as u32);
    }

    /// Forgets the strings and keeps the room.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }
}

impl<'a> FromIterator<&'a [u8]> for Column {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(strings: I) -> Self {
        let mut column = Self::new();
        for string in strings {
            column.push(string);
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_in_the_order_they_were_pushed() {
        let column: Column = [&b"one"[..], b"", b"three"].into_iter().collect();
        assert_eq!(
            column.iter().collect::<Vec<_>>(),
            [&b"one"[..], b"", b"three"]
        );
        assert_eq!(column.get(2), b"three");
    }

    #[test]
    fn ends_that_fall_are_refused() {
        let refused = Column::from_parts(b"abc".to_vec(), vec![2, 1, 3]);
        assert_eq!(
            refused,
            Err(Malformed::Falling {
                index: 1,
                end: 1,
                previous: 2
            })
        );
    }

    #[test]
    fn ends_that_do_not_reach_the_length_of_the_data_are_refused() {
        assert_eq!(
            Column::from_parts(b"abc".to_vec(), vec![2]),
            Err(Malformed::Length { end: 2, length: 3 })
        );
        assert_eq!(
            Column::from_parts(Vec::new(), vec![7]),
            Err(Malformed::Length { end: 7, length: 0 })
        );
    }
}
