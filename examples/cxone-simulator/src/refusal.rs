//! How the platform says no: a status, and a body in the form of RFC 6749 section 5.2, which it uses on all its endpoints.
//! A request that breaks several rules is told all of them at once.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

/// A request that is not carried out.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    problems: Vec<Problem>,
    header: Option<Box<(HeaderName, String)>>,
}

/// A rule that a request breaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Problem {
    /// The member of the body, or the parameter of the query.
    pub field: String,
    /// What it holds; null where it is missing.
    pub value: Value,
    /// What is wrong with it, and what would be right.
    pub message: String,
    /// The values that it may have, where they can be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<&'static str>>,
}

impl Refusal {
    pub fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            problems: Vec::new(),
            header: None,
        }
    }

    pub fn not_found(description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", description)
    }

    pub fn bad_request(error: &'static str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    /// A request that breaks these rules.
    pub fn invalid(problems: Vec<Problem>) -> Self {
        let messages: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.field, problem.message))
            .collect();
        Self {
            problems,
            ..Self::bad_request("validation_failed", messages.join("; "))
        }
    }

    pub fn with_header(self, name: HeaderName, value: impl Into<String>) -> Self {
        Self {
            header: Some(Box::new((name, value.into()))),
            ..self
        }
    }

    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.with_header(header::RETRY_AFTER, value)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.error, "error_description": self.description });
        if !self.problems.is_empty() {
            body["errors"] = json!(self.problems);
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(header) = self.header {
            let (name, value) = *header;
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The answer to a path that the platform does not have.
pub(crate) async fn not_found() -> Refusal {
    Refusal::not_found("there is nothing at this path")
}

/// The answer to a method that a path does not have.
pub(crate) async fn method_not_allowed() -> Refusal {
    let description = "this path does not have this method";
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        description,
    )
}
