use std::time::Duration;

use cxone_simulator::{CallbackAttempt, Fault, Options};
use serde_json::{Value, json as object};

use super::platform::{Platform, json, until, usual};
use super::source::{Form, Source};

const PATH: &str = "/api/v2/data/extensions/customer-profiles/sync";

fn profiles(count: u32) -> Vec<Value> {
    let profile = |number| object!({ "customerId": format!("CUST_{number:03}"), "points": number, "_syncTimestamp": "now" });
    (0..count).map(profile).collect()
}

async fn begin(platform: &Platform, source: &Source, webhook: &str) -> String {
    let sync = object!({
        "extensionId": "customer-profiles",
        "sourceType": "REST",
        "sourceEndpoint": source.url,
        "fieldMappings": ["customerId", { "source": "points", "target": "loyaltyPoints" }],
        "syncMode": "INCREMENTAL",
        "webhookUrl": webhook,
        "options": { "maxBatchSize": 4, "retryOnConflict": true, "nullValueHandling": "SET_NULL" },
    });
    let answer = json(platform.post(PATH, &sync).await).await;
    answer["syncJobId"].as_str().unwrap().to_owned()
}

/// The callback that tells how a sync of this source ended.
async fn callback(platform: &Platform, source: &Source) -> CallbackAttempt {
    let webhook = platform.url("/webhook/cxone-sync");
    begin(platform, source, &webhook).await;
    delivered(platform, 1).await.remove(0)
}

async fn delivered(platform: &Platform, count: usize) -> Vec<CallbackAttempt> {
    let delivered = || -> Vec<CallbackAttempt> {
        let attempts = platform.simulator.callbacks().into_iter();
        attempts
            .filter(|attempt| attempt.status == Some(200))
            .collect()
    };
    until(|| delivered().len() >= count).await;
    delivered()
}

/// A simulator that does not wait long between its tries.
async fn hasty() -> Platform {
    Platform::start(Options {
        outbound_first_wait: Duration::from_millis(1),
        outbound_attempts: 3,
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn a_sync_pulls_all_pages_with_its_credentials_and_calls_back() {
    let platform = usual().await;
    let source = Source::start(profiles(10), Form::Array, &[]).await;
    let callback = callback(&platform, &source).await;
    assert_eq!(callback.body["status"], "COMPLETED");
    assert_eq!(callback.body["progress"]["totalRecords"], 10);
    assert_eq!(
        source.queries(),
        [
            "limit=4&offset=0",
            "limit=4&offset=4",
            "limit=4&offset=8",
            "limit=4&offset=10"
        ],
    );
    assert_eq!(source.credentials(), "Bearer demo-source-token");
}

#[tokio::test]
async fn pages_that_name_the_next_one_need_no_empty_one_at_the_end() {
    let platform = usual().await;
    let source = Source::start(profiles(8), Form::Object, &[]).await;
    callback(&platform, &source).await;
    assert_eq!(source.queries(), ["limit=4&offset=0", "limit=4&offset=4"]);
}

#[tokio::test]
async fn records_are_held_under_the_names_of_the_extension() {
    let platform = usual().await;
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    callback(&platform, &source).await;
    let records = platform
        .simulator
        .extension_records("customer-profiles")
        .unwrap();
    let expected =
        object!({ "customerId": "CUST_000", "loyaltyPoints": 0, "_syncTimestamp": "now" });
    assert_eq!(object!(records), object!([expected]));
}

#[tokio::test]
async fn a_record_that_is_not_of_its_types_is_told_and_the_others_are_held() {
    let platform = usual().await;
    let mut records = profiles(3);
    records[1]["points"] = object!("12");
    let source = Source::start(records, Form::Array, &[]).await;
    let callback = callback(&platform, &source).await;
    assert_eq!(callback.body["status"], "FAILED");
    let error = object!({
        "type": "MALFORMED_RECORD",
        "recordId": "CUST_001",
        "message": "loyaltyPoints: invalid number value",
        "suggestedCorrections": { "loyaltyPoints": 12.0 },
    });
    assert_eq!(callback.body["errors"], object!([error]));
    assert_eq!(callback.body["progress"]["rejectedRecords"], 1);
    let held = platform
        .simulator
        .extension_records("customer-profiles")
        .unwrap();
    assert_eq!(held.len(), 2);
}

#[tokio::test]
async fn a_page_that_is_not_what_its_digest_says_fails_the_sync() {
    let platform = hasty().await;
    let source = Source::start(profiles(3), Form::WrongDigest, &[]).await;
    let callback = callback(&platform, &source).await;
    assert_eq!(callback.body["status"], "FAILED");
    assert_eq!(callback.body["errors"][0]["type"], "SOURCE_UNAVAILABLE");
    assert_eq!(
        platform
            .simulator
            .extension_records("customer-profiles")
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn a_source_that_is_down_for_a_moment_is_asked_again() {
    let platform = hasty().await;
    let source = Source::start(profiles(3), Form::Array, &[503, 429]).await;
    assert_eq!(
        callback(&platform, &source).await.body["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_source_that_refuses_the_credentials_fails_the_sync_at_once() {
    let platform = hasty().await;
    let source = Source::start(profiles(3), Form::Array, &[401]).await;
    let callback = callback(&platform, &source).await;
    assert_eq!(
        callback.body["errors"][0]["message"],
        "answered 401 Unauthorized"
    );
    assert_eq!(source.queries().len(), 1);
}

#[tokio::test]
async fn an_extension_that_is_full_fails_the_sync() {
    let extension_storage = 200;
    let platform = Platform::start(Options {
        extension_storage,
        ..Options::default()
    })
    .await;
    let source = Source::start(profiles(10), Form::Array, &[]).await;
    let callback = callback(&platform, &source).await;
    assert_eq!(callback.body["errors"][0]["type"], "STORAGE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn the_status_is_what_the_callback_says() {
    let platform = usual().await;
    let source = Source::start(profiles(3), Form::Array, &[]).await;
    let callback = callback(&platform, &source).await;
    let status = platform
        .read(&format!("{PATH}/{}/status", callback.id))
        .await;
    assert_eq!(status, callback.body);
}

#[tokio::test]
async fn a_callback_is_made_until_it_is_heard() {
    let platform = hasty().await;
    platform.simulator.plan("/webhook", 2, Fault::status(404));
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    begin(&platform, &source, &platform.url("/webhook/cxone-sync")).await;
    delivered(&platform, 1).await;
    let statuses: Vec<_> = platform
        .simulator
        .callbacks()
        .iter()
        .map(|attempt| attempt.status)
        .collect();
    assert_eq!(statuses, [Some(404), Some(404), Some(200)]);
}

#[tokio::test]
async fn a_callback_can_come_twice() {
    let platform = usual().await;
    platform.simulator.plan(PATH, 1, Fault::DuplicateCallback);
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    begin(&platform, &source, &platform.url("/webhook/cxone-sync")).await;
    let delivered = delivered(&platform, 2).await;
    assert_eq!(delivered[0].body, delivered[1].body);
}

#[tokio::test]
async fn a_late_callback_is_overtaken_by_the_next() {
    let late_callback_wait = Duration::from_secs(3600);
    let platform = Platform::start(Options {
        late_callback_wait,
        ..Options::default()
    })
    .await;
    platform.simulator.plan(PATH, 1, Fault::LateCallback);
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    let first = begin(&platform, &source, &platform.url("/webhook/first")).await;
    let status = format!("{PATH}/{first}/status");
    while platform.read(&status).await["status"] == "RUNNING" {}
    let second = begin(&platform, &source, &platform.url("/webhook/second")).await;
    let order: Vec<String> = delivered(&platform, 2)
        .await
        .into_iter()
        .map(|callback| callback.id)
        .collect();
    assert_eq!(order, [second, first]);
}

#[tokio::test]
async fn a_late_callback_that_nothing_overtakes_comes_in_the_end() {
    let late_callback_wait = Duration::from_millis(1);
    let platform = Platform::start(Options {
        late_callback_wait,
        ..Options::default()
    })
    .await;
    platform.simulator.plan(PATH, 1, Fault::LateCallback);
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    assert_eq!(
        callback(&platform, &source).await.body["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn right_records_can_be_found_wrong_until_they_are_sent_again() {
    let platform = usual().await;
    platform
        .simulator
        .plan(PATH, 2, Fault::RejectRecords { count: 2 });
    let source = Source::start(profiles(3), Form::Array, &[]).await;
    let first = callback(&platform, &source).await;
    assert_eq!(first.body["progress"]["rejectedRecords"], 2);
    let again = Source::start(profiles(2), Form::Array, &[]).await;
    begin(&platform, &again, &platform.url("/webhook/cxone-sync")).await;
    let second = delivered(&platform, 2).await.remove(1);
    assert_eq!(second.body["status"], "COMPLETED");
    assert_eq!(
        platform
            .simulator
            .extension_records("customer-profiles")
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn a_sync_that_is_planned_to_fail_fails() {
    let platform = usual().await;
    platform.simulator.plan(PATH, 1, Fault::Fail);
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    assert_eq!(callback(&platform, &source).await.body["status"], "FAILED");
}

#[tokio::test]
async fn callbacks_are_signed_if_there_is_a_secret() {
    let webhook_secret = Some("secret".into());
    let platform = Platform::start(Options {
        webhook_secret,
        ..Options::default()
    })
    .await;
    let source = Source::start(profiles(1), Form::Array, &[]).await;
    callback(&platform, &source).await;
    let requests = platform.simulator.requests();
    let received = requests
        .iter()
        .find(|request| request.path.starts_with("/webhook"))
        .unwrap();
    let signature = &received.headers["x-webhook-signature"];
    assert_eq!(signature.len(), "sha256=".len() + 64);
}
