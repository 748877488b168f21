//! A file of JSON lines, appended to at each checkpoint and cut back to the committed length on recovery.

use std::path::PathBuf;

use crate::config::place::Located;
use crate::config::reader::TableReader;

/// The options of `type = "jsonl"`.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonlSink {
    /// The file.
    pub path: Located<PathBuf>,
}

impl JsonlSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let path = table.required("path");
        Some(Self { path: path? })
    }
}
