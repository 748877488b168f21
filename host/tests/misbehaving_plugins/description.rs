//! Plugins that fail, or lie, when they are asked what they are.

use std::collections::BTreeMap;

use jackfield::config::Manifest;
use jackfield::error::Code;
use jackfield::pipeline::planner;
use jackfield::plugin::Runtime;

use crate::fixture::{altered, load};

/// `misbehave` as it appears like this.
fn appearing(appearance: &str) -> Vec<u8> {
    let text = format!("appearance={appearance:.<20}");
    altered("misbehave", "appearance=plain...............", &text)
}

#[track_caller]
fn assert_refused(appearance: &str, code: Code, words: &str) {
    let error = load(&appearing(appearance)).expect_err("it was loaded");
    let message = error.to_string();
    assert_eq!(error.code().id, code.id, "{message}");
    assert!(message.contains(words), "`{words}` is not in: {message}");
    assert!(
        message.len() < 10_000 && !message.chars().any(char::is_control),
        "{message:?}"
    );
}

#[test]
fn one_that_traps_is_refused_with_what_it_said() {
    assert_refused("trap", Code::PLUGIN_TRAPPED, "what am I?");
}

#[test]
fn one_that_loops_is_interrupted() {
    assert_refused("loop", Code::PLUGIN_CPU_TIME, "in one call of `describe`");
}

#[test]
fn one_without_inputs_is_refused() {
    assert_refused("without-inputs", Code::PLUGIN_CONTRACT, "it has no input");
}

#[test]
fn two_ports_of_one_name_are_refused() {
    assert_refused(
        "same-port-twice",
        Code::PLUGIN_CONTRACT,
        "two output ports of the name `echo`",
    );
}

#[test]
fn a_port_that_no_manifest_could_name_is_refused() {
    assert_refused("odd-port", Code::PLUGIN_CONTRACT, r"`echo\u{1b}[2J`");
}

#[test]
fn ports_without_number_are_refused() {
    assert_refused(
        "many-ports",
        Code::PLUGIN_CONTRACT,
        "it has 100002 output ports; 64 are allowed",
    );
}

#[test]
fn a_name_that_would_clear_the_terminal_is_refused() {
    assert_refused(
        "odd-name",
        Code::PLUGIN_CONTRACT,
        r"its name is `\u{1b}[2Jmisbehave`",
    );
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    assert_refused("not-utf-8", Code::PLUGIN_CONTRACT, "utf-8");
}

#[test]
fn one_that_cannot_load_its_own_state_is_refused() {
    assert_refused(
        "versions-reversed",
        Code::PLUGIN_CONTRACT,
        "state of version 1 and cannot load any older than 2",
    );
}

/// A manifest without a mistake of its own, beside a plugin that appears like this.
#[track_caller]
fn assert_not_planned(appearance: &str, code: &str, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plugin.wasm"), appearing(appearance)).unwrap();
    let text = r#"
        pipeline.name = "described"
        checkpoint.path = "described.db"
        sources.records = { type = "file", paths = ["records.jsonl"] }
        stages.pass = { plugin = "plugin.wasm", inputs.records = "records" }
        sinks.echo = { type = "stdout", from = "pass.echo" }
    "#;
    let manifest = Manifest::parse(
        &folder.path().join("manifest.toml"),
        text.to_owned(),
        &BTreeMap::new(),
        &[],
    );
    let refusal = planner::plan(&manifest.unwrap(), &Runtime::new(None).unwrap())
        .expect_err("it was planned");
    let rendered = refusal.render(false);
    assert!(
        rendered.contains(code) && rendered.contains(words),
        "{rendered}"
    );
}

#[test]
fn a_schema_that_is_not_json_is_the_plugins_fault() {
    assert_not_planned(
        "no-schema",
        "JF-2104",
        "describes its configuration by something that is not JSON",
    );
}

#[test]
fn a_schema_that_is_nested_without_end_is_refused_before_it_is_followed() {
    assert_not_planned("deep-schema", "JF-2104", "recursion limit exceeded");
}

#[test]
fn a_schema_that_is_json_and_no_schema_is_the_plugins_fault() {
    assert_not_planned("wrong-schema", "JF-1026", "sandwich");
}
