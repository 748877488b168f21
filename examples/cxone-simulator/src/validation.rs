//! Looks through a request's JSON body member by member and gathers every rule that it breaks.

use std::fmt::Display;
use std::ops::RangeInclusive;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use crate::refusal::{Problem, Refusal};

/// A request's body that is being looked through.
#[derive(Debug)]
pub(crate) struct Fields {
    members: Map<String, Value>,
    problems: Vec<Problem>,
}

impl Fields {
    /// The members of a body that is a JSON object.
    ///
    /// # Errors
    /// 415 for another media type, 400 for something that is not a JSON object.
    pub fn of(headers: &HeaderMap, body: &Bytes) -> Result<Self, Refusal> {
        let media_type = headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        if !media_type.is_some_and(|value| value.starts_with("application/json")) {
            let description = "the body must be application/json";
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                description,
            ));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self {
                members,
                problems: Vec::new(),
            }),
            Ok(_) => Err(Refusal::bad_request(
                "invalid_json",
                "the body is not a JSON object",
            )),
            Err(error) => Err(Refusal::bad_request(
                "invalid_json",
                format!("the body is not JSON: {error}"),
            )),
        }
    }

    /// The body as a whole.
    pub fn into_value(self) -> Value {
        Value::Object(self.members)
    }

    pub fn value(&self, name: &str) -> Value {
        self.members.get(name).cloned().unwrap_or_default()
    }

    pub fn problem(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            field: name.into(),
            value: self.value(name),
            message: message.into(),
            allowed: None,
        });
    }

    /// A text that is not empty. What is returned in case of a problem is of no consequence: nothing is done with it.
    pub fn text(&mut self, name: &str) -> String {
        match self.value(name) {
            Value::String(text) if !text.is_empty() => return text,
            Value::Null => self.problem(name, "is missing"),
            _ => self.problem(name, "must be a text that is not empty"),
        }
        String::new()
    }

    /// A text that the rule agrees with.
    pub fn text_that(&mut self, name: &str, rule: &str, holds: impl Fn(&str) -> bool) -> String {
        let problems = self.problems.len();
        let text = self.text(name);
        if self.problems.len() == problems && !holds(&text) {
            self.problem(name, rule);
        }
        text
    }

    pub fn one_of(&mut self, name: &str, allowed: &[&'static str]) -> String {
        let value = self.value(name);
        if let Some(text) = value.as_str()
            && allowed.contains(&text)
        {
            return text.into();
        }
        self.problems.push(Problem {
            field: name.into(),
            message: format!("must be one of {}", allowed.join(", ")),
            value,
            allowed: Some(allowed.to_vec()),
        });
        String::new()
    }

    pub fn boolean(&mut self, name: &str) -> bool {
        let value = self.value(name).as_bool();
        if value.is_none() {
            self.problem(name, "must be true or false");
        }
        value.unwrap_or_default()
    }

    pub fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> u64 {
        let value = self.value(name).as_u64();
        match value.filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                self.problem(name, range_message(&range));
                *range.start()
            }
        }
    }

    /// A list of texts, at most `most` of them; without `known`, any texts.
    pub fn texts(&mut self, name: &str, most: usize, known: &[&'static str]) -> Vec<String> {
        let Value::Array(items) = self.value(name) else {
            self.problem(name, "must be a list of texts");
            return Vec::new();
        };
        if items.len() > most {
            let message = format!("at most {most} are allowed, {} were asked for", items.len());
            self.problem(name, message);
        }
        let mut texts = Vec::new();
        for item in items {
            match item.as_str() {
                Some(text) if texts.iter().any(|other| other == text) => {
                    self.problem(name, format!("{text} is listed twice"));
                }
                Some(text) if known.contains(&text) => texts.push(text.to_owned()),
                _ => self.problems.push(Problem {
                    field: name.into(),
                    message: format!("{item} is not known"),
                    value: item,
                    allowed: Some(known.to_vec()),
                }),
            }
        }
        texts
    }

    /// # Errors
    /// 400 with everything that was found.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        match std::mem::take(&mut self.problems) {
            problems if problems.is_empty() => Ok(()),
            problems => Err(Refusal::invalid(problems)),
        }
    }
}

fn range_message<T: Display>(range: &RangeInclusive<T>) -> String {
    format!(
        "must be a whole number from {} to {}",
        range.start(),
        range.end()
    )
}

/// A number of the query string; `default` where it is left out.
///
/// # Errors
/// 400 for what is not a number of the range.
pub(crate) fn parameter(
    query: &str,
    name: &str,
    range: RangeInclusive<u64>,
    default: u64,
) -> Result<u64, Refusal> {
    let Some(text) = query_value(query, name) else {
        return Ok(default);
    };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Refusal::invalid(vec![Problem {
            field: name.into(),
            value: text.into(),
            message: range_message(&range),
            allowed: None,
        }])),
    }
}

/// A parameter of the query string as it stands; the parameters here are numbers and tokens that need no decoding.
pub(crate) fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    })
}
