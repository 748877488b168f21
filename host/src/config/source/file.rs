//! Lines of files, one record a line. Each file is a partition, so that its position is a plain offset.

use std::path::PathBuf;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::size::ByteSize;
use crate::config::tree::Node;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The options of `type = "file"`.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSource {
    /// The files, each a partition, in the order of the manifest; at least one, none twice.
    pub paths: Vec<Located<PathBuf>>,
    /// How the files are packed; [`Compression::Auto`] by default.
    pub compression: Compression,
    /// The longest record that is taken, in bytes; 1 MiB by default.
    pub maximum_record_bytes: Located<u64>,
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// gzip if the file's name ends in `.gz`, else not at all.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// gzip, one member or several.
    Gzip,
}

impl Read for Compression {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(
            node,
            &[
                ("auto", Self::Auto),
                ("none", Self::None),
                ("gzip", Self::Gzip),
            ],
        )
    }
}

impl FileSource {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let paths = table.required_list::<PathBuf>("paths");
        let compression = table.optional("compression");
        let maximum_record_bytes = table
            .optional_within("maximum-record-bytes", ByteSize(64)..=ByteSize(256 * MIB))
            .map_or(table.default(MIB), |size| size.map(|size| size.0));
        let paths = paths?;
        for (index, path) in paths.iter().enumerate() {
            if let Some(first) = paths[..index].iter().find(|first| ***first == **path) {
                table.report(
                    Diagnostic::new(
                        &code::SHARED_TARGET,
                        path.place.clone(),
                        format!("the file `{}` is read twice", path.display()),
                    )
                    .related(first.place.clone(), "it is listed here already")
                    .help("list every file once, or each of its records is counted twice"),
                );
            }
        }
        Some(Self {
            paths,
            compression: compression.map_or_else(Compression::default, |found| found.value),
            maximum_record_bytes,
        })
    }
}
