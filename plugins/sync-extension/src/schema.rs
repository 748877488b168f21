//! The extension's schema, and whether mappings agree with it: document 003, step 1.

use jackfield_sdk::{Failure, Problem, Problems};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::request::Mapping;

const TYPES: [&str; 4] = ["string", "number", "boolean", "date"];

/// What records of an extension have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// The fields.
    pub fields: Vec<Field>,
    /// The field that tells records apart; the first one where the platform does not say.
    #[serde(default)]
    primary_key: Option<String>,
}

/// A field of an extension.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds: `string`, `number`, `boolean` or `date`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Schema {
    /// The name of the field that tells records apart.
    pub fn key(&self) -> &str {
        let first = || self.fields.first().map_or("", |field| &field.name);
        self.primary_key.as_deref().unwrap_or_else(first)
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Everything in which mappings and schema disagree.
    pub fn disagreements(&self, mappings: &[Mapping]) -> Vec<Problem> {
        let mut problems = Problems::default();
        for field in &self.fields {
            if !TYPES.contains(&field.kind.as_str()) {
                let message = format!("`{}` is of the type `{}`", field.name, field.kind);
                let problem = problems.add("schema.fields", "unknown-type", message);
                problem.allowed(TYPES);
            }
        }
        for (place, mapping) in mappings.iter().enumerate() {
            let place = format!("fieldMappings[{place}]");
            let target = &mapping.target;
            match self.field(target) {
                None => {
                    let message = format!("the extension has no field `{target}`");
                    let names = self.fields.iter().map(|field| field.name.as_str());
                    let problem = problems.add(place, "unknown-target", message);
                    problem.value(target).allowed(names);
                }
                Some(field) => {
                    if let Some(kind) = &mapping.kind
                        && *kind != field.kind
                    {
                        let message =
                            format!("`{target}` is of the type `{}`, not `{kind}`", field.kind);
                        problems.add(place, "wrong-type", message).value(kind);
                    }
                }
            }
        }
        let key = self.key();
        if !mappings.iter().any(|mapping| mapping.target == key) {
            let message = format!("the key `{key}` is not mapped: all records would be one");
            problems.add("fieldMappings", "unmapped-key", message);
        }
        problems.into_vec()
    }

    /// What records of the source lack or have wrong, by member, beside what can be filled in.
    pub fn misfits(&self, mappings: &[Mapping], records: &[Map<String, Value>]) -> Vec<Problem> {
        let mut problems = Problems::default();
        for (place, mapping) in mappings.iter().enumerate() {
            let Some(field) = self.field(&mapping.target) else {
                continue;
            };
            let place = format!("fieldMappings[{place}]");
            let source = &mapping.source;
            let has_member = |record: &Map<String, Value>| record.contains_key(source);
            if !records.is_empty() && !records.iter().any(has_member) {
                let message = format!("no record of the source has a member `{source}`");
                problems.add(place, "unknown-source", message).value(source);
                continue;
            }
            let values = records.iter().filter_map(|record| record.get(source));
            let misfit = values
                .filter(|value| !value.is_null())
                .find(|value| !field.fits(value));
            if let Some(value) = misfit {
                let message = format!(
                    "`{source}` of the source does not fit `{}`, which is of the type `{}`",
                    field.name, field.kind
                );
                problems.add(place, "wrong-type", message).value(value);
            }
        }
        problems.into_vec()
    }
}

impl Field {
    /// Whether a value is of the field's JSON type. What a text says is left to the platform.
    fn fits(&self, value: &Value) -> bool {
        match self.kind.as_str() {
            "string" | "date" => value.is_string(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => false,
        }
    }
}

/// The failure of a synchronisation that was not begun, for it could not go well.
pub fn mismatch(problems: &[Problem]) -> Failure {
    let messages: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    Failure::new("schema-mismatch", messages.join("; "))
        .details(problems)
        .status(400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        serde_json::from_value(json!({
            "fields": [
                { "name": "customerId", "type": "string" },
                { "name": "points", "type": "number" },
                { "name": "since", "type": "date" },
            ],
        }))
        .unwrap()
    }

    fn mapping(source: &str, target: &str, kind: Option<&str>) -> Mapping {
        Mapping {
            source: source.into(),
            target: target.into(),
            kind: kind.map(Into::into),
        }
    }

    fn codes(problems: &[Problem]) -> Vec<(&str, &str)> {
        let problems = problems.iter();
        problems
            .map(|problem| (problem.field.as_str(), problem.code.as_str()))
            .collect()
    }

    #[test]
    fn mappings_that_agree_have_no_problem() {
        let mappings = [
            mapping("id", "customerId", Some("string")),
            mapping("points", "points", None),
        ];
        assert_eq!(schema().disagreements(&mappings), []);
    }

    #[test]
    fn every_disagreement_is_named() {
        let mappings = [
            mapping("x", "nowhere", None),
            mapping("points", "points", Some("string")),
        ];
        assert_eq!(
            codes(&schema().disagreements(&mappings)),
            [
                ("fieldMappings[0]", "unknown-target"),
                ("fieldMappings[1]", "wrong-type"),
                ("fieldMappings", "unmapped-key"),
            ]
        );
    }

    #[test]
    fn a_type_that_nobody_knows_is_named() {
        let mut schema = schema();
        schema.fields[1].kind = "money".into();
        let problems = schema.disagreements(&[mapping("id", "customerId", None)]);
        assert_eq!(codes(&problems), [("schema.fields", "unknown-type")]);
    }

    #[test]
    fn the_key_that_the_platform_names_counts_before_the_first_field() {
        let mut schema = schema();
        assert_eq!(schema.key(), "customerId");
        schema.primary_key = Some("points".into());
        assert_eq!(schema.key(), "points");
    }

    #[test]
    fn members_that_no_record_has_and_values_that_do_not_fit_are_named() {
        let records = [
            json!({ "id": "a", "points": null }),
            json!({ "id": "b", "points": "12" }),
        ];
        let records = records.map(|record| record.as_object().unwrap().clone());
        let mappings = [
            mapping("id", "customerId", None),
            mapping("points", "points", None),
            mapping("created", "since", None),
        ];
        assert_eq!(
            codes(&schema().misfits(&mappings, &records)),
            [
                ("fieldMappings[1]", "wrong-type"),
                ("fieldMappings[2]", "unknown-source")
            ]
        );
        assert_eq!(schema().misfits(&mappings, &[]), []);
    }
}
