//! Objects in a folder or a bucket: one a record, named by it, or the records of an epoch as lines.

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::object_place::ObjectPlace;
use crate::config::place::Place;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::size::ByteSize;
use crate::config::tree::Node;
use crate::config::trigger::JsonPointer;

const MIB: u64 = 1 << 20;
const DEFAULT_OBJECT: u64 = 16 * MIB;
/// An object is in memory until it is put.
const LARGEST_OBJECT: u64 = 256 * MIB;
const DEFAULT_IN_FLIGHT: u16 = 8;
const MOST_IN_FLIGHT: u16 = 256;

/// The options of `type = "object-store"`.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectStoreSink {
    /// Where the objects are.
    pub place: ObjectPlace,
    /// What becomes an object.
    pub form: ObjectForm,
}

/// What becomes an object.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectForm {
    /// Each record.
    Each {
        /// Where its name is in the record.
        name: JsonPointer,
        /// Where its bytes are in the record; the whole record if this is not said.
        content: Option<JsonPointer>,
        /// How many are put at once; 8 by default.
        maximum_requests_in_flight: u16,
    },
    /// The records of an epoch, one a line.
    Lines {
        /// How an object is compressed.
        compression: ObjectCompression,
        /// After how many bytes the next object is begun; 16 MiB by default.
        maximum_object_bytes: u64,
    },
}

/// How an object is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectCompression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
}

impl Read for ObjectCompression {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, &[("none", Self::None), ("gzip", Self::Gzip)])
    }
}

/// The one format that there is, which is said for those who read the manifest.
#[derive(Clone, Copy)]
struct Jsonl;

impl Read for Jsonl {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, &[("jsonl", Self)])
    }
}

impl ObjectStoreSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let place = ObjectPlace::read(table);
        let object = table.optional_node("object");
        let is_each = object.is_some();
        let name = object.and_then(|node| JsonPointer::read(node, table.context()));
        let content = table.optional::<JsonPointer>("content");
        let in_flight = table.optional_within("maximum-requests-in-flight", 1..=MOST_IN_FLIGHT);
        let format = table.optional::<Jsonl>("format");
        let compression = table.optional::<ObjectCompression>("compression");
        let largest = table.optional_within(
            "maximum-object-bytes",
            ByteSize(1)..=ByteSize(LARGEST_OBJECT),
        );
        let for_each = [
            content.as_ref().map(|found| &found.place),
            in_flight.as_ref().map(|found| &found.place),
        ];
        let for_lines = [
            format.as_ref().map(|found| &found.place),
            compression.as_ref().map(|found| &found.place),
            largest.as_ref().map(|found| &found.place),
        ];
        if is_each {
            for place in for_lines.into_iter().flatten() {
                table.report(unused(
                    place,
                    "where each record is an object",
                    "remove it, or `object`",
                ));
            }
        } else {
            for place in for_each.into_iter().flatten() {
                table.report(unused(
                    place,
                    "where the records of an epoch are one object",
                    "remove it, or say by `object` where a record names its own",
                ));
            }
        }
        let form = if is_each {
            ObjectForm::Each {
                name: name?,
                content: content.map(|found| found.value),
                maximum_requests_in_flight: in_flight
                    .map_or(DEFAULT_IN_FLIGHT, |found| found.value),
            }
        } else {
            ObjectForm::Lines {
                compression: compression
                    .map_or_else(ObjectCompression::default, |found| found.value),
                maximum_object_bytes: largest.map_or(DEFAULT_OBJECT, |found| found.value.0),
            }
        };
        Some(Self {
            place: place?,
            form,
        })
    }
}

fn unused(place: &Place, when: &str, help: &str) -> Diagnostic {
    Diagnostic::new(
        &code::CONTRADICTION,
        place.clone(),
        format!("`{}` is of no use {when}", place.key()),
    )
    .help(help)
}
