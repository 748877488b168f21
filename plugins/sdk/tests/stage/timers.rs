//! Event-time timers.

use crate::scripted::Command::{Add, ClearTimer, SetTimer};
use crate::scripted::{command, driver, reports};

#[test]
fn timers_fire_by_time_and_then_by_key() {
    let mut driver = driver();
    for (key, time) in [("b", 20), ("a", 20), ("c", 11), ("a", 30), ("c", 31)] {
        driver.send("commands", command(key, &SetTimer(time)));
    }
    driver.advance(30);
    let expected = [
        "c: timer 11 sum None",
        "a: timer 20 sum None",
        "b: timer 20 sum None",
        "a: timer 30 sum None",
    ];
    assert_eq!(reports(&mut driver), expected);
}

#[test]
fn a_timer_fires_once_the_watermark_reaches_it() {
    let mut driver = driver();
    driver.send("commands", command("a", &SetTimer(5)));
    driver.advance(4);
    assert!(reports(&mut driver).is_empty());
    driver.advance(5);
    assert_eq!(reports(&mut driver), ["a: timer 5 sum None"]);
    driver.advance(6);
    assert!(reports(&mut driver).is_empty());
}

#[test]
fn a_timer_set_twice_fires_once() {
    let mut driver = driver();
    driver.send("commands", command("a", &SetTimer(5)));
    driver.send("commands", command("a", &SetTimer(5)));
    driver.advance(5);
    assert_eq!(reports(&mut driver).len(), 1);
}

#[test]
fn a_cleared_timer_does_not_fire() {
    let mut driver = driver();
    for set in [SetTimer(5), SetTimer(6), ClearTimer(5), ClearTimer(100)] {
        driver.send("commands", command("a", &set));
    }
    driver.advance(10);
    assert_eq!(reports(&mut driver), ["a: timer 6 sum None"]);
}

#[test]
fn a_timer_that_was_cleared_and_set_again_fires_once() {
    let mut driver = driver();
    for set in [SetTimer(5), ClearTimer(5), SetTimer(5)] {
        driver.send("commands", command("a", &set));
    }
    driver.advance(10);
    assert_eq!(reports(&mut driver), ["a: timer 5 sum None"]);
}

#[test]
fn a_timer_in_the_past_fires_at_the_next_advance() {
    let mut driver = driver();
    driver.advance(50);
    driver.send("commands", command("a", &SetTimer(5)));
    driver.reload().unwrap();
    assert!(reports(&mut driver).is_empty());
    driver.advance(55);
    assert_eq!(reports(&mut driver), ["a: timer 51 sum None"]);
}

#[test]
fn a_timer_that_a_timer_sets_fires_in_the_same_advance_if_it_is_due() {
    let mut driver = driver();
    driver.send("commands", command("a", &SetTimer(7)));
    driver.send("commands", command("b", &SetTimer(10)));
    driver.advance(20);
    assert_eq!(
        reports(&mut driver),
        [
            "a: timer 7 sum None",
            "b: timer 10 sum None",
            "a: timer 12 sum None"
        ]
    );
}

#[test]
fn timers_survive_a_new_instance_beside_the_state() {
    let mut driver = driver();
    for set in [SetTimer(40), Add(3), SetTimer(30), SetTimer(i64::MAX)] {
        driver.send("commands", command("a", &set));
    }
    driver.take("reports");
    driver.reload().unwrap();
    driver.advance(40);
    assert_eq!(
        reports(&mut driver),
        ["a: timer 30 sum Some(3)", "a: timer 40 sum Some(3)"]
    );
    driver.reload().unwrap();
    driver.advance(i64::MAX);
    assert_eq!(
        reports(&mut driver),
        [format!("a: timer {} sum Some(3)", i64::MAX)]
    );
}

#[test]
fn setting_and_clearing_without_end_does_not_grow_without_end() {
    let mut driver = driver();
    driver.send("commands", command("a", &SetTimer(1)));
    for time in 2..20_000 {
        driver.send("commands", command("a", &SetTimer(time)));
        driver.send("commands", command("a", &ClearTimer(time - 1)));
    }
    driver.advance(30_000);
    assert_eq!(reports(&mut driver), ["a: timer 19999 sum None"]);
}
