//! Records in JSON.

use jackfield_expression::{Expression, Format, Names, Value};

use crate::json;

fn refusal(record: &[u8]) -> (&'static str, String) {
    let refusal = json().decode(record).unwrap_err();
    (refusal.code(), refusal.message().to_owned())
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    assert_eq!(refusal(b"\xff").0, "not-utf-8");
    assert_eq!(refusal(b"").0, "not-json");
    assert_eq!(
        refusal(br#"{"a":}"#),
        ("not-json", "expected value at line 1 column 6".to_owned())
    );
    assert_eq!(refusal(br#"{"a":1}x"#).0, "not-json");
    assert_eq!(refusal("[".repeat(10_000).as_bytes()).0, "not-json");
    assert_eq!(refusal(b"1e999").0, "not-json");
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    assert_eq!(
        refusal(br#"{"a":1,"b":{"c":1,"c":2}}"#).0,
        "duplicate-field"
    );
    let many: Vec<String> = (0..40)
        .map(|field| format!("\"f{}\":1", field % 39))
        .collect();
    let (code, message) = refusal(format!("{{{}}}", many.join(",")).as_bytes());
    assert_eq!(code, "duplicate-field");
    assert!(message.contains("`f0`"), "{message}");
}

#[test]
fn text_is_borrowed_from_the_record() {
    let record = br#""plain""#;
    let value = json().decode(record).unwrap();
    assert_eq!(value.as_text().unwrap().as_ptr(), record[1..].as_ptr());
}

#[test]
fn only_the_fields_that_are_looked_at_are_kept() {
    let names = Names::of(["key", "record"]);
    let compile = |text| Expression::compile("test", text, &names).unwrap();
    let some = [
        compile("record.a + record.b.c"),
        compile("has(record.d) && key == ''"),
    ];
    let decoder = Format::Json.decoder().unwrap().for_expressions(&some, 1);
    let record = br#"{"a":1,"x":[1,{"y":"z"}],"b":{"c":2,"e":3}}"#;
    let kept = decoder.decode(record).unwrap();
    assert_eq!(
        serde_json::to_string(&kept).unwrap(),
        r#"{"a":1,"b":{"c":2,"e":3}}"#
    );
    let whole = [compile("record.a"), compile("record == record")];
    let decoder = Format::Json.decoder().unwrap().for_expressions(&whole, 1);
    let Value::Map(fields) = decoder.decode(record).unwrap() else {
        panic!("no map")
    };
    assert_eq!(fields.len(), 3);
}
