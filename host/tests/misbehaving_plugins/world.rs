//! What a plugin can see of the world and do to it: nothing varies in there, and nothing gets out but bounded text.

use jackfield::error::Code;

use jackfield::plugin::Limits;

use crate::fixture::{LIMITS, assert_fails, failure, misbehaving, misbehaving_within, process};

#[test]
fn clocks_randomness_environment_and_files_are_the_same_for_every_instance() {
    let seen = || {
        let output = process(&mut misbehaving(r#"{"observe":true}"#)).unwrap();
        String::from_utf8(output.emissions[0].batch.values.get(0).to_vec()).unwrap()
    };
    let first = seen();
    let nothing = r#""arguments":0,"variables":0,"file":false,"folder":false"#;
    assert!(
        first.starts_with(r#"{"wall":0,"elapsed":0,"random":""#) && first.contains(nothing),
        "{first}"
    );
    assert_eq!(seen(), first);
}

#[test]
fn exiting_ends_the_instance_and_nothing_else() {
    assert_fails(&failure("exit"), Code::PLUGIN_TRAPPED, "exit status 0");
}

#[test]
fn megabytes_on_standard_output_and_error_go_nowhere() {
    for misdeed in ["write-stdout", "write-stderr"] {
        let configuration = format!(r#"{{"misdeed":"{misdeed}","bytes":4194304}}"#);
        process(&mut misbehaving(&configuration)).unwrap();
    }
}

#[test]
fn a_panic_is_reported_in_its_own_words() {
    assert_fails(
        &failure("trap"),
        Code::PLUGIN_TRAPPED,
        "a trap was asked for",
    );
}

#[test]
fn what_a_guest_says_cannot_clear_a_terminal() {
    assert_fails(
        &failure("log-escapes"),
        Code::PLUGIN_TRAPPED,
        r"\u{1b}[2Jnothing to see here",
    );
}

#[test]
fn logging_without_end_is_bounded_by_cpu_time_where_nothing_else_bounds_it() {
    let limits = Limits {
        host_calls: u32::MAX,
        ..LIMITS
    };
    let mut instance = misbehaving_within(&limits, r#"{"misdeed":"log-without-end"}"#);
    assert_fails(
        &process(&mut instance).unwrap_err(),
        Code::PLUGIN_CPU_TIME,
        "in one call of `process`",
    );
}

#[test]
fn a_line_that_is_not_utf_8_is_refused() {
    assert_fails(&failure("log-not-utf8"), Code::PLUGIN_CONTRACT, "utf-8");
}

#[test]
fn a_line_of_sixteen_megabytes_is_taken_and_cut() {
    process(&mut misbehaving(
        r#"{"misdeed":"log-long-line","bytes":16777216}"#,
    ))
    .unwrap();
}

#[test]
fn a_trap_names_the_function_in_which_it_happened() {
    let at_mark = process(&mut misbehaving(r#"{"misdeed":"trap","at":"mark"}"#)).unwrap_err();
    assert_fails(&at_mark, Code::PLUGIN_TRAPPED, "trapped in `process`");
    let mut instance = misbehaving(r#"{"misdeed":"trap","at":"load"}"#);
    let loading = instance
        .load(&jackfield::plugin::Entries::default())
        .unwrap_err();
    assert_fails(&loading, Code::PLUGIN_TRAPPED, "trapped in `load`");
    let mut instance = misbehaving(r#"{"misdeed":"trap","at":"forget"}"#);
    let forgetting = instance
        .forget(&[&b"k1"[..]].into_iter().collect())
        .unwrap_err();
    assert_fails(&forgetting, Code::PLUGIN_TRAPPED, "trapped in `forget`");
    let flushing = misbehaving(r#"{"misdeed":"trap","at":"flush"}"#)
        .flush()
        .unwrap_err();
    assert_fails(&flushing, Code::PLUGIN_TRAPPED, "trapped in `flush`");
}
