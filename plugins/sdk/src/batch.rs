//! Records in columns, as they cross the boundary of the sandbox.
//!
//! One batch is a handful of flat vectors: crossing costs one copy a batch, where a list of records would cost an allocation
//! or two each. The types mirror the interface `records` of the contract, and are moved to and from it without a copy.

/// What stands in [`Batch::timestamps`] where a record has no event time.
pub const NO_TIMESTAMP: i64 = i64::MIN;

/// Byte strings laid end to end: string `i` is `data[ends[i - 1]..ends[i]]`, the first one starts at 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The strings.
    pub data: Vec<u8>,
    /// Where each string ends in `data`.
    pub ends: Vec<u32>,
}

impl Column {
    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no string.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// String `index`.
    ///
    /// # Panics
    /// Where there is none, or `ends` do not fit `data`.
    #[inline]
    pub fn string(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.data[start as usize..self.ends[index] as usize]
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.string(index))
    }

    /// Adds a string at the end.
    #[inline]
    pub fn push(&mut self, string: &[u8]) {
        self.data.extend_from_slice(string);
        self.close();
    }

    /// Makes a string of what was added to `data` since the last one ended.
    #[inline]
    pub(crate) fn close(&mut self) {
        #[expect(
            clippy::expect_used,
            reason = "in the sandbox memory ends at 4 GiB, and the host cuts batches far below it"
        )]
        let end = u32::try_from(self.data.len()).expect("a column is shorter than 4 GiB");
        self.ends.push(end);
    }

    /// Takes back what was added to `data` since the last string ended.
    pub(crate) fn reopen(&mut self) {
        self.data
            .truncate(self.ends.last().map_or(0, |end| *end as usize));
    }

    pub(crate) fn with_capacity(strings: usize, bytes: usize) -> Self {
        Self {
            data: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(strings),
        }
    }
}

impl<B: AsRef<[u8]>> FromIterator<B> for Column {
    fn from_iter<I: IntoIterator<Item = B>>(strings: I) -> Self {
        let mut column = Self::default();
        for string in strings {
            column.push(string.as_ref());
        }
        column
    }
}

/// The watermark becomes `watermark` once the first `index` records of the batch have been worked on: no record with an event
/// time up to it is expected any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many records of the batch come before it.
    pub index: u32,
    /// Milliseconds since the Unix epoch. The end of all input is the greatest number.
    pub watermark: i64,
}

/// Records in order of arrival, and between them the advances of the watermark.
///
/// What a batch means does not depend on where it was cut from its stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What the records hold.
    pub values: Column,
    /// As many keys as values on a keyed port, none on one that is not keyed.
    pub keys: Column,
    /// Event times, milliseconds since the Unix epoch, or [`NO_TIMESTAMP`].
    pub timestamps: Vec<i64>,
    /// By rising index and rising watermark.
    pub marks: Vec<Mark>,
}
