//! An input read member by member, so that whoever sent it is told everything that is wrong with it at once; serde stops at the first mistake.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Problem, Problems};

/// The members of a JSON object that is being read: [`Problems::read_object`].
///
/// ```
/// use jackfield_sdk::Problems;
///
/// let mut problems = Problems::default();
/// let mut fields = problems.read_object(br#"{"format": "pdf", "rows": 0}"#).unwrap();
/// let format = fields.required("format").one_of(&["csv", "json"]);
/// let rows = fields.required("rows").integer(1..=10_000);
/// let name = fields.optional("name").text();
/// fields.finish();
/// assert_eq!((format, rows, name), (None, None, None));
/// let found: Vec<_> = problems.into_vec().into_iter().map(|problem| (problem.field, problem.code)).collect();
/// assert_eq!(found, [("format".into(), "not-allowed".into()), ("rows".into(), "out-of-range".into())]);
/// ```
pub struct Fields<'p> {
    problems: &'p mut Problems,
    members: Map<String, Value>,
    /// Every name that was asked for: what else there is, is unknown.
    asked: Vec<&'static str>,
}

/// One member, or nothing where there is none. What it is read as is `None` also where it is wrong: the problem is noted then.
#[must_use = "a member that is not read as anything is not looked at"]
pub struct Field<'f> {
    problems: &'f mut Problems,
    name: &'static str,
    value: Option<Value>,
}

impl Problems {
    /// The members of an input that is a JSON object; `malformed` or `wrong-type` where it is none.
    pub fn read_object(&mut self, input: &[u8]) -> Option<Fields<'_>> {
        match self.read_json(input)? {
            Value::Object(members) => Some(Fields {
                problems: self,
                members,
                asked: Vec::new(),
            }),
            other => {
                self.add("", "wrong-type", "the input must be an object")
                    .value(&other);
                None
            }
        }
    }
}

impl Fields<'_> {
    /// A member that has to be there: `missing` where it is not, or is null.
    pub fn required(&mut self, name: &'static str) -> Field<'_> {
        let field = self.optional(name);
        if field.value.is_none() {
            field
                .problems
                .add(name, "missing", format!("{name} is missing"));
        }
        field
    }

    /// A member that need not be there.
    pub fn optional(&mut self, name: &'static str) -> Field<'_> {
        self.asked.push(name);
        let value = self.members.remove(name).filter(|value| !value.is_null());
        Field {
            problems: self.problems,
            name,
            value,
        }
    }

    /// Adds a problem that no member has by itself.
    pub fn problem(
        &mut self,
        name: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.problems.add(name, code, message)
    }

    /// Finds fault with every member that was not asked for, `unknown-field`: it is likely to be one that is spelt in another way.
    pub fn finish(self) {
        for (name, value) in self.members {
            let message = format!("{name} is not known");
            self.problems
                .add(name, "unknown-field", message)
                .value(&value)
                .allowed(self.asked.iter().copied());
        }
    }
}

impl Field<'_> {
    /// A text that is not empty: else `wrong-type` or `empty`.
    pub fn text(mut self) -> Option<String> {
        self.take_text()
    }

    /// A text that a rule agrees with: else this code.
    pub fn text_that(
        mut self,
        code: &str,
        rule: &str,
        holds: impl FnOnce(&str) -> bool,
    ) -> Option<String> {
        let text = self.take_text()?;
        match holds(&text) {
            true => Some(text),
            false => self.wrong(&text.into(), code, rule),
        }
    }

    /// One of a few texts: else `not-allowed`, with those that are.
    pub fn one_of(self, allowed: &[&'static str]) -> Option<&'static str> {
        let value = self.value?;
        let known = allowed.iter().find(|one| value == **one);
        if known.is_none() {
            let message = format!("{} must be one of {}", self.name, allowed.join(", "));
            self.problems
                .add(self.name, "not-allowed", message)
                .value(&value)
                .allowed(allowed.iter().copied());
        }
        known.copied()
    }

    /// `true` or `false`: else `wrong-type`.
    pub fn boolean(mut self) -> Option<bool> {
        match self.value.take()? {
            Value::Bool(value) => Some(value),
            other => self.wrong(&other, "wrong-type", "must be true or false"),
        }
    }

    /// A whole number within bounds: else `wrong-type` or `out-of-range`.
    pub fn integer(mut self, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value.take()?;
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let code = match value.is_number() {
                true => "out-of-range",
                false => "wrong-type",
            };
            let (least, most) = range.into_inner();
            let rule = format!("must be a whole number from {least} to {most}");
            return self.wrong(&value, code, &rule);
        }
        number
    }

    /// So many texts, none of them empty and no two the same: else `wrong-type`, `too-few`, `too-many`, or what is wrong with one of them,
    /// as `metric[2]`.
    pub fn texts(mut self, count: RangeInclusive<usize>) -> Option<Vec<String>> {
        let items = match self.value.take()? {
            Value::Array(items) => items,
            other => return self.wrong(&other, "wrong-type", "must be a list of texts"),
        };
        let found = items.len();
        if found > *count.end() {
            let rule = format!("has {found} entries, at most {} are allowed", count.end());
            self.wrong::<()>(&items.clone().into(), "too-many", &rule);
        } else if found < *count.start() {
            let rule = format!("has {found} entries, at least {} are needed", count.start());
            self.wrong::<()>(&items.clone().into(), "too-few", &rule);
        }
        let mut texts = Vec::with_capacity(found);
        for (place, item) in items.into_iter().enumerate() {
            let (code, rule) = match &item {
                Value::String(text) if text.is_empty() => ("empty", "must not be empty"),
                Value::String(text) if texts.contains(text) => ("repeated", "is there already"),
                Value::String(text) => {
                    texts.push(text.clone());
                    continue;
                }
                _ => ("wrong-type", "must be a text"),
            };
            let field = format!("{}[{place}]", self.name);
            let message = format!("{field} {rule}");
            self.problems.add(field, code, message).value(&item);
        }
        (count.contains(&found) && texts.len() == found).then_some(texts)
    }

    /// An object: else `wrong-type`.
    pub fn object(mut self) -> Option<Map<String, Value>> {
        match self.value.take()? {
            Value::Object(members) => Some(members),
            other => self.wrong(&other, "wrong-type", "must be an object"),
        }
    }

    fn take_text(&mut self) -> Option<String> {
        match self.value.take()? {
            Value::String(text) if !text.is_empty() => Some(text),
            empty @ Value::String(_) => self.wrong(&empty, "empty", "must not be empty"),
            other => self.wrong(&other, "wrong-type", "must be a text"),
        }
    }

    fn wrong<T>(&mut self, value: &Value, code: &str, rule: &str) -> Option<T> {
        let message = format!("{} {rule}", self.name);
        self.problems.add(self.name, code, message).value(value);
        None
    }
}
