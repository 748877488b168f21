//! How the state of a key is stored: its timers, then whether it has state, then the state, all in postcard.
//!
//! Only the state is the author's and changes with the state version; what stands before it stays as it is.

use serde::Serialize;

use super::versions::StateVersions;
use crate::batch::Column;
use crate::emission::Appending;

/// Adds an entry to a column.
pub(super) fn encode<S: Serialize>(
    timers: &[i64],
    state: Option<&S>,
    values: &mut Column,
) -> Result<(), postcard::Error> {
    postcard::serialize_with_flavor(&(timers, state), Appending(&mut values.data))?;
    values.close();
    Ok(())
}

/// Timers and state of an entry whose state was written in this version.
pub(super) fn decode<S>(
    value: &[u8],
    version: u32,
    versions: &StateVersions<S>,
) -> Result<(Vec<i64>, Option<S>), String> {
    versions.check(version)?;
    let ((timers, has_state), rest) = postcard::take_from_bytes::<(Vec<i64>, bool)>(value)
        .map_err(|error| format!("the entry is not one of a plugin: {error}"))?;
    let (state, rest) = if has_state {
        let (state, rest) = versions.take(version, rest)?;
        (Some(state), rest)
    } else {
        (None, rest)
    };
    match rest.len() {
        0 => Ok((timers, state)),
        bytes => Err(format!(
            "the entry is longer than it should be by {bytes} bytes"
        )),
    }
}
