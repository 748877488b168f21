//! Files that are not plugins of this host.

use std::path::Path;

use jackfield::error::Code;
use jackfield::plugin::LoadError;

use crate::fixture::{altered, guest, load};

#[track_caller]
fn assert_refused(bytes: &[u8], code: Code, words: &str) {
    let error = load(bytes).expect_err("it was loaded");
    let text = error.to_string();
    assert_eq!(error.code().id, code.id, "{text}");
    assert!(text.contains(words), "`{words}` is not in: {text}");
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_file_that_is_missing_is_told_from_one_that_is_wrong() {
    let runtime = jackfield::plugin::Runtime::new(None).unwrap();
    let error = runtime
        .load(Path::new("nowhere/plugin.wasm"))
        .expect_err("it was loaded");
    assert!(matches!(error, LoadError::Read { .. }), "{error}");
    assert_eq!(error.code().id, Code::PLUGIN_UNREADABLE.id);
}

#[test]
fn an_empty_file_is_no_component() {
    assert_refused(b"", Code::PLUGIN_NOT_COMPONENT, "it is empty");
}

#[test]
fn a_text_is_no_component() {
    assert_refused(
        b"(component)",
        Code::PLUGIN_NOT_COMPONENT,
        "it does not begin as WebAssembly does",
    );
}

#[test]
fn a_core_module_is_no_component_and_the_message_says_how_to_get_one() {
    assert_refused(
        &component("(module)"),
        Code::PLUGIN_NOT_COMPONENT,
        "it is a core module; build it for",
    );
}

#[test]
fn a_truncated_component_is_refused() {
    let whole = std::fs::read(guest("misbehave")).unwrap();
    for length in [9, whole.len() / 2, whole.len() - 1] {
        assert_refused(
            &whole[..length],
            Code::PLUGIN_NOT_COMPONENT,
            "is not a WebAssembly component",
        );
    }
}

#[test]
fn a_component_for_another_version_of_the_contract_is_refused_with_both_versions() {
    let later = altered(
        "misbehave",
        "jackfield:plugin/stage@0.1.0",
        "jackfield:plugin/stage@0.2.0",
    );
    assert_refused(
        &later,
        Code::PLUGIN_OTHER_CONTRACT,
        "is built for jackfield:plugin/stage@0.2.0",
    );
    assert_refused(
        &later,
        Code::PLUGIN_OTHER_CONTRACT,
        "this host offers jackfield:plugin/stage@0.1.0",
    );
}

#[test]
fn a_component_that_is_no_plugin_is_refused() {
    assert_refused(
        &component("(component)"),
        Code::PLUGIN_OTHER_CONTRACT,
        "exports no interface of a plugin",
    );
}

#[test]
fn a_component_with_the_right_names_and_wrong_types_is_refused() {
    let nothing_in_it = component(
        r#"(component (instance $i) (export "jackfield:plugin/stage@0.1.0" (instance $i)))"#,
    );
    assert_refused(
        &nothing_in_it,
        Code::PLUGIN_OTHER_CONTRACT,
        "does not fit the contract",
    );
    let other_function = component(
        r#"(component
            (core module $m (func (export "f") (result i32) i32.const 7))
            (core instance $c (instantiate $m))
            (func $f (result u32) (canon lift (core func $c "f")))
            (instance $i
                (export "describe" (func $f)) (export "configure" (func $f)) (export "load" (func $f)) (export "forget" (func $f))
                (export "process" (func $f)) (export "flush" (func $f)))
            (export "jackfield:plugin/stage@0.1.0" (instance $i)))"#,
    );
    assert_refused(
        &other_function,
        Code::PLUGIN_OTHER_CONTRACT,
        "does not fit the contract",
    );
}

#[test]
fn a_plugin_that_imports_sockets_is_refused() {
    let bytes = std::fs::read(guest("open-socket")).unwrap();
    assert_refused(&bytes, Code::PLUGIN_IMPORT, "wasi:sockets/");
}

#[test]
fn a_stage_that_imports_what_jobs_are_granted_is_refused() {
    for interface in ["http", "workflow"] {
        let bytes = component(&format!(
            r#"(component
                (import "jackfield:plugin/{interface}@0.1.0" (instance))
                (instance $i) (export "jackfield:plugin/stage@0.1.0" (instance $i)))"#
        ));
        assert_refused(&bytes, Code::PLUGIN_IMPORT, interface);
    }
}

#[test]
fn a_plugin_that_imports_what_nobody_knows_is_refused() {
    let bytes = component(
        r#"(component
            (import "evil:corp/exfiltrate@1.0.0" (instance))
            (instance $i) (export "jackfield:plugin/stage@0.1.0" (instance $i)))"#,
    );
    assert_refused(&bytes, Code::PLUGIN_IMPORT, "evil:corp/exfiltrate@1.0.0");
}

#[test]
fn a_plugin_that_imports_a_granted_interface_of_another_version_is_refused() {
    let bytes = component(
        r#"(component
            (import "wasi:cli/stdin@9.0.0" (instance (export "get-stdin" (func (result u32)))))
            (instance $i) (export "jackfield:plugin/stage@0.1.0" (instance $i)))"#,
    );
    assert_refused(&bytes, Code::PLUGIN_OTHER_CONTRACT, "wasi:cli/stdin@9.0.0");
}
