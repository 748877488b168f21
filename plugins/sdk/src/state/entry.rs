//! How the state of a key is stored: its timers, then whether it has state, then the state, all in postcard.
//!
//! Only the state is the author's and changes with the state version; what stands before it stays as it is.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::Column;
use crate::emission::Appending;

/// Decodes the state of an older version.
pub(crate) type DecodeState<'a, S> = &'a dyn Fn(&[u8]) -> Result<S, String>;

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

/// Timers and state of an entry.
pub(super) fn decode<S: DeserializeOwned>(
    value: &[u8],
    decode_older: Option<DecodeState<'_, S>>,
) -> Result<(Vec<i64>, Option<S>), String> {
    let malformed =
        |error: postcard::Error| format!("the entry is not one that this plugin wrote: {error}");
    let Some(decode_older) = decode_older else {
        return match postcard::take_from_bytes(value).map_err(malformed)? {
            (entry, []) => Ok(entry),
            (_, rest) => Err(format!(
                "the entry is longer than it should be by {} bytes",
                rest.len()
            )),
        };
    };
    let ((timers, has_state), state) =
        postcard::take_from_bytes::<(Vec<i64>, bool)>(value).map_err(malformed)?;
    let state = has_state.then(|| decode_older(state)).transpose()?;
    Ok((timers, state))
}
