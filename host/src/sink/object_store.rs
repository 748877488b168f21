//! Objects in a folder or a bucket, as data lakes keep them.
//!
//! An object appears whole or not at all, and is never altered. What a store cannot do is to make several objects appear together, or to let nobody see one before it is
//! committed; how each form gets along with that is said there: [`each`] record an object, or the records of an epoch as [`lines`].

mod each;
mod error;
mod lines;
mod store;

pub use error::ObjectError;

use super::{Opening, Sink, SinkError};
use crate::config::{self, ObjectForm};
use store::Objects;

pub(super) fn open(
    options: &config::ObjectStoreSink,
    opening: Opening<'_>,
) -> Result<Box<dyn Sink>, SinkError> {
    let objects = Objects::of(options, opening)?;
    Ok(match &options.form {
        ObjectForm::Each {
            name,
            content,
            maximum_requests_in_flight,
        } => Box::new(each::EachSink::new(
            objects,
            name,
            content.as_ref(),
            usize::from(*maximum_requests_in_flight),
        )),
        ObjectForm::Lines {
            compression,
            maximum_object_bytes,
        } => Box::new(lines::LinesSink::new(
            objects,
            *compression,
            *maximum_object_bytes,
            opening,
        )?),
    })
}
