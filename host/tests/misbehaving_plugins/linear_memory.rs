//! Components, written by hand, that answer the host as no compiler would: while it writes into their memory, and before it has begun.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jackfield::error::Code;

use crate::fixture::load;

/// What makes a component one that is looked at as a plugin. Its functions are not those of the contract, which is found out once it
/// has started: everything here happens before.
const EXPORTS: &str = r#"
    (core module $plugin (func (export "f") (result i32) i32.const 7))
    (core instance $plugin (instantiate $plugin))
    (func $f (result u32) (canon lift (core func $plugin "f")))
    (instance $stage
        (export "describe" (func $f)) (export "configure" (func $f)) (export "load" (func $f))
        (export "forget" (func $f)) (export "process" (func $f)) (export "flush" (func $f)))
    (export "jackfield:plugin/stage@0.1.0" (instance $stage))"#;

/// The host got through with it: all that is wrong is the types of its functions.
const SURVIVED: (Code, &str) = (Code::PLUGIN_OTHER_CONTRACT, "expected `record` found `u32`");

#[track_caller]
fn assert_refused(text: &str, (code, words): (Code, &str)) {
    let bytes = wat::parse_str(format!("(component {text} {EXPORTS})")).unwrap();
    let error = load(&bytes).expect_err("it was loaded");
    let message = error.to_string();
    assert_eq!(error.code().id, code.id, "{message}");
    assert!(message.contains(words), "`{words}` is not in: {message}");
}

/// A component that asks the host for 64 KiB as it starts, and is asked by the host, in the middle of that call, where to put them.
fn making_room(realloc: &str) -> String {
    format!(
        r#"
        (import "wasi:random/random@0.2.0" (instance $random
            (export "get-random-bytes" (func (param "len" u64) (result (list u8))))
            (export "get-random-u64" (func (result u64)))))
        (core func $number (canon lower (func $random "get-random-u64")))
        (core module $memory
            (import "host" "number" (func $number (result i64)))
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc}))
        (core instance $memory (instantiate $memory
            (with "host" (instance (export "number" (func $number))))))
        (core func $bytes (canon lower (func $random "get-random-bytes")
            (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
        (core module $main
            (import "host" "bytes" (func $bytes (param i64 i32)))
            (func $start (call $bytes (i64.const 65536) (i32.const 8)))
            (start $start))
        (core instance (instantiate $main
            (with "host" (instance (export "bytes" (func $bytes))))))"#
    )
}

#[test]
fn memory_may_grow_and_be_written_to_in_the_same_call_of_the_host() {
    let grown = making_room("(i32.mul (memory.grow (i32.const 16)) (i32.const 65536))");
    assert_refused(&grown, SURVIVED);
}

#[test]
fn memory_that_would_grow_beyond_the_limit_in_a_call_of_the_host_does_not() {
    let greedy = making_room("(i32.mul (memory.grow (i32.const 60000)) (i32.const 65536))");
    assert_refused(&greedy, (Code::PLUGIN_MEMORY, "its limit is 268435456"));
}

#[test]
fn a_place_outside_of_its_memory_is_not_written_to() {
    for place in ["-65536", "-1", "65535", "1"] {
        let outside = making_room(&format!("(i32.const {place})"));
        assert_refused(&outside, (Code::PLUGIN_OTHER_CONTRACT, "realloc"));
    }
}

#[test]
fn a_trap_in_the_middle_of_a_call_of_the_host_is_a_trap() {
    let trapping = making_room("unreachable");
    assert_refused(&trapping, (Code::PLUGIN_TRAPPED, "unreachable"));
}

#[test]
fn a_loop_in_the_middle_of_a_call_of_the_host_is_interrupted() {
    let looping = making_room("(loop (br 0)) unreachable");
    assert_refused(
        &looping,
        (Code::PLUGIN_CPU_TIME, "more than 1s of CPU time"),
    );
}

#[test]
fn the_host_is_not_called_in_the_middle_of_a_call_of_the_host() {
    let calling = making_room("(drop (call $number)) (i32.const 0)");
    assert_refused(
        &calling,
        (Code::PLUGIN_TRAPPED, "cannot leave component instance"),
    );
}

#[test]
fn a_memory_that_begins_above_the_limit_is_not_made() {
    let large = "(core module $m (memory 65536)) (core instance (instantiate $m))";
    assert_refused(large, (Code::PLUGIN_MEMORY, "its limit is 268435456"));
}

#[test]
fn a_table_that_grows_without_end_comes_to_an_end() {
    let large = r"(core module $m
            (table 1 funcref)
            (func $start (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 4000)) (i32.const -1)))))
            (start $start))
        (core instance (instantiate $m))";
    assert_refused(large, SURVIVED);
}

#[test]
fn modules_without_number_in_one_component_are_refused() {
    let mut many = "(core module $m)".to_owned();
    for _ in 0..500 {
        write!(many, "(core instance (instantiate $m))").unwrap();
    }
    assert_refused(
        &many,
        (
            Code::PLUGIN_NOT_COMPONENT,
            "exceeds the configured maximum of 64",
        ),
    );
}

#[test]
fn nobody_waits_for_a_word_of_memory_to_change() {
    let started = Instant::now();
    for (memory, expected) in [
        ("(memory 1 1 shared)", Code::PLUGIN_NOT_COMPONENT),
        ("(memory 1)", Code::PLUGIN_NOT_COMPONENT),
    ] {
        let waiting = format!(
            "(core module $m {memory}
                (func $start (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
                (start $start))
            (core instance (instantiate $m))"
        );
        assert_refused(&waiting, (expected, ""));
    }
    assert!(started.elapsed() < Duration::from_secs(60), "it waited");
}
