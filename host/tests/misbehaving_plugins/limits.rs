//! Plugins that take more than they may have.

use std::time::{Duration, Instant};

use jackfield::error::Code;
use jackfield::plugin::{Breach, Entries, Limits, Runtime};

use crate::fixture::{
    LIMITS, assert_fails, failure, guest, misbehaving, misbehaving_within, process,
};

#[test]
fn a_loop_without_end_is_interrupted_when_its_cpu_time_is_used_up() {
    let started = Instant::now();
    let failure = failure("loop");
    assert_fails(
        &failure,
        Code::PLUGIN_CPU_TIME,
        "used more than 200ms of CPU time in one call of `process`",
    );
    assert!(started.elapsed() >= LIMITS.cpu_time);
}

#[test]
fn cpu_time_is_bounded_for_as_long_as_there_is_an_instance() {
    let component = Runtime::new(None)
        .unwrap()
        .load(&guest("misbehave"))
        .unwrap();
    let mut instance = component.instantiate("guest", &LIMITS).unwrap();
    drop(component);
    instance.configure(r#"{"misdeed":"loop"}"#, &[]).unwrap();
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_CPU_TIME,
        "more than 200ms",
    );
}

#[test]
fn cpu_time_is_counted_a_call_and_not_summed() {
    let limits = Limits {
        cpu_time: Duration::from_millis(50),
        ..LIMITS
    };
    let mut instance = misbehaving_within(&limits, "{}");
    let started = Instant::now();
    while started.elapsed() < 2 * limits.cpu_time {
        process(&mut instance).unwrap();
    }
}

#[test]
fn allocating_without_end_ends_at_the_limit() {
    let failure = failure("allocate-without-end");
    assert_fails(&failure, Code::PLUGIN_MEMORY, "its limit is 67108864");
    assert!(
        matches!(failure.breach, Breach::Memory { wanted, .. } if wanted > 64 << 20 && wanted < 128 << 20)
    );
}

#[test]
fn memory_up_to_the_limit_may_be_used() {
    let half = r#"{"misdeed":"allocate","bytes":33554432}"#;
    process(&mut misbehaving(half)).unwrap();
    let all = r#"{"misdeed":"allocate","bytes":67108864}"#;
    assert_fails(
        &process(&mut misbehaving(all)).unwrap_err(),
        Code::PLUGIN_MEMORY,
        "of memory; its limit is",
    );
}

#[test]
fn memory_that_was_refused_and_not_needed_is_no_failure_and_blamed_for_none() {
    let mut instance = misbehaving(r#"{"misdeed":"ask-for-too-much"}"#);
    process(&mut instance).unwrap();
    let mut instance = misbehaving(r#"{"misdeed":"ask-for-too-much","lie":"ends-fall"}"#);
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_CONTRACT,
        "the column of values is malformed",
    );
}

#[test]
fn recursion_without_end_is_a_trap() {
    assert_fails(
        &failure("recurse"),
        Code::PLUGIN_TRAPPED,
        "call stack exhausted",
    );
}

#[test]
fn a_stack_in_linear_memory_that_overflows_is_a_trap() {
    assert_fails(
        &failure("overflow-stack"),
        Code::PLUGIN_TRAPPED,
        "out of bounds memory access",
    );
}

#[test]
fn waiting_is_refused_at_once() {
    let started = Instant::now();
    assert_fails(
        &failure("sleep"),
        Code::PLUGIN_CONTRACT,
        "a plugin may not wait by itself: it has no clock",
    );
    assert!(started.elapsed() < Duration::from_secs(60), "it slept");
}

#[test]
fn waiting_for_input_is_refused_at_once() {
    assert_fails(
        &failure("block-on-stdin"),
        Code::PLUGIN_CONTRACT,
        "a plugin may not wait by itself",
    );
}

#[test]
fn standard_input_is_at_its_end() {
    process(&mut misbehaving(r#"{"misdeed":"read-stdin"}"#)).unwrap();
}

#[test]
fn what_one_call_returns_is_bounded() {
    let limits = Limits {
        output_bytes: 1 << 10,
        ..LIMITS
    };
    process(&mut misbehaving_within(&limits, "{}")).unwrap();
    let mut instance = misbehaving_within(&limits, r#"{"lie":"rejection-message-long"}"#);
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_OUTPUT_BYTES,
        "returned more than 1024 bytes from one call of `process`",
    );
}

#[test]
fn a_flush_may_return_more_than_a_batch() {
    let limits = Limits {
        output_bytes: 1 << 10,
        ..LIMITS
    };
    let state = r#"{"lie":"state-of-bytes","bytes":1048576}"#;
    let changes = misbehaving_within(&limits, state).flush().unwrap();
    assert_eq!(changes.values.bytes(), 1 << 20);
}

#[test]
fn what_an_instance_remembers_is_bounded_where_it_is_flushed() {
    let limits = Limits {
        state_bytes: 1000,
        ..LIMITS
    };
    let flush = |bytes: u64| {
        let state = format!(r#"{{"lie":"state-of-bytes","bytes":{bytes}}}"#);
        misbehaving_within(&limits, &state).flush()
    };
    flush(999).unwrap();
    assert_fails(
        &flush(1000).unwrap_err(),
        Code::PLUGIN_STATE_BYTES,
        "wants to remember 1001 bytes of keys and values in `flush`; its limit is 1000",
    );
}

#[test]
fn what_an_instance_remembers_is_bounded_where_it_is_loaded() {
    let limits = Limits {
        state_bytes: 1,
        ..LIMITS
    };
    let mut entries = Entries::default();
    entries.keys.push(b"k");
    entries.values.push(b"v");
    entries.versions.push(1);
    assert_fails(
        &misbehaving_within(&limits, "{}")
            .load(&entries)
            .unwrap_err(),
        Code::PLUGIN_STATE_BYTES,
        "wants to remember 2 bytes of keys and values in `load`",
    );
}

/// CPU time enough for any number of calls that is made here.
fn calls(host_calls: u32) -> Limits {
    Limits {
        host_calls,
        cpu_time: Duration::from_secs(60),
        ..LIMITS
    }
}

#[test]
fn calls_of_the_host_without_end_are_interrupted_when_there_were_too_many_in_a_second() {
    for misdeed in [
        r#"{"misdeed":"log-without-end"}"#,
        r#"{"misdeed":"ask-often","bytes":18446744073709551615}"#,
    ] {
        let mut instance = misbehaving_within(&calls(1000), misdeed);
        assert_fails(
            &process(&mut instance).unwrap_err(),
            Code::PLUGIN_HOST_CALLS,
            "called the host more than 1000 times within a second, in `process`",
        );
    }
}

#[test]
fn too_many_calls_are_found_out_although_the_plugin_has_returned() {
    let mut instance = misbehaving_within(&calls(1000), r#"{"misdeed":"ask-often","bytes":1100}"#);
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_HOST_CALLS,
        "more than 1000 times",
    );
}

#[test]
fn as_many_calls_as_allowed_may_be_made() {
    let mut instance = misbehaving_within(&calls(1000), r#"{"misdeed":"ask-often","bytes":900}"#);
    process(&mut instance).unwrap();
}

#[test]
fn things_of_the_host_cannot_be_hoarded() {
    assert_fails(&failure("hoard-resources"), Code::PLUGIN_CONTRACT, "table");
}

#[test]
fn the_host_makes_no_bytes_without_number_for_a_guest() {
    let mut instance = misbehaving(r#"{"misdeed":"take-randomness","bytes":1099511627776}"#);
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_CONTRACT,
        "exceeds limit",
    );
    let mut instance = misbehaving(r#"{"misdeed":"write-zeroes","bytes":1099511627776}"#);
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_CONTRACT,
        "zeroes",
    );
}

#[test]
fn an_instance_that_fails_leaves_the_next_one_alone() {
    for misdeed in ["trap", "loop", "allocate-without-end", "recurse"] {
        failure(misdeed);
        process(&mut misbehaving("{}")).unwrap();
    }
}
