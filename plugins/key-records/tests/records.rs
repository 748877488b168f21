//! Records with keys and times.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_sdk::testing::{Driver, Sent};
use key_records::KeyRecords;

fn driver(configuration: &str) -> Driver<KeyRecords> {
    Driver::new(configuration).unwrap()
}

fn refusal(configuration: &str) -> String {
    Driver::<KeyRecords>::new(configuration).err().unwrap()
}

#[test]
fn a_record_gets_its_key_and_its_time() {
    let mut driver = driver(r#"{"key":"record.shop","event-time":"record.at"}"#);
    let line = r#"{"shop":"s1","at":1700,"amount":3}"#;
    driver.send("records", Sent::new(line));
    let keyed = driver.take("keyed");
    assert_eq!(
        (keyed[0].key.as_slice(), keyed[0].timestamp),
        (&b"s1"[..], Some(1700))
    );
    assert_eq!(keyed[0].text(), line);
    assert_eq!(driver.take("records")[0].text(), line);
}

#[test]
fn a_key_that_is_no_text_is_its_json() {
    let mut driver = driver(r#"{"key":"[record.shop, record.till]"}"#);
    driver.send(
        "records",
        Sent::new(r#"{"shop":"s1","till":7}"#).timestamp(5),
    );
    let keyed = driver.take("keyed");
    assert_eq!(
        (keyed[0].key.as_slice(), keyed[0].timestamp),
        (&br#"["s1",7]"#[..], Some(5))
    );
}

#[test]
fn records_that_are_not_wanted_are_left_out_after_they_were_checked() {
    let mut driver = driver(
        r#"{"key":"'k'","where":"record.n > 1","checks":[{"that":"record.n < 10","code":"too-great","message":"n is below 10"},{"that":"record.n != 5","code":"five"}]}"#,
    );
    for n in [1, 2, 5, 11] {
        driver.send("records", Sent::new(format!("{{\"n\":{n}}}")));
    }
    assert_eq!(driver.take("keyed").len(), 1);
    let rejections: Vec<String> = driver
        .take_rejections()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        rejections,
        [
            "five: it does not hold that record.n != 5",
            "too-great: n is below 10"
        ]
    );
}

#[test]
fn a_record_can_be_made_anew() {
    let mut driver = driver(r#"{"key":"'k'","output":{"double":"record.n * 2","kind":"'n'"}}"#);
    driver.send("records", Sent::new(r#"{"n":4}"#));
    assert_eq!(driver.take("keyed")[0].text(), r#"{"double":8,"kind":"n"}"#);
}

#[test]
fn a_time_of_null_is_none() {
    let mut driver = driver(r#"{"key":"'k'","event-time":"has(record.at) ? record.at : null"}"#);
    driver.send("records", Sent::new("{}").timestamp(9));
    assert_eq!(driver.take("keyed")[0].timestamp, None);
}

#[test]
fn what_is_wrong_with_a_record_has_a_code() {
    let mut driver = driver(r#"{"key":"record.shop","event-time":"record.at"}"#);
    for line in [
        "{",
        "{\"at\":1}",
        r#"{"shop":"s","at":"now"}"#,
        r#"{"shop":null,"at":1}"#,
        r#"{"shop":"s","shop":"t","at":1}"#,
        "[1]",
        "\u{fffd}",
    ] {
        driver.send("records", Sent::new(line));
    }
    let rejections = driver.take_rejections();
    let codes: Vec<&str> = rejections
        .iter()
        .map(|rejection| rejection.code())
        .collect();
    assert_eq!(
        codes,
        [
            "not-json",
            "missing-field",
            "wrong-type",
            "wrong-type",
            "duplicate-field",
            "wrong-type",
            "not-json"
        ]
    );
    assert!(driver.take("keyed").is_empty() && driver.take("records").is_empty());
}

#[test]
fn a_key_that_is_wanted_and_not_configured_is_said_of_each_record() {
    let mut driver = driver("{}");
    driver.send("records", Sent::new("{}"));
    assert_eq!(driver.take_rejections()[0].code(), "no-key");
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_place() {
    assert!(refusal(r#"{"key":"record.shop +"}"#).starts_with("key: line 1, column"));
    assert!(
        refusal(r#"{"checks":[{"that":"true","code":"not a code"}]}"#)
            .starts_with("checks[0].code: ")
    );
    assert!(
        refusal(r#"{"output":{"a":"key"}}"#)
            .starts_with("output.a: line 1, column 1: there is no variable")
    );
    assert!(refusal(r#"{"format":{"encoded":{"fields":[]}}}"#).starts_with("format.encoded: "));
    assert!(refusal(r#"{"keys":"'a'"}"#).contains("unknown field"));
}
