//! Which records are passed on, what becomes of them, and which are refused why.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_sdk::testing::{Driver, Sent};
use prepare_contacts::PrepareContacts;
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2025-01-31T12:00:00.250Z.
const EVENT_TIME: i64 = 1_738_324_800_250;

fn configuration() -> Value {
    json!({
        "key": "customerId",
        "fields": {
            "customerId": "string",
            "fullName": "string",
            "loyaltyPoints": "number",
            "vip": "boolean",
            "lastContact": "date",
        },
    })
}

fn driver(configuration: &Value) -> Driver<PrepareContacts> {
    Driver::new(&configuration.to_string()).unwrap()
}

fn sent(record: impl Into<Vec<u8>>) -> Driver<PrepareContacts> {
    let mut driver = driver(&configuration());
    driver.send("records", Sent::new(record).timestamp(EVENT_TIME));
    driver
}

/// What a record becomes, as text.
fn prepared(record: impl Into<Vec<u8>>) -> String {
    let mut driver = sent(record);
    assert_eq!(driver.take_rejections(), []);
    driver.take("contacts")[0].text().to_owned()
}

/// One member of a record that is right but for it.
fn prepared_member(name: &str, value: Value) -> Value {
    let mut record = json!({ "customerId": "c1" });
    record[name] = value;
    let prepared: Value = serde_json::from_str(&prepared(record.to_string())).unwrap();
    prepared[name].clone()
}

/// Code and message of the refusal of a record.
fn refused(record: impl Into<Vec<u8>>) -> (String, String) {
    let mut driver = sent(record);
    assert!(driver.take("contacts").is_empty());
    driver.take_rejections().remove(0).into_parts()
}

#[test]
fn a_record_is_completed_and_says_where_it_comes_from() {
    let record = r#"{"customerId":" c1 ","fullName":null,"lastContact":"2025-01-31"}"#;
    assert_eq!(
        prepared(record),
        concat!(
            r#"{"customerId":"c1","fullName":"","lastContact":"2025-01-31T00:00:00.000Z","#,
            r#""loyaltyPoints":0,"vip":false,"_syncTimestamp":"2025-01-31T12:00:00.250Z","_sourceSystem":"ETL_PIPELINE_V1"}"#
        )
    );
}

#[test]
fn null_becomes_the_default_of_its_type_and_a_date_stays_null() {
    for (name, value) in [
        ("fullName", json!("")),
        ("loyaltyPoints", json!(0)),
        ("vip", json!(false)),
        ("lastContact", json!(null)),
    ] {
        assert_eq!(prepared_member(name, Value::Null), value, "{name}");
    }
}

#[test]
fn values_of_the_right_type_are_passed_on_as_they_were_written() {
    let record = r#"{"customerId":"c1","loyaltyPoints":12345678901234567890.10,"vip":true,"fullName":"Ann \u00fc","lastContact":null,"extra":{ "a" : 1.0 }}"#;
    let prepared = prepared(record);
    let unchanged = record.strip_suffix('}').unwrap();
    assert!(prepared.starts_with(unchanged), "{prepared}");
}

#[test]
fn a_text_is_measured_in_characters_before_its_blanks_are_cut_off() {
    let longest = "ü".repeat(255);
    assert_eq!(prepared_member("fullName", json!(longest)), json!(longest));
    let record = |name: String| json!({ "customerId": "c1", "fullName": name }).to_string();
    let (code, message) = refused(record("x".repeat(256)));
    assert_eq!(code, "too-long");
    assert_eq!(
        message,
        "Field fullName: a text of 256 characters, and at most 255 are allowed"
    );
    assert_eq!(
        refused(record(format!("{} ", "x".repeat(255)))).0,
        "too-long"
    );
}

#[test]
fn each_wrong_value_has_its_code() {
    for (name, value, code) in [
        ("fullName", json!(7), "invalid-string"),
        ("fullName", json!(["x"]), "invalid-string"),
        ("loyaltyPoints", json!("12"), "invalid-number"),
        ("loyaltyPoints", json!(true), "invalid-number"),
        ("vip", json!("true"), "invalid-boolean"),
        ("vip", json!(1), "invalid-boolean"),
        ("lastContact", json!("soon"), "invalid-date"),
        ("lastContact", json!(""), "invalid-date"),
        ("lastContact", json!(1_738_324_800_000_i64), "invalid-date"),
        ("customerId", json!(null), "missing-key"),
        ("customerId", json!("  "), "missing-key"),
    ] {
        let mut record = json!({ "customerId": "c1" });
        record[name] = value;
        assert_eq!(refused(record.to_string()).0, code, "{record}");
    }
}

#[test]
fn a_number_that_no_double_can_hold_is_refused() {
    let record = r#"{"customerId":"c1","loyaltyPoints":1e999}"#;
    assert_eq!(refused(record).0, "invalid-number");
}

#[test]
fn a_record_is_refused_with_everything_that_is_wrong_with_it() {
    let (code, message) = refused(r#"{"vip":"yes","loyaltyPoints":"many"}"#);
    assert_eq!(code, "missing-key");
    assert_eq!(
        message,
        "Field customerId: the key is missing or empty; Field loyaltyPoints: invalid number value; Field vip: invalid boolean value"
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for (record, code) in [
        (&b"{"[..], "not-json"),
        (b"", "not-json"),
        (b"[1]", "wrong-type"),
        (b"\"text\"", "wrong-type"),
        (b"{\"customerId\":\"\xff\"}", "not-utf-8"),
        (
            b"{\"customerId\":\"a\",\"customerId\":\"b\"}",
            "duplicate-field",
        ),
    ] {
        assert_eq!(refused(record).0, code, "{}", record.escape_ascii());
    }
}

#[test]
fn a_record_that_was_prepared_before_gets_a_new_stamp() {
    let record = r#"{"_syncTimestamp":"old","_sourceSystem":"other","customerId":"c1"}"#;
    let prepared: Value = serde_json::from_str(&prepared(record)).unwrap();
    assert_eq!(prepared["_syncTimestamp"], "2025-01-31T12:00:00.250Z");
    assert_eq!(prepared["_sourceSystem"], "ETL_PIPELINE_V1");
}

#[test]
fn the_stamp_is_the_time_of_the_record_itself_where_one_is_named() {
    let mut configuration = configuration();
    configuration["event-time"] = json!("changed");
    configuration["source-system"] = json!("CRM");
    let mut driver = driver(&configuration);
    driver.send(
        "records",
        Sent::new(r#"{"customerId":"a","changed":1738324800250}"#),
    );
    driver.send(
        "records",
        Sent::new(r#"{"customerId":"b","changed":"2025-01-31T13:00:00+01:00"}"#),
    );
    let contacts = driver.take("contacts");
    assert_eq!(
        contacts[0].json::<Value>()["_syncTimestamp"],
        "2025-01-31T12:00:00.250Z"
    );
    assert_eq!(
        contacts[1].json::<Value>()["_syncTimestamp"],
        "2025-01-31T12:00:00.000Z"
    );
    assert_eq!(contacts[0].json::<Value>()["_sourceSystem"], "CRM");
    assert_eq!(contacts[1].timestamp, Some(1_738_324_800_000));
}

#[test]
fn a_record_without_a_time_is_refused_with_the_remedy() {
    let mut plain = driver(&configuration());
    plain.send("records", Sent::new(r#"{"customerId":"c1"}"#));
    let (code, message) = plain.take_rejections().remove(0).into_parts();
    assert_eq!(code, "missing-timestamp");
    assert!(message.contains("`event-time`"), "{message}");
    let mut configuration = configuration();
    configuration["event-time"] = json!("changed");
    for (record, code) in [
        (r#"{"customerId":"c1"}"#, "missing-timestamp"),
        (r#"{"customerId":"c1","changed":null}"#, "missing-timestamp"),
        (r#"{"customerId":"c1","changed":"soon"}"#, "invalid-date"),
        (r#"{"customerId":"c1","changed":true}"#, "invalid-date"),
    ] {
        let mut named = driver(&configuration);
        named.send("records", Sent::new(record));
        assert_eq!(named.take_rejections()[0].code(), code, "{record}");
    }
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for (configuration, part) in [
        (json!({ "fields": {} }), "`fields` is empty"),
        (json!({}), "missing field `fields`"),
        (
            json!({ "fields": { "a": "money" } }),
            "unknown variant `money`",
        ),
        (
            json!({ "fields": { "_syncTimestamp": "date" } }),
            "written by the stage itself",
        ),
        (
            json!({ "fields": { "a": "string" }, "key": "b" }),
            "`key` names `b`",
        ),
        (
            json!({ "fields": { "a": "string" }, "keys": "a" }),
            "unknown field `keys`",
        ),
    ] {
        let error = Driver::<PrepareContacts>::new(&configuration.to_string()).err();
        assert!(error.as_ref().unwrap().contains(part), "{error:?}");
    }
}

proptest! {
    #[test]
    fn a_record_is_passed_on_or_refused_and_never_both(record in "[\\[\\]{}:,\"a-z0-9. -]{0,60}") {
        let mut driver = sent(record);
        let passed = driver.take("contacts").len();
        prop_assert_eq!(passed + driver.take_rejections().len(), 1);
    }

    #[test]
    fn what_was_prepared_is_prepared_again_to_the_same(name in "\\PC{0,40}", points: f64, vip: Option<bool>) {
        let record = json!({ "customerId": "c1", "fullName": name, "loyaltyPoints": points, "vip": vip });
        let once = prepared(record.to_string());
        prop_assert_eq!(prepared(once.clone()), once);
    }
}
