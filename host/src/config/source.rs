//! Where records come from. A kind of source is one file here and one line in `KINDS`.

mod file;
mod kafka;
mod rate;

pub use file::{Compression, FileSource};
pub use kafka::{KafkaSource, NullValues, Start};
pub use rate::RateLimit;

use crate::config::kind::{self, Kind};
use crate::config::name::Name;
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::watermark::Watermark;

/// A source of the pipeline: `[sources.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The name that inputs refer to.
    pub name: Located<Name>,
    /// How its watermark is made, if it is made here.
    pub watermark: Option<Located<Watermark>>,
    /// How fast it is read at most; as fast as the pipeline works if there is none.
    pub rate_limit: Option<RateLimit>,
    /// What kind of source it is, with the options of that kind.
    pub kind: SourceKind,
}

/// The kinds of source, each with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// Lines of files.
    File(FileSource),
    /// A Kafka topic.
    Kafka(Box<KafkaSource>),
}

const KINDS: &[Kind<SourceKind>] = &[
    Kind {
        name: "file",
        read: |table| FileSource::read(table).map(SourceKind::File),
    },
    Kind {
        name: "kafka",
        read: |table| KafkaSource::read(table).map(|options| SourceKind::Kafka(Box::new(options))),
    },
];

impl Source {
    pub(crate) fn read(name: Located<Name>, table: &TableReader<'_>) -> Option<Self> {
        let watermark = Watermark::read_optional(table);
        let rate_limit = table.optional_table("rate-limit", RateLimit::read);
        let kind = kind::read(table, KINDS)?;
        Some(Self {
            name,
            watermark,
            rate_limit,
            kind,
        })
    }
}
