//! The options of a plugin. Only the plugin knows what they mean, so they are kept as JSON, with the place of every part:
//! what the plugin's JSON Schema refuses is then shown at its line of the manifest.

mod convert;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::config::diagnostic::Diagnostics;
use crate::config::place::Place;

/// The options of a plugin: `configuration` of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// The options as a JSON object; empty if the manifest has none. A value from the environment is still a string:
    /// [`Configuration::conform`] gives it the type that the schema wants.
    pub json: Json,
    /// The place of the options as a whole: where they stand, else the stage.
    place: Place,
    /// By JSON pointer; the root is not among them.
    parts: BTreeMap<String, Part>,
}

/// A part of the options.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    /// Where its key is written; that of an array's element is the element itself.
    key: Place,
    /// Where its value is written.
    value: Place,
    /// Whether the value is text that the environment supplied as a whole, and so may stand for another type.
    supplied: bool,
}

impl Configuration {
    /// Where the value at a JSON pointer such as `/windows/0/size` is written; what has no place of its own has that of
    /// what it would be in.
    pub fn place_of(&self, pointer: &str) -> Place {
        self.nearest(pointer)
            .map_or(&self.place, |part| &part.value)
            .clone()
    }

    /// Where the key of the value at a JSON pointer is written; else as [`Configuration::place_of`].
    pub fn key_place_of(&self, pointer: &str) -> Place {
        self.nearest(pointer)
            .map_or(&self.place, |part| &part.key)
            .clone()
    }

    /// The options, checked against the JSON Schema of the plugin. Text that the environment supplied as a whole
    /// (`"${LIMIT}"`) becomes a number or boolean where the schema wants one.
    ///
    /// # Errors
    /// Everything that the schema refuses, each at its place; or that the schema itself is not one.
    pub fn conform(&self, schema: &Json) -> Result<Json, Diagnostics> {
        schema::conform(self, schema)
    }

    fn nearest(&self, pointer: &str) -> Option<&Part> {
        let mut pointer = pointer;
        loop {
            if let Some(part) = self.parts.get(pointer) {
                return Some(part);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}
