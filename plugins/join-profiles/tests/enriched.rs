//! Interactions with the profile of their customer.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use data_actions_records::{CustomerRecord, Interaction, Profile, Status};
use jackfield_sdk::testing::{Driver, Sent};
use join_profiles::JoinProfiles;

fn driver() -> Driver<JoinProfiles> {
    Driver::new("{}").unwrap()
}

fn interaction(customer: &str, interaction_id: &str) -> Sent {
    let interaction = Interaction {
        status: Status::Success,
        interaction_id,
        channel: "chat",
    };
    Sent::postcard(&CustomerRecord::Interaction(interaction))
        .key(customer)
        .timestamp(1_700)
}

fn profile(customer: &str, tier: &str, region: &str) -> Sent {
    Sent::postcard(&CustomerRecord::Profile(Profile { tier, region })).key(customer)
}

/// Tier and region of each record since the last time.
fn joined(driver: &mut Driver<JoinProfiles>) -> Vec<(String, String)> {
    let field = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let tier_and_region =
        |enriched: serde_json::Value| (field(&enriched["tier"]), field(&enriched["region"]));
    driver
        .take("enriched")
        .iter()
        .map(|received| tier_and_region(received.json()))
        .collect()
}

#[test]
fn an_interaction_is_passed_on_with_all_its_fields() {
    let mut driver = driver();
    driver.send("customers", profile("c1", "gold", "emea"));
    driver.send("customers", interaction("c1", "i\"1"));
    let enriched = driver.take("enriched");
    assert_eq!(
        enriched[0].text(),
        r#"{"interactionId":"i\"1","customerId":"c1","channel":"chat","status":"SUCCESS","timestamp":1700,"tier":"gold","region":"emea"}"#
    );
    assert_eq!(enriched[0].timestamp, Some(1_700));
}

#[test]
fn the_profile_that_came_last_before_it_counts() {
    let mut driver = driver();
    for sent in [
        interaction("c1", "i1"),
        profile("c1", "gold", "emea"),
        interaction("c1", "i2"),
        profile("c1", "silver", "na"),
        interaction("c1", "i3"),
        interaction("c2", "i4"),
    ] {
        driver.send("customers", sent);
    }
    let expected = [
        ("UNKNOWN", "UNKNOWN"),
        ("gold", "emea"),
        ("silver", "na"),
        ("UNKNOWN", "UNKNOWN"),
    ];
    assert_eq!(
        joined(&mut driver),
        expected.map(|(tier, region)| (tier.to_owned(), region.to_owned()))
    );
}

#[test]
fn profiles_survive_a_restart_and_customers_without_one_are_not_remembered() {
    let mut driver = driver();
    driver.send("customers", profile("c1", "gold", "emea"));
    driver.send("customers", interaction("c2", "i1"));
    driver.reload().unwrap();
    assert_eq!(driver.remembered(), 1);
    driver.take("enriched");
    driver.send("customers", interaction("c1", "i2"));
    assert_eq!(
        joined(&mut driver),
        [("gold".to_owned(), "emea".to_owned())]
    );
}

#[test]
fn what_is_no_record_of_a_customer_is_refused() {
    let mut driver = driver();
    driver.send("customers", Sent::new("{}").key("c1").timestamp(1));
    assert_eq!(driver.take_rejections()[0].code(), "not-postcard");
}
