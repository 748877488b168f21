use std::collections::HashSet;

use cxone_simulator::{Fault, Options};
use reqwest::StatusCode;
use serde_json::{Value, json as object};

use super::platform::{Platform, is_forbidden_without, usual};

const PATH: &str = "/api/v2/reporting/analytics";

fn query() -> Value {
    object!({
        "reportType": "journey",
        "metric": ["journeyCompletionRate", "journeyDropOffRate"],
        "dimension": ["journeyId", "date"],
        "filter": {},
        "timeGroupBy": "day",
        "dateFrom": "2025-01-01",
        "dateTo": "2025-01-10",
        "limit": 100,
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut query = query();
    query[member] = value;
    query
}

/// Makes a query and answers where its result will be.
async fn location(platform: &Platform, query: &Value) -> String {
    let answer = platform.post(PATH, query).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// All pages of the result, put together, and how many there were.
async fn result(platform: &Platform, query: &Value) -> (Vec<Value>, usize) {
    let path = location(platform, query).await;
    let token = platform.token().await;
    while platform.get(&path, &token).await.status() == StatusCode::ACCEPTED {}
    let mut page = platform.read(&path).await;
    let mut rows = page["data"].as_array().unwrap().clone();
    let mut pages = 1;
    while let Some(next) = page["nextPageToken"].as_str() {
        page = platform.read(&format!("{path}?nextPageToken={next}")).await;
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        pages += 1;
    }
    assert_eq!(page["totalCount"], rows.len());
    (rows, pages)
}

#[tokio::test]
async fn a_result_is_there_after_some_polls() {
    let platform = usual().await;
    let path = location(&platform, &query()).await;
    let token = platform.token().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(platform.get(&path, &token).await.status().as_u16());
    }
    assert_eq!(statuses, [202, 202, 200]);
}

#[tokio::test]
async fn a_location_can_be_a_whole_url() {
    let absolute_locations = true;
    let platform = Platform::start(Options {
        absolute_locations,
        ..Options::default()
    })
    .await;
    let location = location(&platform, &query()).await;
    assert!(location.starts_with(&platform.url(PATH)), "{location}");
}

#[tokio::test]
async fn a_row_has_the_dimensions_and_the_metrics() {
    let platform = usual().await;
    let (rows, _) = result(&platform, &query()).await;
    for row in rows {
        let members: HashSet<&str> = row
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let expected = [
            "date",
            "journeyCompletionRate",
            "journeyDropOffRate",
            "journeyId",
        ];
        assert_eq!(members, expected.into());
    }
}

#[tokio::test]
async fn pages_hold_as_many_rows_as_asked_for_and_no_row_twice() {
    let platform = usual().await;
    let (rows, pages) = result(&platform, &query()).await;
    assert_eq!(pages, rows.len().div_ceil(100));
    let distinct: HashSet<String> = rows.iter().map(Value::to_string).collect();
    assert_eq!(distinct.len(), rows.len());
}

#[tokio::test]
async fn a_day_without_data_is_missing_for_all_journeys() {
    let platform = usual().await;
    let (rows, _) = result(&platform, &with("dateTo", object!("2025-12-31"))).await;
    let days: HashSet<&str> = rows
        .iter()
        .map(|row| row["date"].as_str().unwrap())
        .collect();
    assert!((340..365).contains(&days.len()), "{}", days.len());
    assert_eq!(rows.len(), days.len() * 40);
}

#[tokio::test]
async fn some_values_are_null_and_some_lie_far_from_the_others() {
    let platform = usual().await;
    let mut query = with("dateTo", object!("2025-03-31"));
    query["limit"] = object!(10_000);
    let (rows, _) = result(&platform, &query).await;
    let rates = rows.iter().map(|row| row["journeyCompletionRate"].as_f64());
    let nulls = rates.clone().filter(Option::is_none).count();
    let outliers = rates.flatten().filter(|rate| *rate < 0.3).count();
    assert!((5..40).contains(&nulls), "{nulls}");
    assert!((15..70).contains(&outliers), "{outliers}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_rows() {
    let (first, _) = result(&usual().await, &query()).await;
    let (second, _) = result(&usual().await, &query()).await;
    assert_eq!(first, second);
    let other = Platform::start(Options {
        seed: 2,
        ..Options::default()
    })
    .await;
    assert_ne!(result(&other, &query()).await.0, first);
}

#[tokio::test]
async fn a_filter_leaves_what_it_names() {
    let platform = usual().await;
    let filter = object!({ "journeyId": ["journey-0001", "journey-0002"] });
    let (rows, _) = result(&platform, &with("filter", filter)).await;
    let journeys: HashSet<&str> = rows
        .iter()
        .map(|row| row["journeyId"].as_str().unwrap())
        .collect();
    assert_eq!(journeys, ["journey-0001", "journey-0002"].into());
}

#[tokio::test]
async fn weeks_begin_on_monday() {
    let platform = usual().await;
    let (rows, _) = result(&platform, &with("timeGroupBy", object!("week"))).await;
    let weeks: HashSet<&str> = rows
        .iter()
        .map(|row| row["date"].as_str().unwrap())
        .collect();
    assert_eq!(weeks, ["2024-12-30", "2025-01-06"].into());
}

#[tokio::test]
async fn each_limit_is_kept() {
    let platform = usual().await;
    let five = ["journeyId", "date", "channel", "segment", "region"];
    let eleven = [
        "journeyCompletionRate",
        "journeyDropOffRate",
        "journeyStarts",
        "journeyCompletions",
        "journeyDropOffs",
        "journeyConversions",
        "averageDurationSeconds",
        "averageSteps",
        "averageWaitSeconds",
        "escalationRate",
        "satisfactionScore",
    ];
    for (member, wrong) in [
        ("dimension", object!(five)),
        ("metric", object!(eleven)),
        ("limit", object!(0)),
        ("limit", object!(10_001)),
        ("dimension", object!(["journey"])),
        ("metric", object!(["completion"])),
        ("metric", object!([])),
        ("timeGroupBy", object!("decade")),
        ("dateFrom", object!("yesterday")),
        ("dateTo", object!("2024-12-31")),
        ("filter", object!({ "agent": "1" })),
    ] {
        let refused = platform
            .fields_refused(PATH, &with(member, wrong.clone()))
            .await;
        assert_eq!(refused, [member], "{wrong}");
    }
}

#[tokio::test]
async fn as_much_as_the_limits_allow_is_accepted() {
    let platform = usual().await;
    let mut query = with(
        "dimension",
        object!(["journeyId", "date", "channel", "segment"]),
    );
    query["limit"] = object!(10_000);
    location(&platform, &query).await;
}

#[tokio::test]
async fn a_query_that_is_planned_to_fail_says_so() {
    let platform = usual().await;
    platform.simulator.plan(PATH, 1, Fault::Fail);
    let path = location(&platform, &query()).await;
    let token = platform.token().await;
    while platform.get(&path, &token).await.status() == StatusCode::ACCEPTED {}
    assert_eq!(platform.read(&path).await["status"], "failed");
}

#[tokio::test]
async fn only_so_many_queries_run_at_once() {
    let concurrent_queries = Some(1);
    let platform = Platform::start(Options {
        concurrent_queries,
        ..Options::default()
    })
    .await;
    let path = location(&platform, &query()).await;
    let second = with("limit", object!(1));
    let refused = platform.post(PATH, &second).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let token = platform.token().await;
    while platform.get(&path, &token).await.status() == StatusCode::ACCEPTED {}
    location(&platform, &second).await;
}

#[tokio::test]
async fn a_page_that_does_not_exist_is_refused() {
    let platform = usual().await;
    let path = location(&platform, &query()).await;
    let token = platform.token().await;
    while platform.get(&path, &token).await.status() == StatusCode::ACCEPTED {}
    let answer = platform
        .get(&format!("{path}?nextPageToken=9"), &token)
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_query_that_does_not_exist_is_not_found() {
    let platform = usual().await;
    let answer = platform
        .get(&format!("{PATH}/another"), &platform.token().await)
        .await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_request_asks_for_its_scopes() {
    for scope in ["reporting:analytics:read", "journeys:read"] {
        is_forbidden_without(scope, PATH, Some(&query())).await;
        is_forbidden_without(scope, &format!("{PATH}/any"), None).await;
    }
}
