use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::config::{Configuration, Manifest, code};

fn configuration(text: &str) -> Configuration {
    let manifest = format!(
        "[pipeline]\nname = \"orders\"\n[checkpoint]\npath = \"orders.db\"\n\
         [sources.lines]\ntype = \"file\"\npaths = [\"orders.jsonl\"]\n\
         [stages.parse]\nplugin = \"parse.wasm\"\ninputs.lines = \"lines\"\n{text}\n"
    );
    let environment = BTreeMap::from([("LIMIT".to_owned(), "12".to_owned())]);
    let manifest = Manifest::parse(Path::new("m.toml"), manifest, &environment, &[]);
    let mut manifest = manifest.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    manifest.stages.remove(0).configuration
}

fn schema() -> Json {
    json!({
        "type": "object",
        "properties": {
            "window": {
                "type": "string",
                "pattern": "^[0-9]+(ms|s|m|h)$",
                "examples": ["10s", "500ms"],
            },
            "limit": { "type": ["integer", "null"], "minimum": 1 },
            "mode": { "enum": ["first", "last"] },
            "fields": { "type": "array", "items": { "$ref": "#/$defs/Field" } },
            "idle": {
                "description": "A length of time, or milliseconds.",
                "oneOf": [{ "type": "integer" }, { "type": "string", "pattern": "^[0-9]+s$" }],
            },
            "late": { "anyOf": [
                { "type": "object", "properties": { "port": { "type": "string" } }, "additionalProperties": false },
                { "const": "drop" },
            ] },
        },
        "required": ["window"],
        "additionalProperties": false,
        "$defs": {
            "Field": {
                "type": "object",
                "properties": { "name": { "type": "string" } },
                "additionalProperties": false,
            },
        },
    })
}

/// What is refused of the text, each as its code, its place and the message.
fn refusals(text: &str) -> Vec<(&'static str, String, String)> {
    let refused = configuration(text).conform(&schema()).unwrap_err();
    refused
        .iter()
        .map(|diagnostic| {
            let parts = [&diagnostic.found, &diagnostic.expected, &diagnostic.help];
            let mut message = diagnostic.problem.clone();
            for part in parts.into_iter().flatten() {
                message = format!("{message}; {part}");
            }
            (diagnostic.code.id, diagnostic.place.to_string(), message)
        })
        .collect()
}

fn refusal(text: &str) -> (&'static str, String, String) {
    refusals(text).remove(0)
}

#[test]
fn options_that_fit_the_schema_reach_the_plugin_as_json() {
    let json = configuration("configuration = { window = \"10s\", limit = 3 }").conform(&schema());
    assert_eq!(json.unwrap(), json!({"window": "10s", "limit": 3}));
}

#[test]
fn a_value_of_the_environment_becomes_the_number_that_the_schema_wants() {
    let json = configuration("configuration = { window = \"10s\", limit = \"${LIMIT}\" }");
    assert_eq!(json.conform(&schema()).unwrap()["limit"], json!(12));
}

#[test]
fn a_number_in_quotes_stays_text() {
    let (code, _, message) = refusal("configuration = { window = \"10s\", limit = \"12\" }");
    assert_eq!(code, code::INVALID_OPTION.id);
    assert_eq!(
        message,
        "the plugin does not take this value of `limit`; `\"12\"`; a whole number"
    );
}

#[test]
fn a_misspelled_option_is_shown_at_its_key_with_the_nearest_one() {
    let found = refusal("[stages.parse.configuration]\nwindow = \"10s\"\nlimti = 3");
    assert_eq!(found.0, code::UNKNOWN_OPTION.id);
    assert_eq!(found.1, "m.toml:13:1");
    assert!(found.2.ends_with("did you mean `limit`?"), "{}", found.2);
}

#[test]
fn a_missing_option_is_shown_at_the_options_or_at_the_stage() {
    let (code, place, _) = refusal("configuration.limit = 3");
    assert_eq!((code, &*place), (code::MISSING_OPTION.id, "m.toml:11:1"));
    let (code, place, _) = refusal("");
    assert_eq!((code, &*place), (code::MISSING_OPTION.id, "m.toml:8:9"));
}

#[test]
fn text_of_a_wrong_form_is_answered_with_examples() {
    let (code, place, message) = refusal("configuration.window = \"ten\"");
    assert_eq!((code, &*place), (code::INVALID_OPTION.id, "m.toml:11:24"));
    assert!(message.ends_with("such as `10s`, `500ms`"), "{message}");
}

#[test]
fn a_choice_of_forms_is_answered_with_its_description() {
    for idle in ["\"ten\"", "true"] {
        let text = format!("configuration = {{ window = \"1s\", idle = {idle} }}");
        let (_, _, message) = refusal(&text);
        assert!(
            message.ends_with("; A length of time, or milliseconds"),
            "{message}"
        );
    }
}

#[test]
fn a_wrong_word_is_answered_with_the_right_ones() {
    let (_, _, message) = refusal("configuration = { window = \"1s\", mode = \"lst\" }");
    assert_eq!(
        message,
        "the plugin does not take this value of `mode`; `\"lst\"`; one of `first`, `last`; did you mean `last`?"
    );
}

#[test]
fn a_mistake_deep_in_a_list_is_shown_there() {
    let text = "configuration = { window = \"1s\", fields = [{ name = \"a\" }, { nam = \"b\" }] }";
    let (code, place, message) = refusal(text);
    assert_eq!((code, &*place), (code::UNKNOWN_OPTION.id, "m.toml:11:62"));
    assert!(message.ends_with("did you mean `name`?"), "{message}");
}

#[test]
fn of_several_forms_the_one_that_was_meant_is_explained() {
    let (code, _, message) = refusal("configuration = { window = \"1s\", late = { prt = \"x\" } }");
    assert_eq!(code, code::UNKNOWN_OPTION.id);
    assert!(message.ends_with("did you mean `port`?"), "{message}");
    let (code, _, message) = refusal("configuration = { window = \"1s\", late = \"keep\" }");
    assert_eq!(code, code::INVALID_OPTION.id);
    assert!(message.ends_with("a table, or `drop`"), "{message}");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let found = refusals("configuration = { limit = 0, mode = 1, colour = \"blue\" }");
    assert_eq!(found.len(), 4);
}

#[test]
fn a_schema_that_is_none_is_the_plugins_mistake() {
    let configuration = configuration("configuration.window = \"10s\"");
    let refused = configuration
        .conform(&json!({"type": "strnig"}))
        .unwrap_err();
    assert_eq!(refused.iter().next().unwrap().code, &code::UNUSABLE_SCHEMA);
}

#[test]
fn what_has_no_place_has_that_of_what_it_would_be_in() {
    let configuration = configuration("configuration = { a = { b = [1] } }");
    assert_eq!(configuration.place_of("/a/b/0").to_string(), "m.toml:11:30");
    assert_eq!(
        configuration.place_of("/a/b/7/x").to_string(),
        "m.toml:11:29"
    );
    assert_eq!(configuration.place_of("/c").to_string(), "m.toml:11:1");
}
