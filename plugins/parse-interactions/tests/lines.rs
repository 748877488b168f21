//! Which lines are taken, what becomes of them, and which are refused why.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use data_actions_records::{CustomerRecord, Interaction, Profile, Status};
use jackfield_sdk::testing::{Driver, Received, Sent};
use parse_interactions::ParseInteractions;

const INTERACTION: &str = r#"{"recordType":"interaction","interactionId":"i1","customerId":"c1","channel":"voice","status":"FAILURE","timestamp":1700000000000}"#;

fn driver() -> Driver<ParseInteractions> {
    Driver::new("{}").unwrap()
}

fn sent(line: impl Into<Vec<u8>>) -> Driver<ParseInteractions> {
    let mut driver = driver();
    driver.send("lines", Sent::new(line));
    driver
}

/// Code and message of the refusal of a line.
fn refused(line: impl Into<Vec<u8>>) -> (String, String) {
    let mut driver = sent(line);
    assert!(driver.take("channels").is_empty() && driver.take("customers").is_empty());
    let mut rejections = driver.take_rejections();
    assert_eq!(rejections.len(), 1);
    rejections.remove(0).into_parts()
}

#[test]
fn an_interaction_goes_to_its_channel_and_to_its_customer() {
    let mut driver = sent(INTERACTION);
    let timestamp = Some(1_700_000_000_000);
    assert_eq!(
        driver.take("channels"),
        [Received {
            value: vec![],
            key: b"voice".to_vec(),
            timestamp
        }]
    );
    let customers = driver.take("customers");
    assert_eq!(
        (customers[0].key.as_slice(), customers[0].timestamp),
        (&b"c1"[..], timestamp)
    );
    let interaction = Interaction {
        status: Status::Failure,
        interaction_id: "i1",
        channel: "voice",
    };
    assert_eq!(
        customers[0].postcard::<CustomerRecord<&str>>(),
        CustomerRecord::Interaction(interaction)
    );
}

#[test]
fn a_profile_goes_to_its_customer_alone() {
    let mut driver = sent(
        r#"{"recordType":"customer_update","customerId":"c1","tier":"gold","region":"emea","timestamp":5}"#,
    );
    assert!(driver.take("channels").is_empty());
    let customers = driver.take("customers");
    assert_eq!(
        (customers[0].key.as_slice(), customers[0].timestamp),
        (&b"c1"[..], Some(5))
    );
    let profile = Profile {
        tier: "gold",
        region: "emea",
    };
    assert_eq!(
        customers[0].postcard::<CustomerRecord<&str>>(),
        CustomerRecord::Profile(profile)
    );
}

#[test]
fn a_profile_without_a_time_has_none_whatever_its_transport_says() {
    let profile =
        r#"{"recordType":"customer_update","customerId":"c1","tier":"gold","region":"emea"}"#;
    let mut driver = driver();
    driver.send("lines", Sent::new(profile).timestamp(77));
    assert_eq!(driver.take("customers")[0].timestamp, None);
}

#[test]
fn a_record_without_a_type_is_an_interaction() {
    let mut driver = sent(INTERACTION.replace(r#""recordType":"interaction","#, ""));
    assert_eq!(driver.take("channels").len(), 1);
}

#[test]
fn unknown_fields_are_passed_over() {
    let line = INTERACTION.replacen(
        '{',
        r#"{"durationMs":1.5,"agent":{"id":[1,{"a":null}]},"note":"\u00e9\n","#,
        1,
    );
    assert_eq!(sent(line).take("channels").len(), 1);
}

#[test]
fn fields_come_in_any_order_and_spacing() {
    let line = "  {\"timestamp\" : 0 ,\"status\":\"SUCCESS\",\"channel\":\"sms\",\r\n\"customerId\":\"c\",\t\"interactionId\":\"i\"} ";
    assert_eq!(sent(line).take("channels")[0].timestamp, Some(0));
}

#[test]
fn escaped_text_is_unescaped() {
    let mut driver = sent(
        INTERACTION
            .replace("voice", r"vo\u0069ce \ud83d\ude00")
            .replace("c1", r#"c\"1"#)
            .replace("FAILURE", r"F\u0041ILURE"),
    );
    assert_eq!(driver.take("channels")[0].key, "voice 😀".as_bytes());
    let customers = driver.take("customers");
    assert_eq!(customers[0].key, b"c\"1");
    let CustomerRecord::<&str>::Interaction(interaction) = customers[0].postcard() else {
        panic!()
    };
    assert_eq!(
        (interaction.status, interaction.channel),
        (Status::Failure, "voice 😀")
    );
}

#[test]
fn a_status_that_means_nothing_here_is_kept() {
    let customers = sent(INTERACTION.replace("FAILURE", "TRANSFERRED")).take("customers");
    let CustomerRecord::<&str>::Interaction(interaction) = customers[0].postcard() else {
        panic!()
    };
    assert_eq!(interaction.status, Status::Other("TRANSFERRED"));
}

#[test]
fn what_is_not_json_is_refused() {
    for line in [
        "",
        " ",
        "x",
        "{",
        "{}}",
        "{\"a\":}",
        "{'a':1}",
        "nul",
        "{\"a\":1} {\"a\":1}",
        &INTERACTION[..60],
        "\u{feff}{}",
    ] {
        assert_eq!(refused(line).0, "not-json", "{line}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let line = format!("{{\"a\":{}", "[".repeat(100_000));
    assert_eq!(refused(line).0, "not-json");
}

#[test]
fn what_is_not_text_is_refused() {
    assert_eq!(refused(*b"{\"a\":\"\xff\"}").0, "not-utf-8");
    assert_eq!(refused([0x1f, 0x8b, 0x08]).0, "not-utf-8");
}

#[test]
fn what_is_not_an_object_is_refused() {
    for line in ["[]", "7", "\"text\"", "null", "true", "-1.5"] {
        assert_eq!(refused(line).0, "not-an-object", "{line}");
    }
}

#[test]
fn a_missing_field_is_named() {
    for field in [
        "interactionId",
        "customerId",
        "channel",
        "status",
        "timestamp",
    ] {
        let line = INTERACTION.replace(&format!("\"{field}\""), "\"other\"");
        assert_eq!(
            refused(line),
            ("missing-field".to_owned(), format!("{field} is missing"))
        );
    }
    let profile = r#"{"recordType":"customer_update","customerId":"c1","region":"emea"}"#;
    assert_eq!(
        refused(profile),
        ("missing-field".to_owned(), "tier is missing".to_owned())
    );
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (value, found) in [
        ("7", "an integer"),
        ("7.5", "a number that is not an integer"),
        ("null", "null"),
        ("true", "a boolean"),
        ("[\"voice\"]", "a list"),
        ("{\"a\":{}}", "an object"),
    ] {
        let line = INTERACTION.replace("\"voice\"", value);
        assert_eq!(
            refused(line),
            (
                "wrong-type".to_owned(),
                format!("channel is {found}, expected text")
            )
        );
    }
    for (value, found) in [
        ("\"1700000000000\"", "text"),
        ("1.7e12", "a number that is not an integer"),
        ("null", "null"),
    ] {
        let line = INTERACTION.replace("1700000000000", value);
        assert_eq!(
            refused(line),
            (
                "wrong-type".to_owned(),
                format!("timestamp is {found}, expected an integer")
            )
        );
    }
    assert_eq!(
        refused(INTERACTION.replace("\"interaction\"", "1")).0,
        "wrong-type"
    );
}

#[test]
fn empty_text_is_refused() {
    for field in ["i1", "c1", "voice", "FAILURE"] {
        assert_eq!(
            refused(INTERACTION.replace(field, "")).0,
            "empty-field",
            "{field}"
        );
    }
}

#[test]
fn a_time_out_of_range_is_refused() {
    for timestamp in [
        "-1",
        "253402300800000",
        "9223372036854775808",
        "-9223372036854775808",
    ] {
        assert_eq!(
            refused(INTERACTION.replace("1700000000000", timestamp)).0,
            "timestamp-out-of-range",
            "{timestamp}"
        );
    }
    for timestamp in ["0", "253402300799999"] {
        assert_eq!(
            sent(INTERACTION.replace("1700000000000", timestamp))
                .take("channels")
                .len(),
            1,
            "{timestamp}"
        );
    }
}

#[test]
fn an_unknown_type_of_record_is_refused() {
    let (code, message) = refused(INTERACTION.replace("\"interaction\"", "\"order\""));
    assert_eq!(code, "unknown-record-type");
    assert_eq!(
        message,
        "recordType is \"order\", expected \"interaction\" or \"customer_update\""
    );
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let (code, message) = refused(INTERACTION.replacen('{', "{\"channel\":\"chat\",", 1));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("duplicate-field", "channel is there twice")
    );
}
