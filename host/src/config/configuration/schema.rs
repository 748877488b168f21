//! What a JSON Schema refuses, said in the words of someone who writes a manifest.

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind};
use serde_json::Value as Json;

use crate::config::code;
use crate::config::configuration::Configuration;
use crate::config::configuration::convert::child;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::nearest::{list, nearest};
use crate::config::reader::one_of;

pub(super) fn conform(configuration: &Configuration, schema: &Json) -> Result<Json, Diagnostics> {
    let validator =
        jsonschema::validator_for(schema).map_err(|error| unusable(configuration, &error))?;
    let mut json = configuration.json.clone();
    let mut errors = refusals(&validator, &json);
    let mut is_changed = false;
    for error in &errors {
        is_changed |= retype(configuration, error, &mut json);
    }
    if is_changed {
        errors = refusals(&validator, &json);
    }
    let mut explanation = Explanation {
        configuration,
        schema,
        diagnostics: Diagnostics::new(),
    };
    for error in &errors {
        explanation.add(error);
    }
    explanation.diagnostics.into_result(json)
}

fn refusals(validator: &Validator, json: &Json) -> Vec<ValidationError<'static>> {
    let errors = validator.iter_errors(json);
    errors.map(ValidationError::to_owned).collect()
}

fn unusable(configuration: &Configuration, error: &ValidationError<'_>) -> Diagnostics {
    Diagnostic::new(
        &code::UNUSABLE_SCHEMA,
        configuration.place_of(""),
        "the plugin's description of its options is not a JSON Schema",
    )
    .found(error.to_string())
    .help("this is a mistake of the plugin, not of the manifest: report it to its author")
    .into()
}

/// Where the schema refuses text that the environment supplied as a whole, tries the number or boolean that it spells.
fn retype(configuration: &Configuration, error: &ValidationError<'_>, json: &mut Json) -> bool {
    if let Some(alternatives) = alternatives(error.kind()) {
        let mut is_changed = false;
        for error in alternatives.iter().flatten() {
            is_changed |= retype(configuration, error, json);
        }
        return is_changed;
    }
    let pointer = error.instance_path().as_str();
    let supplied = configuration
        .parts
        .get(pointer)
        .is_some_and(|part| part.supplied);
    if !supplied || !matches!(error.kind(), ValidationErrorKind::Type { .. }) {
        return false;
    }
    let Some(value) = json.pointer_mut(pointer) else {
        return false;
    };
    let spelled = value.as_str().and_then(|text| text.parse::<Json>().ok());
    match spelled {
        Some(scalar @ (Json::Number(_) | Json::Bool(_))) => {
            *value = scalar;
            true
        }
        _ => false,
    }
}

fn alternatives(kind: &ValidationErrorKind) -> Option<&[Vec<ValidationError<'static>>]> {
    match kind {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            Some(context)
        }
        _ => None,
    }
}

struct Explanation<'a> {
    configuration: &'a Configuration,
    schema: &'a Json,
    diagnostics: Diagnostics,
}

impl Explanation<'_> {
    fn add(&mut self, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = self.known_options(error);
                for option in unexpected {
                    let diagnostic = self.unknown(pointer, option, &known);
                    self.diagnostics.push(diagnostic);
                }
            }
            ValidationErrorKind::Required { property } => {
                let diagnostic = self.missing(pointer, property.as_str().unwrap_or_default());
                self.diagnostics.push(diagnostic);
            }
            kind => match alternatives(kind) {
                Some(alternatives) => self.add_alternatives(error, alternatives),
                None => {
                    let diagnostic = self.invalid(error, expected(error));
                    self.diagnostics.push(diagnostic);
                }
            },
        }
    }

    /// Of several forms that an option may take, the one that was meant is the one whose mistakes lie inside it.
    fn add_alternatives(
        &mut self,
        error: &ValidationError<'_>,
        alternatives: &[Vec<ValidationError<'static>>],
    ) {
        let pointer = error.instance_path();
        let is_other_form = |error: &ValidationError<'_>| {
            error.instance_path() == pointer
                && matches!(
                    error.kind(),
                    ValidationErrorKind::Type { .. }
                        | ValidationErrorKind::Constant { .. }
                        | ValidationErrorKind::Enum { .. }
                )
        };
        let meant = alternatives
            .iter()
            .filter(|errors| !errors.iter().any(is_other_form))
            .min_by_key(|errors| errors.len());
        if let Some(errors) = meant {
            for error in errors {
                self.add(error);
            }
            return;
        }
        let forms: Vec<String> = alternatives.iter().flatten().map(expected).collect();
        let diagnostic = self.invalid(error, forms.join(", or "));
        self.diagnostics.push(diagnostic);
    }

    /// The options that the schema describes beside the one that refused another.
    fn known_options(&self, error: &ValidationError<'_>) -> Vec<String> {
        let keyword = error.schema_path().as_str();
        let owner = keyword.rfind('/').map_or("", |end| &keyword[..end]);
        let properties = self.schema.pointer(&format!("{owner}/properties"));
        properties
            .and_then(Json::as_object)
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// What the schema says of the option that it refused, or of the choice of forms that the option is one of.
    fn annotation(&self, error: &ValidationError<'_>, keyword: &str) -> Option<&Json> {
        let (owner, _) = error.schema_path().as_str().rsplit_once('/')?;
        let own = self.schema.pointer(owner)?.get(keyword);
        own.or_else(|| {
            let (forms, _) = owner.rsplit_once('/')?;
            let choice = forms
                .strip_suffix("/oneOf")
                .or(forms.strip_suffix("/anyOf"))?;
            self.schema.pointer(choice)?.get(keyword)
        })
    }

    /// What is allowed, with the examples that the schema gives. Where only a pattern or a list of forms could be said, the
    /// author's own description says it better.
    fn allowed(&self, error: &ValidationError<'_>, expected: String) -> String {
        let is_cryptic = matches!(error.kind(), ValidationErrorKind::Pattern { .. })
            || alternatives(error.kind()).is_some();
        let description = self.annotation(error, "description").and_then(Json::as_str);
        let mut allowed = match description {
            Some(description) if is_cryptic => description.trim_end_matches('.').to_owned(),
            _ => expected,
        };
        let examples = self.annotation(error, "examples").and_then(Json::as_array);
        if let Some(examples) = examples.filter(|examples| !examples.is_empty()) {
            let examples: Vec<String> = examples.iter().map(spelled).collect();
            let examples = list(examples.iter().map(String::as_str));
            allowed = format!("{allowed}, such as {examples}");
        }
        allowed
    }

    fn unknown(&self, pointer: &str, option: &str, known: &[String]) -> Diagnostic {
        let place = self.configuration.key_place_of(&child(pointer, option));
        let names = || known.iter().map(String::as_str);
        let diagnostic = Diagnostic::new(
            &code::UNKNOWN_OPTION,
            place,
            format!("the plugin has no option `{option}`"),
        );
        if known.is_empty() {
            return diagnostic.expected("no option at all");
        }
        let diagnostic = diagnostic.expected(list(names()));
        match nearest(option, names()) {
            Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
            None => diagnostic,
        }
    }

    fn missing(&self, pointer: &str, option: &str) -> Diagnostic {
        let place = self.configuration.key_place_of(pointer);
        let described = self.description_of(option);
        let diagnostic = Diagnostic::new(
            &code::MISSING_OPTION,
            place,
            format!("the plugin requires the option `{option}`"),
        );
        match described {
            Some(text) => diagnostic.help(format!("add it; it is: {text}")),
            None => diagnostic.help("add it to the `configuration` of the stage"),
        }
    }

    fn description_of(&self, option: &str) -> Option<&str> {
        let option = self.schema.get("properties")?.get(option)?;
        option.get("description")?.as_str()
    }

    fn invalid(&self, error: &ValidationError<'_>, expected: String) -> Diagnostic {
        let pointer = error.instance_path().as_str();
        let place = self.configuration.place_of(pointer);
        let name = match pointer.trim_start_matches('/') {
            "" => "configuration".to_owned(),
            path => path.replace('/', "."),
        };
        let value = self.configuration.json.pointer(pointer);
        let diagnostic = Diagnostic::new(
            &code::INVALID_OPTION,
            place,
            format!("the plugin does not take this value of `{name}`"),
        )
        .found(value.map_or_else(
            || error.instance().to_string(),
            |value| format!("`{value}`"),
        ));
        let suggestion = match (error.kind(), value.and_then(Json::as_str)) {
            (ValidationErrorKind::Enum { options }, Some(text)) => options
                .as_array()
                .and_then(|options| nearest(text, options.iter().filter_map(Json::as_str)))
                .map(|name| format!("did you mean `{name}`?")),
            _ => None,
        };
        let diagnostic = diagnostic.expected(self.allowed(error, expected));
        match suggestion {
            Some(suggestion) => diagnostic.help(suggestion),
            None => diagnostic,
        }
    }
}

/// What the schema allows in place of what it refused.
fn expected(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Type { kind } => match kind {
            TypeKind::Single(kind) => type_name(&kind.to_string()).to_owned(),
            TypeKind::Multiple(kinds) => {
                let kinds: Vec<String> = kinds
                    .iter()
                    .map(|kind| type_name(&kind.to_string()).to_owned())
                    .filter(|name| name != "nothing")
                    .collect();
                kinds.join(" or ")
            }
        },
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(spelled)
                .collect();
            one_of(options.iter().map(String::as_str))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("`{}`", spelled(expected_value))
        }
        ValidationErrorKind::Minimum { limit } => format!("at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        ValidationErrorKind::MinLength { limit } => format!("at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("at least {limit} elements"),
        ValidationErrorKind::MaxItems { limit } => format!("at most {limit} elements"),
        ValidationErrorKind::UniqueItems => "no element twice".to_owned(),
        ValidationErrorKind::Pattern { pattern } => format!("text that matches `{pattern}`"),
        // The validator's own words are better than none.
        _ => format!("see the plugin's description: {error}"),
    }
}

fn spelled(json: &Json) -> String {
    json.as_str()
        .map_or_else(|| json.to_string(), str::to_owned)
}

/// JSON's types by the names that TOML's readers know.
fn type_name(json_type: &str) -> &str {
    match json_type {
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "boolean" => "`true` or `false`",
        "array" => "an array",
        "object" => "a table",
        "null" => "nothing",
        other => other,
    }
}
