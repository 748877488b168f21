//! The description of a host's triggers, held against what the host answers.

use jackfield_tests::systems::{Answer, Client};
use serde_json::{Value, json};

pub struct Description(Value);

impl Description {
    pub fn of(client: &Client) -> Self {
        let answer = client.get("/openapi.json").unwrap();
        assert_eq!(answer.status, 200);
        let description = answer.json();
        assert_eq!(description["openapi"], "3.1.0");
        Self(description)
    }

    /// The answer to a request of this method to this path, as the description has it, is one that the description knows.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let operation = &self.0["paths"][path][method];
        let responses = &operation["responses"];
        let status = answer.status.to_string();
        let response = match &responses[&status] {
            Value::Null => &responses["default"],
            found => found,
        };
        assert!(response.is_object(), "{method} {path}: {status} is unknown");
        let media_type = answer.header("content-type");
        let schema = &response["content"][media_type]["schema"];
        assert!(
            schema.is_object(),
            "{method} {path}: {status} as {media_type}"
        );
        let whole = json!({ "allOf": [schema], "components": self.0["components"] });
        let found = jsonschema::validator_for(&whole).unwrap();
        let body = answer.json();
        let errors: Vec<String> = found
            .iter_errors(&body)
            .map(|error| error.to_string())
            .collect();
        assert!(
            errors.is_empty(),
            "{method} {path}: {status} {body}: {errors:?}"
        );
        let headers = response["headers"].as_object();
        for name in headers.iter().flat_map(|headers| headers.keys()) {
            assert!(!answer.header(name).is_empty(), "{status} without {name}");
        }
    }
}
