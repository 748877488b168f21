//! An event as patterns keep it.

use std::cell::OnceCell;
use std::rc::Rc;

use jackfield_expression::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::condition::Answers;

/// An event, shared by all matches that have taken it.
///
/// Conditions that look at the event alone are asked once, when it arrives. Their answers are not stored: another
/// definition may ask something else.
#[derive(Clone, Debug)]
pub struct Event(Rc<Content>);

#[derive(Debug)]
struct Content {
    value: Value<'static>,
    answers: OnceCell<Answers>,
}

impl Event {
    pub(crate) fn new(value: Value<'static>, answers: Answers) -> Self {
        let answers = OnceCell::from(answers);
        Self(Rc::new(Content { value, answers }))
    }

    /// What expressions see.
    pub fn value(&self) -> &Value<'static> {
        &self.0.value
    }

    /// Whether a condition that looks at the event alone holds.
    #[inline]
    pub(crate) fn answer(&self, condition: usize) -> bool {
        self.0
            .answers
            .get()
            .is_some_and(|answers| answers.get(condition))
    }

    /// Asks, if nobody has since the event was loaded.
    pub(crate) fn ask(&self, ask: impl FnOnce(&Value<'static>) -> Answers) {
        self.0.answers.get_or_init(|| ask(&self.0.value));
    }

    /// Whether it is the very same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Bytes that it keeps, about.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Content>() + weight(&self.0.value)
    }
}

fn weight(value: &Value<'_>) -> usize {
    let of_text = |text: &str| text.len() + 16;
    match value {
        Value::Text(text) => of_text(text),
        Value::List(items) => items
            .iter()
            .map(|item| size_of::<Value<'_>>() + weight(item))
            .sum(),
        Value::Map(fields) => fields
            .iter()
            .map(|(name, value)| 2 * size_of::<Value<'_>>() + of_text(name) + weight(value))
            .sum(),
        _ => 0,
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let answers = OnceCell::new();
        Ok(Self(Rc::new(Content { value, answers })))
    }
}
