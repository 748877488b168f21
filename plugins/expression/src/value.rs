//! What expressions work on.

mod compare;
mod json;
mod stored;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::Refusal;
use crate::refusal::code;

pub(crate) use compare::{equal, order};
pub(crate) use json::{RecordSeed, repeated, write_json};

/// How deep lists and maps of a value that is kept may be nested: deeper than a record in JSON and an expression can make them together.
const DEEPEST: u32 = 256;

/// A value. Text may borrow from the record that it was read from, and a copy of a list or map shares what is in it.
///
/// Where a format is for people, such as JSON, a value is stored as it is there; elsewhere, such as in postcard, with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'v> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that is not negative.
    Uint(u64),
    /// A number.
    Double(f64),
    /// Text.
    Text(Text<'v>),
    /// Values in order.
    List(List<'v>),
    /// Values by name.
    Map(Map<'v>),
    /// What `type` tells of a value.
    Type(Type),
}

/// Text, borrowed or shared.
#[derive(Clone, Debug)]
pub enum Text<'v> {
    /// Of a record.
    Borrowed(&'v str),
    /// Made by an expression, or kept.
    Shared(Arc<str>),
}

/// Values in order.
#[derive(Clone, Debug, PartialEq)]
pub struct List<'v>(Arc<Vec<Value<'v>>>);

/// Values by name, in the order of their record; each name once.
#[derive(Clone, Debug, PartialEq)]
pub struct Map<'v>(Arc<Vec<(Text<'v>, Value<'v>)>>);

/// The type of a value, by its name in expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `null_type`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    Text,
    /// `list`
    List,
    /// `map`
    Map,
    /// `type`
    Type,
}

impl Type {
    pub(crate) const ALL: [Self; 9] = [
        Self::Null,
        Self::Bool,
        Self::Int,
        Self::Uint,
        Self::Double,
        Self::Text,
        Self::List,
        Self::Map,
        Self::Type,
    ];

    /// The name that expressions use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::List => "list",
            Self::Map => "map",
            Self::Type => "type",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'v> Deref for List<'v> {
    type Target = [Value<'v>];

    #[inline]
    fn deref(&self) -> &[Value<'v>] {
        &self.0
    }
}

impl<'v> Map<'v> {
    /// The value of a name.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Value<'v>> {
        let field = self.0.iter().find(|(known, _)| **known == *name)?;
        Some(&field.1)
    }

    /// Names and values in the order of the record.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text<'v>, &Value<'v>)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `fields` whose names differ.
    pub(crate) fn of_distinct(fields: Vec<(Text<'v>, Value<'v>)>) -> Self {
        Self(Arc::new(fields))
    }
}

impl<'v> Value<'v> {
    /// Text that is borrowed.
    pub fn text(text: &'v str) -> Self {
        Self::Text(Text::Borrowed(text))
    }

    /// Text of its own.
    pub fn owned_text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(Text::Shared(text.into()))
    }

    /// A list of these.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List(Arc::new(items)))
    }

    /// A map of these; of fields with the same name the last one counts, in the first one's place.
    pub fn map<N: Into<Arc<str>>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        let mut distinct: Vec<(Text<'v>, Self)> = Vec::new();
        for (name, value) in fields {
            let name = Text::Shared(name.into());
            match distinct.iter_mut().find(|(known, _)| *known == name) {
                Some(field) => field.1 = value,
                None => distinct.push((name, value)),
            }
        }
        Self::Map(Map::of_distinct(distinct))
    }

    /// Its type.
    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::Text(_) => Type::Text,
            Self::List(_) => Type::List,
            Self::Map(_) => Type::Map,
            Self::Type(_) => Type::Type,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one; a whole one is rounded where 53 bits do not hold it.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// The same, borrowing from no record any more: for what is kept.
    ///
    /// # Errors
    /// `too-much-work` if it is put together of more than [`WORK_LIMIT`](crate::WORK_LIMIT) values, or lists and maps are nested more
    /// than 256 deep.
    pub fn to_owned_value(&self) -> Result<Value<'static>, Refusal> {
        self.detach(&mut 0, DEEPEST)
    }

    fn detach(&self, values: &mut u32, levels: u32) -> Result<Value<'static>, Refusal> {
        *values += 1;
        if *values > crate::WORK_LIMIT {
            let message = format!("the value holds more than {} values", crate::WORK_LIMIT);
            return Err(Refusal::new(code::TOO_MUCH_WORK, message));
        }
        let inner = || {
            let message = || format!("lists and maps are nested more than {DEEPEST} deep");
            let inner = levels.checked_sub(1);
            inner.ok_or_else(|| Refusal::new(code::TOO_MUCH_WORK, message()))
        };
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::Double(value) => Value::Double(*value),
            Self::Type(value) => Value::Type(*value),
            Self::Text(text) => Value::Text(text.detach()),
            Self::List(items) => {
                let levels = inner()?;
                let items = items.iter().map(|item| item.detach(values, levels));
                Value::list(items.collect::<Result<_, _>>()?)
            }
            Self::Map(fields) => {
                let levels = inner()?;
                let fields = fields
                    .iter()
                    .map(|(name, value)| Ok((name.detach(), value.detach(values, levels)?)));
                Value::Map(Map::of_distinct(fields.collect::<Result<_, _>>()?))
            }
        })
    }
}

impl Text<'_> {
    fn detach(&self) -> Text<'static> {
        match self {
            Self::Borrowed(text) => Text::Shared((*text).into()),
            Self::Shared(text) => Text::Shared(Arc::clone(text)),
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<u64> for Value<'_> {
    /// A whole number as JSON has it: signed where it fits.
    fn from(value: u64) -> Self {
        match i64::try_from(value) {
            Ok(value) => Self::Int(value),
            Err(_) => Self::Uint(value),
        }
    }
}
