//! Whether records are of the shape that the first chunk had: document 004, step 3, across the whole stream.
//!
//! The members of the first record have to be in every record; members that any record of the first chunk has are known; and a member
//! is of the type of its first value. Null is a value of every type.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What records are expected to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    required: BTreeSet<String>,
    /// The types that are known of a member; of none before there was a value.
    known: BTreeMap<String, BTreeSet<JsonType>>,
}

/// What JSON can hold besides null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonType {
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// A text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// How a member differs from what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase", tag = "change")]
pub enum Change {
    /// It is not there.
    Missing,
    /// It was not known.
    New,
    /// Its value is of another type.
    Type {
        /// The type that was found.
        found: JsonType,
    },
}

/// A change, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The member.
    pub field: String,
    /// How it differs.
    #[serde(flatten)]
    pub change: Change,
    /// The number of the first record that differs so.
    pub offset: u64,
    /// How many records of the chunk differ so.
    pub records: u64,
}

/// The number of a record that is not an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnObject {
    /// Its number.
    pub offset: u64,
}

type Members<'r> = BTreeMap<Cow<'r, str>, &'r RawValue>;

impl Shape {
    /// The shape of a stream whose first chunk has these records.
    ///
    /// # Errors
    /// A record that is not an object.
    pub fn of(records: &[Box<RawValue>]) -> Result<Self, NotAnObject> {
        let mut shape = Self::default();
        for (place, record) in records.iter().enumerate() {
            let offset = place as u64;
            for (name, value) in members(record, offset)? {
                if place == 0 {
                    shape.required.insert(name.to_string());
                }
                let types = shape.known.entry(name.into_owned()).or_default();
                if let Some(found) = JsonType::of(value)
                    && types.is_empty()
                {
                    types.insert(found);
                }
            }
        }
        Ok(shape)
    }

    /// How the records of a chunk differ, by member and kind of change.
    ///
    /// # Errors
    /// A record that is not an object.
    pub fn judge(&self, offset: u64, records: &[Box<RawValue>]) -> Result<Vec<Drift>, NotAnObject> {
        let mut changes: BTreeMap<(String, Change), (u64, u64)> = BTreeMap::new();
        for (record, offset) in records.iter().zip(offset..) {
            let members = members(record, offset)?;
            let mut note = |field: &str, change| {
                let first = changes.entry((field.to_owned(), change));
                first.or_insert((offset, 0)).1 += 1;
            };
            for name in &self.required {
                if !members.contains_key(name.as_str()) {
                    note(name, Change::Missing);
                }
            }
            for (name, value) in &members {
                let found = JsonType::of(value);
                match (self.known.get(&**name), found) {
                    (None, _) => note(name, Change::New),
                    (Some(types), Some(found)) if !types.is_empty() && !types.contains(&found) => {
                        note(name, Change::Type { found });
                    }
                    _ => {}
                }
            }
        }
        let drift = |((field, change), (offset, records))| Drift {
            field,
            change,
            offset,
            records,
        };
        Ok(changes.into_iter().map(drift).collect())
    }

    /// Expects from now on what has changed, beside what it was. `records` are those that were judged.
    ///
    /// # Errors
    /// A record that is not an object.
    pub fn adapt(
        &mut self,
        drifts: &[Drift],
        records: &[Box<RawValue>],
    ) -> Result<(), NotAnObject> {
        let seen = Self::of(records)?;
        for drift in drifts {
            let field = &drift.field;
            match drift.change {
                Change::Missing => {
                    self.required.remove(field);
                }
                Change::New => {
                    let types = seen.known.get(field).cloned().unwrap_or_default();
                    self.known.insert(field.clone(), types);
                }
                Change::Type { found } => {
                    self.known.entry(field.clone()).or_default().insert(found);
                }
            }
        }
        Ok(())
    }
}

impl JsonType {
    /// The type of a value; none of null.
    fn of(value: &RawValue) -> Option<Self> {
        match value.get().as_bytes().first()? {
            b'n' => None,
            b't' | b'f' => Some(Self::Boolean),
            b'"' => Some(Self::String),
            b'[' => Some(Self::Array),
            b'{' => Some(Self::Object),
            _ => Some(Self::Number),
        }
    }
}

fn members(record: &RawValue, offset: u64) -> Result<Members<'_>, NotAnObject> {
    serde_json::from_str(record.get()).map_err(|_| NotAnObject { offset })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(json: &str) -> Vec<Box<RawValue>> {
        serde_json::from_str(json).unwrap()
    }

    /// What is found in records from 100 on after a first chunk, as member, change and first record.
    fn drift(first: &str, later: &str) -> Vec<(String, Change, u64)> {
        let shape = Shape::of(&records(first)).unwrap();
        let drifts = shape.judge(100, &records(later)).unwrap().into_iter();
        drifts
            .map(|drift| (drift.field, drift.change, drift.offset))
            .collect()
    }

    #[test]
    fn the_same_shape_is_no_drift() {
        assert_eq!(drift(r#"[{"a":1,"b":"x"}]"#, r#"[{"b":"y","a":2.5}]"#), []);
    }

    #[test]
    fn a_missing_a_new_and_a_changed_member_are_told_apart() {
        let found = JsonType::String;
        assert_eq!(
            drift(
                r#"[{"a":1,"b":2}]"#,
                r#"[{"a":1,"b":2},{"a":"1","c":true}]"#
            ),
            [
                ("a".into(), Change::Type { found }, 101),
                ("b".into(), Change::Missing, 101),
                ("c".into(), Change::New, 101),
            ]
        );
    }

    #[test]
    fn a_member_that_some_of_the_first_records_lack_is_known_and_not_required() {
        let first = r#"[{"a":1},{"a":1,"b":2}]"#;
        assert_eq!(drift(first, r#"[{"a":1},{"a":1,"b":3}]"#), []);
    }

    #[test]
    fn a_member_of_the_first_record_is_required_within_the_first_chunk_too() {
        let chunk = records(r#"[{"a":1,"b":2},{"a":1}]"#);
        let drifts = Shape::of(&chunk).unwrap().judge(0, &chunk).unwrap();
        assert_eq!(
            (drifts[0].change, drifts[0].offset, drifts.len()),
            (Change::Missing, 1, 1)
        );
    }

    #[test]
    fn null_is_of_every_type() {
        assert_eq!(drift(r#"[{"a":1}]"#, r#"[{"a":null}]"#), []);
        assert_eq!(
            drift(r#"[{"a":null}]"#, r#"[{"a":1},{"a":"x"}]"#),
            [],
            "nothing is known of its type"
        );
    }

    #[test]
    fn records_that_differ_in_the_same_way_are_counted() {
        let shape = Shape::of(&records(r#"[{"a":1}]"#)).unwrap();
        let drifts = shape
            .judge(7, &records(r#"[{"a":1},{},{},{"a":1}]"#))
            .unwrap();
        assert_eq!((drifts[0].offset, drifts[0].records), (8, 2));
    }

    #[test]
    fn what_was_adapted_to_is_no_drift_any_more() {
        let mut shape = Shape::of(&records(r#"[{"a":1,"b":2}]"#)).unwrap();
        let later = records(r#"[{"a":"1","c":true}]"#);
        let drifts = shape.judge(1, &later).unwrap();
        assert_eq!(drifts.len(), 3);
        shape.adapt(&drifts, &later).unwrap();
        assert_eq!(shape.judge(2, &later).unwrap(), []);
        let earlier = records(r#"[{"a":1,"b":2}]"#);
        assert_eq!(shape.judge(3, &earlier).unwrap(), [], "nor what was before");
    }

    #[test]
    fn a_record_that_is_no_object_is_named() {
        let shape = Shape::of(&records(r#"[{"a":1}]"#)).unwrap();
        let judged = shape.judge(100, &records(r#"[{"a":1},[1]]"#));
        assert_eq!(judged, Err(NotAnObject { offset: 101 }));
    }

    /// Changes with their first record and number, over chunks that begin at these places.
    fn summed(
        shape: &Shape,
        records: &[Box<RawValue>],
        size: usize,
    ) -> BTreeMap<(String, Change), (u64, u64)> {
        let mut sums = BTreeMap::new();
        for (place, chunk) in records.chunks(size).enumerate() {
            for drift in shape.judge((place * size) as u64, chunk).unwrap() {
                let sum = sums.entry((drift.field, drift.change));
                sum.or_insert((drift.offset, 0)).1 += drift.records;
            }
        }
        sums
    }

    proptest! {
        #[test]
        fn where_chunks_are_cut_changes_nothing_about_what_has_drifted(
            members in proptest::collection::vec(
                proptest::collection::btree_map("[a-d]", 0_usize..4, 0..4),
                1..30,
            ),
            size in 1_usize..30,
        ) {
            let value = |kind: usize| ["1", "\"x\"", "null", "[]"][kind];
            let texts = members.iter().map(|members| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, kind)| format!("\"{name}\":{}", value(*kind)))
                    .collect();
                RawValue::from_string(format!("{{{}}}", members.join(","))).unwrap()
            });
            let records: Vec<_> = texts.collect();
            let shape = Shape::of(&records[..records.len().div_ceil(2)]).unwrap();
            let whole = summed(&shape, &records, records.len());
            prop_assert_eq!(summed(&shape, &records, size), whole);
        }
    }
}
