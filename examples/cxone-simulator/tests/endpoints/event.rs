use reqwest::StatusCode;
use serde_json::{Value, json as object};

use super::platform::{is_forbidden_without, json, usual};

const PATH: &str = "/api/v2/events/stream";

fn health() -> Value {
    object!({
        "eventType": "CXONE_EXTENSION_HEALTH",
        "data": {
            "extensionId": "customer-profiles",
            "syncLatencyMs": 1_200,
            "rejectionRatePercent": 1.5,
            "healthScore": "HEALTHY",
            "reportedAt": "2025-01-31T12:00:00.000Z",
        },
    })
}

#[tokio::test]
async fn the_health_of_an_extension_is_accepted() {
    let platform = usual().await;
    let answer = platform.post(PATH, &health()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(json(answer).await["eventId"].is_string());
}

#[tokio::test]
async fn health_that_makes_no_sense_is_refused() {
    let platform = usual().await;
    for (member, wrong) in [
        ("extensionId", object!("another")),
        ("syncLatencyMs", object!(-1)),
        ("rejectionRatePercent", object!(101)),
        ("healthScore", object!("FINE")),
        ("reportedAt", object!("today")),
    ] {
        let mut event = health();
        event["data"][member] = wrong;
        assert_eq!(
            platform.fields_refused(PATH, &event).await,
            ["data"],
            "{member}"
        );
    }
}

#[tokio::test]
async fn events_of_other_kinds_are_accepted_as_they_are() {
    let platform = usual().await;
    let answer = platform
        .post(PATH, &object!({ "eventType": "OTHER", "data": {} }))
        .await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_event_asks_for_its_scope() {
    is_forbidden_without("data:write", PATH, Some(&health())).await;
}
