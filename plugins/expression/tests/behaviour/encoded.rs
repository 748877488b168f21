//! Records in the encoding of plugins.

use data_actions_records::{CustomerRecord, Interaction, Profile, Status};
use jackfield_expression::{Decoder, Expression, Format, Names};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::json;

fn decoder(format: serde_json::Value) -> Decoder {
    serde_json::from_value::<Format>(format)
        .unwrap()
        .decoder()
        .unwrap()
}

/// The records of the data actions pipeline, as a manifest tells of them.
fn customer_records() -> Decoder {
    let status =
        json!({ "variants": ["SUCCESS", "FAILURE", "CALLBACK_REQUEST", { "Other": "text" }] });
    decoder(json!({ "encoded": { "variants": [
        { "Interaction": { "fields": [{ "status": status }, { "interaction_id": "text" }, { "channel": "text" }] } },
        { "Profile": { "fields": [{ "tier": "text" }, { "region": "text" }] } },
    ] } }))
}

fn read(decoder: &Decoder, value: &impl Serialize) -> String {
    let bytes = postcard::to_allocvec(value).unwrap();
    serde_json::to_string(&decoder.decode(&bytes).unwrap()).unwrap()
}

#[test]
fn records_of_the_data_actions_pipeline_are_read() {
    let decoder = customer_records();
    let interaction = |status| {
        CustomerRecord::Interaction(Interaction {
            status,
            interaction_id: "i1",
            channel: "voice",
        })
    };
    assert_eq!(
        read(&decoder, &interaction(Status::CallbackRequest)),
        r#"{"Interaction":{"status":"CALLBACK_REQUEST","interaction_id":"i1","channel":"voice"}}"#
    );
    assert_eq!(
        read(&decoder, &interaction(Status::Other("BUSY"))),
        r#"{"Interaction":{"status":{"Other":"BUSY"},"interaction_id":"i1","channel":"voice"}}"#
    );
    let profile = CustomerRecord::Profile(Profile {
        tier: "gold",
        region: "emea",
    });
    assert_eq!(
        read(&decoder, &profile),
        r#"{"Profile":{"tier":"gold","region":"emea"}}"#
    );
}

#[test]
fn expressions_see_encoded_records() {
    let text = "has(record.Interaction) && record.Interaction.status == 'FAILURE'";
    let failed = Expression::compile("where", text, &Names::of(["record"])).unwrap();
    let record = CustomerRecord::Interaction(Interaction {
        status: Status::Failure,
        interaction_id: "i",
        channel: "c",
    });
    let bytes = postcard::to_allocvec(&record).unwrap();
    assert!(
        failed
            .holds(&[customer_records().decode(&bytes).unwrap()])
            .unwrap()
    );
}

#[test]
fn every_type_is_read() {
    let decoder = decoder(json!({ "encoded": { "tuple": [
        "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "text",
        { "optional": "text" }, { "optional": "u8" }, { "list": { "tuple": ["i64", "bool"] } }, { "map": "u32" },
    ] } }));
    let map = std::collections::BTreeMap::from([("a", 1_u32), ("b", 2)]);
    let one = (
        true,
        1_u8,
        2_u16,
        3_u32,
        u64::MAX,
        -1_i8,
        -2_i16,
        -3_i32,
        i64::MIN,
        0.5_f32,
        -0.25_f64,
        "ä",
    );
    let other = (
        None::<&str>,
        Some(7_u8),
        vec![(1_i64, true), (2, false)],
        map,
    );
    assert_eq!(
        read(&decoder, &(one, other)),
        r#"[true,1,2,3,18446744073709551615,-1,-2,-3,-9223372036854775808,0.5,-0.25,"ä",null,7,[[1,true],[2,false]],{"a":1,"b":2}]"#
    );
}

#[test]
fn a_record_that_is_not_as_the_format_says_is_refused() {
    let decoder = customer_records();
    for bytes in [
        &[][..],
        &[2],
        &[0, 9],
        &[1, 200],
        &[1, 1, 0xff, 0],
        &[1, 0, 0, 0],
    ] {
        assert_eq!(
            decoder.decode(bytes).unwrap_err().code(),
            "not-postcard",
            "{bytes:?}"
        );
    }
}

#[test]
fn a_format_that_no_record_can_be_of_is_refused() {
    for (format, place) in [
        (json!({ "fields": [] }), "format.encoded: "),
        (json!({ "list": { "tuple": [] } }), "format.encoded.list: "),
        (
            json!({ "variants": ["A", { "A": "text" }] }),
            "format.encoded.variants[1]: ",
        ),
        (
            json!({ "fields": [{ "a": { "optional": { "variants": [] } } }] }),
            "format.encoded.fields[0].a.optional: ",
        ),
    ] {
        let format: Format = serde_json::from_value(json!({ "encoded": format })).unwrap();
        let error = format.decoder().unwrap_err().to_string();
        assert!(error.starts_with(place), "{error}");
    }
    let two = json!({ "encoded": { "fields": [{ "a": "text", "b": "text" }] } });
    assert!(serde_json::from_value::<Format>(two).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let lists = decoder(json!({ "encoded": { "list": { "map": { "list": { "optional": "bool" } } } } }));
        for decoder in [customer_records(), lists] {
            if let Err(refusal) = decoder.decode(&bytes) {
                prop_assert_eq!(refusal.code(), "not-postcard");
            }
        }
    }
}
