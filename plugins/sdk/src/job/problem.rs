//! What is wrong with an input, all of it at once.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as in `schedule.columns[2]`; empty for the input as a whole.
    pub field: String,
    /// For machines, in kebab case.
    pub code: String,
    /// For people.
    pub message: String,
    /// What was found there, in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What may stand there, if that is one of a few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// A list of problems that grows as an input is looked at.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problem {
    /// With what was found.
    pub fn value(&mut self, value: &(impl Serialize + ?Sized)) -> &mut Self {
        self.value = serde_json::to_string(value).ok();
        self
    }

    /// With what may stand there.
    pub fn allowed<T: Into<String>>(&mut self, allowed: impl IntoIterator<Item = T>) -> &mut Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }
}

impl Problems {
    /// Adds one; what it gives back takes the rest: `problems.add("limit", "out-of-range", "…").value(&limit)`.
    pub fn add(
        &mut self,
        field: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Problem {
        let place = self.found.len();
        self.found.push(Problem {
            field: field.into(),
            code: code.into(),
            message: message.into(),
            value: None,
            allowed: Vec::new(),
        });
        &mut self.found[place]
    }

    /// Reads JSON; where that fails, that is a problem: `malformed` where it is no JSON, else `unexpected`.
    pub fn read_json<T: DeserializeOwned>(&mut self, input: &[u8]) -> Option<T> {
        match serde_json::from_slice(input) {
            Ok(read) => Some(read),
            Err(error) => {
                let code = match error.classify() {
                    serde_json::error::Category::Data => "unexpected",
                    _ => "malformed",
                };
                self.add("", code, format!("the input cannot be read: {error}"));
                None
            }
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, in the order in which they were found.
    pub fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}
