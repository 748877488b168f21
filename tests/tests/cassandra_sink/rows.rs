//! What becomes of records.

use jackfield_tests::services::Cassandra;
use serde_json::{Value, json};

use crate::scenario::{Scenario, assert_failed, assert_rows, readings};

#[test]
fn records_become_rows() {
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "plain", &readings(5_000));
    scenario.run().expect_success();
    assert_rows(cassandra, &scenario.table(), &readings(5_000));
}

#[test]
fn every_type_is_written_as_it_came() {
    let record = json!({
        "id": "00112233-4455-6677-8899-aabbccddeeff", "ascii": "a", "text": "ü", "json": {"a": [1, null]}, "tiny": -128, "small": 32767, "int": -5,
        "big": 9_007_199_254_740_993_i64, "float": 0.5, "double": 1e300, "boolean": true, "instant": "2026-11-21T18:00:00+01:00", "millis": 1500,
        "day": "2026-11-21", "bytes": "00ff", "empty": null
    });
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "types", &[record]).sink(
        r#"
        columns = { id = "uuid", ascii = "ascii", text = "text", json = "json", tiny = "tinyint", small = "smallint", int = "int", big = "bigint", float = "float", double = "double", boolean = "boolean", instant = "timestamp", millis = "timestamp", day = "date", bytes = "blob", empty = "text", copy = { field = "int", type = "bigint" } }
        primary-key = { partition = "id" }
        create-tables = true
        "#,
    );
    scenario.run().expect_success();
    let row = json!({
        "id": "00112233-4455-6677-8899-aabbccddeeff", "ascii": "a", "text": "ü", "json": r#"{"a":[1,null]}"#, "tiny": -128, "small": 32767, "int": -5,
        "big": 9_007_199_254_740_993_i64, "float": 0.5, "double": 1e300, "boolean": true, "instant": "2026-11-21 17:00:00.000Z",
        "millis": "1970-01-01 00:00:01.500Z", "day": "2026-11-21", "bytes": "0x00ff", "empty": null, "copy": -5
    });
    assert_rows(cassandra, &scenario.table(), &[row]);
}

#[test]
fn of_records_with_one_key_the_last_stays_as_a_whole() {
    let record = |value: u64| json!({ "sensor": "s", "at": 1, "value": value });
    // Equal write timestamps would leave the largest bytes, which are not the last.
    let records: Vec<Value> = (0..1_000).rev().map(record).collect();
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "upserts", &records);
    scenario.run().expect_success();
    assert_rows(cassandra, &scenario.table(), &[record(0)]);
}

#[test]
fn null_empties_a_cell() {
    let record = |value: Value| json!({ "sensor": "s", "at": 1, "value": value });
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "nulls", &[record(json!(1)), record(Value::Null)]);
    scenario.run().expect_success();
    assert_rows(cassandra, &scenario.table(), &[record(Value::Null)]);
}

#[test]
fn a_record_that_does_not_fit_is_set_aside_and_the_others_are_written() {
    let records = [
        json!({ "sensor": "s", "at": 1, "value": 1 }),
        json!({ "sensor": "s", "at": 2 }),
        json!({ "sensor": "s", "at": 3, "value": 2_147_483_648_i64 }),
        json!({ "sensor": null, "at": 4, "value": 1 }),
        json!({ "sensor": "", "at": 5, "value": 1 }),
        json!({ "sensor": "s".repeat(70_000), "at": 6, "value": 1 }),
    ];
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "misfits", &records);
    scenario.run().expect_success();
    assert_rows(cassandra, &scenario.table(), &records[..1]);
    assert_eq!(
        scenario.letters(),
        [
            "the field `value` is missing",
            "the field `value` is not a whole number within 32 bits: 2147483648",
            "the field `sensor` is null, and a primary key has no nulls",
            "the field `sensor` is empty, and Cassandra takes no empty partition key",
            "the partition key is 70003 bytes long, and Cassandra takes 65535 at most",
        ]
    );
}

#[test]
fn a_row_that_the_node_refuses_is_named() {
    let text = "x".repeat(6 << 20);
    let records = [
        json!({ "sensor": "a", "at": 1, "value": 1, "text": "x" }),
        json!({ "sensor": "a", "at": 2, "value": 1, "text": text }),
    ];
    let scenario = Scenario::new(Cassandra::shared(), "large", &records).sink(
        r#"
        columns = { sensor = "text", at = "bigint", value = "int", text = "text" }
        primary-key = { partition = ["sensor"], clustering = ["at"] }
        create-tables = true
        "#,
    );
    assert_failed(&scenario.run(), &["JF-6023", "sensor = \"a\", at = 2"]);
}
