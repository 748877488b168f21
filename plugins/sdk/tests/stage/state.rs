//! Keyed state.

use jackfield_sdk::Column;

use crate::scripted::Command::{Add, Forget, Report, SetTimer};
use crate::scripted::{Command, command, driver, reports};

fn keys(column: &Column) -> Vec<String> {
    column
        .iter()
        .map(|key| key.escape_ascii().to_string())
        .collect()
}

#[test]
fn state_is_kept_by_key() {
    let mut driver = driver();
    for (key, number) in [("a", 1), ("b", 10), ("a", 2)] {
        driver.send("commands", command(key, &Add(number)));
    }
    assert_eq!(
        reports(&mut driver),
        ["a: sum Some(1)", "b: sum Some(10)", "a: sum Some(3)"]
    );
}

#[test]
fn state_is_there_again_in_a_new_instance() {
    let mut driver = driver();
    driver.send(
        "commands",
        command("a key that is too long to be kept in place", &Add(5)),
    );
    driver.reload().unwrap();
    driver.send(
        "commands",
        command("a key that is too long to be kept in place", &Report),
    );
    assert_eq!(
        reports(&mut driver).last().unwrap(),
        "a key that is too long to be kept in place: sum Some(5)"
    );
}

#[test]
fn a_flush_holds_what_changed_since_the_last_one_by_rising_key() {
    let mut driver = driver();
    for key in ["c", "a", "b"] {
        driver.send("commands", command(key, &Add(1)));
    }
    assert_eq!(keys(&driver.flush().keys), ["a", "b", "c"]);
    driver.send("commands", command("b", &Add(1)));
    driver.send("commands", command("c", &Report));
    assert_eq!(keys(&driver.flush().keys), ["b"]);
}

#[test]
fn looking_makes_no_state() {
    let mut driver = driver();
    driver.send("commands", command("a", &Report));
    assert_eq!(reports(&mut driver), ["a: sum None"]);
    assert!(driver.flush().keys.is_empty());
}

#[test]
fn a_forgotten_key_is_reported_once() {
    let mut driver = driver();
    driver.send("commands", command("a", &Add(1)));
    driver.flush();
    driver.send("commands", command("a", &Forget));
    let changes = driver.flush();
    assert_eq!(
        (keys(&changes.forgotten), keys(&changes.keys)),
        (vec!["a".to_owned()], vec![])
    );
    assert!(driver.flush().forgotten.is_empty());
}

#[test]
fn a_key_that_comes_and_goes_between_flushes_leaves_no_trace() {
    let mut driver = driver();
    driver.send("commands", command("a", &Add(1)));
    driver.send("commands", command("a", &Forget));
    driver.send("commands", command("b", &Add(2)));
    let changes = driver.flush();
    assert_eq!(
        (keys(&changes.keys), keys(&changes.forgotten)),
        (vec!["b".to_owned()], vec![])
    );
}

#[test]
fn a_key_that_comes_back_is_a_change_and_not_forgotten() {
    let mut driver = driver();
    driver.send("commands", command("a", &Add(1)));
    driver.flush();
    driver.send("commands", command("a", &Forget));
    driver.send("commands", command("a", &Add(7)));
    let changes = driver.flush();
    assert_eq!(
        (keys(&changes.keys), keys(&changes.forgotten)),
        (vec!["a".to_owned()], vec![])
    );
    driver.reload().unwrap();
    driver.send("commands", command("a", &Report));
    assert_eq!(reports(&mut driver).last().unwrap(), "a: sum Some(7)");
}

#[test]
fn forgetting_takes_the_timers_too() {
    let mut driver = driver();
    driver.send("commands", command("a", &SetTimer(5)));
    driver.send("commands", command("a", &Forget));
    driver.advance(10);
    assert!(reports(&mut driver).is_empty());
    assert!(driver.flush().keys.is_empty());
}

#[test]
fn a_key_with_only_a_timer_is_remembered() {
    let mut driver = driver();
    driver.send("commands", command("a", &SetTimer(5)));
    driver.reload().unwrap();
    assert_eq!(driver.remembered(), 1);
    driver.advance(5);
    assert_eq!(reports(&mut driver), ["a: timer 5 sum None"]);
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

/// An entry without timers, with the state of version 2.
const OLDER: [u8; 6] = [0, 1, 42, 0, 0, 0];

#[test]
fn state_of_an_older_version_is_read_and_written_anew() {
    let mut driver = driver();
    driver.keep(b"a", 2, &OLDER);
    driver.start_again().unwrap();
    driver.send("commands", command("a", &Report));
    assert_eq!(reports(&mut driver), ["a: sum Some(42)"]);
    assert_eq!(keys(&driver.flush().keys), ["a"]);
}

#[test]
fn state_of_a_version_out_of_range_is_refused() {
    for version in [1, 4] {
        let mut driver = driver();
        driver.keep(b"a", version, &OLDER);
        let error = driver.start_again().unwrap_err();
        assert_eq!(
            error,
            format!("state of key \"a\" (version {version}): the plugin reads the versions 2 to 3")
        );
    }
}

#[test]
fn state_that_is_none_is_refused_with_its_key() {
    for (value, reason) in [
        (&[][..], "the entry is not one of a plugin: "),
        (&[0, 2], "the entry is not one of a plugin: "),
        (&[0, 1], "it does not hold a state of this version: "),
        (
            &[0, 1, 5, 9],
            "the entry is longer than it should be by 1 byte",
        ),
    ] {
        let mut driver = driver();
        driver.keep(b"key 7", 3, value);
        let error = driver.start_again().unwrap_err();
        let expected = format!("state of key \"key 7\" (version 3): {reason}");
        assert!(error.starts_with(&expected), "{value:?}: {error}");
    }
}

#[test]
fn many_keys_come_and_go() {
    let mut driver = driver();
    for round in 0..3_u64 {
        for key in 0..2_000 {
            driver.send("commands", command(&key.to_string(), &Add(round)));
        }
        for key in (0..2_000).step_by(2) {
            driver.send("commands", command(&key.to_string(), &Forget));
        }
        driver.reload().unwrap();
    }
    assert_eq!(driver.remembered(), 1_000);
    driver.take("reports");
    driver.send("commands", command("1999", &Command::Report));
    driver.send("commands", command("1998", &Command::Report));
    assert_eq!(
        reports(&mut driver),
        ["1999: sum Some(3)", "1998: sum None"]
    );
}
