use cxone_simulator::{Drift, DriftChange, Fault, Options};
use reqwest::StatusCode;
use serde_json::{Value, json as object};

use super::platform::{Platform, is_forbidden_without, json, usual};

const PATH: &str = "/api/v2/data-actions/exports";

fn request() -> Value {
    object!({ "report_id": "DEFAULT_ANALYTICS_EXPORT", "format": "json" })
}

/// Begins an export and answers its path.
async fn export(platform: &Platform) -> String {
    let answer = platform.post(PATH, &request()).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    format!("{PATH}/{}", json(answer).await["id"].as_str().unwrap())
}

async fn records(platform: &Platform, export: &str, limit: u64, offset: u64) -> Vec<Value> {
    let path = format!("{export}/records?limit={limit}&offset={offset}");
    platform.read(&path).await.as_array().unwrap().clone()
}

async fn status(platform: &Platform, path: &str) -> StatusCode {
    platform.get(path, &platform.token().await).await.status()
}

#[tokio::test]
async fn records_come_in_chunks_until_an_empty_one() {
    let platform = usual().await;
    let export = export(&platform).await;
    let mut lengths = Vec::new();
    for offset in [0, 5_000, 10_000, 12_000] {
        lengths.push(records(&platform, &export, 5_000, offset).await.len());
    }
    assert_eq!(lengths, [5_000, 5_000, 2_000, 0]);
}

#[tokio::test]
async fn chunks_join_without_a_gap_however_they_are_cut() {
    let platform = usual().await;
    let export = export(&platform).await;
    let whole = records(&platform, &export, 100, 50).await;
    let mut joined = records(&platform, &export, 30, 50).await;
    joined.extend(records(&platform, &export, 70, 80).await);
    assert_eq!(joined, whole);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_records() {
    let (first, second) = (usual().await, usual().await);
    let (one, two) = (export(&first).await, export(&second).await);
    assert_eq!(
        records(&first, &one, 10, 0).await,
        records(&second, &two, 10, 0).await
    );
}

#[tokio::test]
async fn a_completed_export_says_how_many_records_it_has() {
    let platform = usual().await;
    let export = export(&platform).await;
    let description = platform.read(&export).await;
    assert_eq!(description["status"], "completed");
    assert_eq!(description["record_count"], 12_000);
}

#[tokio::test]
async fn an_export_that_takes_steps_has_its_records_after_them() {
    let export_steps = 2;
    let platform = Platform::start(Options {
        export_steps,
        ..Options::default()
    })
    .await;
    let export = export(&platform).await;
    let path = format!("{export}/records?limit=1&offset=0");
    let early = platform.get(&path, &platform.token().await).await;
    assert_eq!(early.status(), StatusCode::CONFLICT);
    assert_eq!(json(early).await["error"], "export_not_ready");
    assert_eq!(platform.read(&export).await["status"], "running");
    assert_eq!(records(&platform, &export, 1, 0).await.len(), 1);
}

#[tokio::test]
async fn an_export_that_is_planned_to_fail_has_no_records() {
    let platform = usual().await;
    platform.simulator.plan(PATH, 1, Fault::Fail);
    let export = export(&platform).await;
    assert_eq!(platform.read(&export).await["status"], "failed");
    let path = format!("{export}/records");
    assert_eq!(status(&platform, &path).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_export_can_exist_from_the_start() {
    let exports = vec!["yesterday".into()];
    let platform = Platform::start(Options {
        exports,
        ..Options::default()
    })
    .await;
    assert_eq!(
        records(&platform, &format!("{PATH}/yesterday"), 10, 0)
            .await
            .len(),
        10
    );
}

#[tokio::test]
async fn records_drift_where_it_is_planned() {
    let platform = usual().await;
    let drift = Drift {
        offset: 7_000,
        change: DriftChange::Missing,
    };
    platform.simulator.plan(PATH, 1, Fault::Drift(drift));
    let export = export(&platform).await;
    let around = records(&platform, &export, 2, 6_999).await;
    assert!(around[0].get("sentiment").is_some());
    assert!(around[1].get("sentiment").is_none());
}

#[tokio::test]
async fn limits_outside_their_range_are_refused() {
    let platform = usual().await;
    let export = export(&platform).await;
    for query in ["limit=0", "limit=10001", "limit=many", "offset=-1"] {
        let path = format!("{export}/records?{query}");
        assert_eq!(
            status(&platform, &path).await,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_export_needs_a_report_and_a_format() {
    let platform = usual().await;
    let refused = platform
        .fields_refused(PATH, &object!({ "format": "parquet" }))
        .await;
    assert_eq!(refused, ["report_id", "format"]);
}

#[tokio::test]
async fn an_export_that_does_not_exist_is_not_found() {
    let platform = usual().await;
    for path in [format!("{PATH}/another"), format!("{PATH}/another/records")] {
        assert_eq!(status(&platform, &path).await, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn each_request_asks_for_its_scope() {
    is_forbidden_without("data-actions:export", PATH, Some(&request())).await;
    is_forbidden_without("data-actions:read", &format!("{PATH}/any"), None).await;
    is_forbidden_without("data-actions:read", &format!("{PATH}/any/records"), None).await;
}
