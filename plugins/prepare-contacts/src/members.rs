//! A JSON object whose members keep their order and, unless they are set, the text that they were written in.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object, no two of the same name.
pub(crate) struct Members<'r>(Vec<(Cow<'r, str>, Member<'r>)>);

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Member<'r> {
    Written(&'r RawValue),
    Set(Value),
}

impl<'r> Members<'r> {
    /// The JSON that a member was written in.
    pub fn written(&self, name: &str) -> Option<&'r str> {
        let (_, member) = self.0.iter().find(|(known, _)| known == name)?;
        match member {
            Member::Written(value) => Some(value.get()),
            Member::Set(_) => None,
        }
    }

    /// Sets a member; a new one is the last.
    pub fn set(&mut self, name: &str, value: Value) {
        let member = Member::Set(value);
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = member,
            None => self.0.push((Cow::Owned(name.to_owned()), member)),
        }
    }

    /// A name that occurs twice.
    fn duplicate(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        let mut pairs = names.windows(2);
        pairs.find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

impl<'de: 'r, 'r> Deserialize<'de> for Members<'r> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members(Vec::new());
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.0.push((name, Member::Written(value)));
                }
                match members.duplicate() {
                    None => Ok(members),
                    Some(name) => {
                        let message = format_args!("duplicate field `{name}`");
                        Err(A::Error::custom(message))
                    }
                }
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Borrowed where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'r>(#[serde(borrow)] Cow<'r, str>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, member)| (name, member)))
    }
}
