//! A log of JSON lines that hold on to each other by SHA-256.

use std::path::PathBuf;

use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::size::ByteSize;

const MIB: u64 = 1 << 20;

/// The options of `type = "audit"`.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditSink {
    /// The folder of its files.
    pub folder: Located<PathBuf>,
    /// After how many bytes the next checkpoint begins another file.
    pub maximum_file_bytes: u64,
}

impl AuditSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let folder = table.required("folder");
        let most = table.optional_within("maximum-file-bytes", ByteSize(1)..=ByteSize(u64::MAX));
        Some(Self {
            folder: folder?,
            maximum_file_bytes: most.map_or(64 * MIB, |most| most.value.0),
        })
    }
}
