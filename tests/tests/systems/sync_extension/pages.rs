//! The source, as the platform sees it.

use jackfield_tests::systems::{Answer, SyncExtension};
use serde_json::{Value, json};

use super::{sha256, start};
use crate::description::Description;
use crate::scenario::{Scenario, problems};

fn get(scenario: &Scenario, path: &str) -> Answer {
    let token = format!("Bearer {}", SyncExtension::SOURCE_TOKEN);
    let headers = [("authorization", token.as_str())];
    scenario.client.ask("GET", path, &headers, "").unwrap()
}

#[test]
fn pages_follow_each_other_and_can_be_checked() {
    let scenario = start();
    let description = Description::of(&scenario.client);
    let mut next = json!(0);
    let mut ids = Vec::new();
    while let Some(offset) = next.as_u64() {
        let answer = get(&scenario, &format!("/contacts?limit=7&offset={offset}"));
        description.check("get", "/contacts", &answer);
        let page = answer.json();
        assert_eq!(page["sha256"], sha256(&page["records"]));
        let records = page["records"].as_array().unwrap();
        ids.extend(records.iter().map(|record| record["customerId"].clone()));
        next = page["nextOffset"].clone();
    }
    let numbers = 0..SyncExtension::CONTACTS;
    let expected: Vec<Value> = numbers
        .map(|number| format!("CUST_{number:03}").into())
        .collect();
    assert_eq!(ids, expected);
}

#[test]
fn contacts_are_asked_for_by_their_keys() {
    let scenario = start();
    let page = get(
        &scenario,
        "/contacts?customerId=CUST_007&customerId=CUST_003&customerId=none",
    )
    .json();
    let contact = |number: u32, email: &str, points: u32, vip: bool, last: Value| {
        json!({
            "customerId": format!("CUST_00{number}"), "fullName": format!("Näme {number}"), "email": email, "loyaltyPoints": points,
            "vip": vip, "lastContact": last, "_syncTimestamp": format!("2025-02-01T00:00:0{number}.000Z"),
            "_sourceSystem": "ETL_PIPELINE_V1",
        })
    };
    let expected = [
        contact(3, "", 3, false, json!("2025-01-31T00:00:00.000Z")),
        contact(
            7,
            "c7@example.com",
            7,
            false,
            json!("2025-01-31T12:00:00.000Z"),
        ),
    ];
    assert_eq!(page["records"], json!(expected));
    assert_eq!(page["nextOffset"], Value::Null);
}

#[test]
fn what_is_no_question_is_refused() {
    let scenario = start();
    let description = Description::of(&scenario.client);
    let cases = [
        ("limit=0", "limit", "out-of-range"),
        ("limit=5001", "limit", "out-of-range"),
        ("offset=-1", "offset", "out-of-range"),
        ("offset=0&offset=1", "offset", "repeated"),
        ("recoveryBatch=1", "recoveryBatch", "unknown-parameter"),
    ];
    for (query, field, code) in cases {
        let answer = get(&scenario, &format!("/contacts?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(problems(&answer), [(field.to_owned(), code.to_owned())]);
        description.check("get", "/contacts", &answer);
    }
    let answer = scenario.client.get("/contacts?limit=0").unwrap();
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, "Bearer")
    );
    description.check("get", "/contacts", &answer);
    let answer = scenario.client.post("/contacts", "{}").unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, "GET"));
}
