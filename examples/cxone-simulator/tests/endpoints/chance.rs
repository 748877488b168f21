use cxone_simulator::{FaultRates, Options};
use reqwest::StatusCode;
use serde_json::json as object;

use super::platform::{ACTION_PATH, Platform, json, until, usual};

async fn unlucky(rates: FaultRates) -> Platform {
    let fault_rates = Some(rates);
    Platform::start(Options {
        fault_rates,
        ..Options::default()
    })
    .await
}

/// Rates that spare the token endpoint.
fn of_the_api(rates: FaultRates) -> FaultRates {
    FaultRates {
        path: "/api".into(),
        retry_after_seconds: 0,
        slow_milliseconds: 1,
        ..rates
    }
}

/// What becomes of so many requests for one thing: the status, or 0 where the answer does not arrive whole.
async fn fates(platform: &Platform, path: &str, requests: u32) -> Vec<u16> {
    let token = platform.token().await;
    let mut fates = Vec::new();
    for _ in 0..requests {
        let answer = platform.get(path, &token).await;
        let status = answer.status().as_u16();
        let whole = answer
            .text()
            .await
            .is_ok_and(|text| text.parse::<serde_json::Value>().is_ok());
        fates.push(if whole { status } else { 0 });
    }
    fates
}

#[tokio::test]
async fn the_same_seed_has_the_same_faults() {
    let rates = of_the_api(FaultRates::every(0.15, 7));
    let first = fates(&unlucky(rates.clone()).await, ACTION_PATH, 60).await;
    let second = fates(&unlucky(rates).await, ACTION_PATH, 60).await;
    assert_eq!(first, second);
    let other = of_the_api(FaultRates::every(0.15, 8));
    assert_ne!(fates(&unlucky(other).await, ACTION_PATH, 60).await, first);
}

#[tokio::test]
async fn what_meets_one_path_does_not_depend_on_requests_for_another() {
    let rates = of_the_api(FaultRates::every(0.15, 7));
    let alone = fates(&unlucky(rates.clone()).await, ACTION_PATH, 30).await;
    let together = unlucky(rates).await;
    fates(&together, "/api/v2/data-actions/another", 10).await;
    assert_eq!(fates(&together, ACTION_PATH, 30).await, alone);
}

#[tokio::test]
async fn every_kind_of_fault_strikes() {
    let rates = of_the_api(FaultRates::every(0.15, 7));
    let fates = fates(&unlucky(rates).await, ACTION_PATH, 200).await;
    for status in [0, 200, 429, 500, 502, 503, 504] {
        assert!(fates.contains(&status), "{status}");
    }
}

#[tokio::test]
async fn who_tries_three_times_gets_through() {
    let certain = FaultRates {
        server_error: 1.0,
        ..FaultRates::default()
    };
    let platform = unlucky(of_the_api(certain)).await;
    let fates = fates(&platform, ACTION_PATH, 6).await;
    assert_eq!(
        fates
            .iter()
            .map(|status| *status == 200)
            .collect::<Vec<_>>(),
        [false, false, true, false, false, true]
    );
}

#[tokio::test]
async fn rates_can_be_set_and_ended_from_outside() {
    let platform = usual().await;
    let put = platform.client.put(platform.url("/__faults/rates"));
    let put = put
        .header("content-type", "application/json")
        .body(r#"{"seed":3,"server-error":1.0,"path":"/api"}"#);
    assert_eq!(put.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(fates(&platform, ACTION_PATH, 1).await[0] >= 500);
    let delete = platform.client.delete(platform.url("/__faults"));
    delete.send().await.unwrap();
    assert_eq!(fates(&platform, ACTION_PATH, 1).await, [200]);
}

#[tokio::test]
async fn rates_that_are_none_are_refused() {
    let platform = usual().await;
    let put = platform.client.put(platform.url("/__faults/rates"));
    let put = put
        .header("content-type", "application/json")
        .body(r#"{"cut":1.5}"#);
    let answer = put.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        json(answer).await["error_description"],
        "cut: 1.5 is not a rate from 0 to 1"
    );
}

#[tokio::test]
async fn an_export_drifts_by_chance_somewhere_in_its_middle() {
    let platform = unlucky(FaultRates {
        drift: 1.0,
        ..FaultRates::default()
    })
    .await;
    let body = object!({ "report_id": "report", "format": "json" });
    let export = json(platform.post("/api/v2/data-actions/exports", &body).await).await;
    let records = format!(
        "/api/v2/data-actions/exports/{}/records",
        export["id"].as_str().unwrap()
    );
    let shape = |record: &serde_json::Value| {
        let members = record.as_object().unwrap().iter();
        members
            .map(|(name, value)| format!("{name}{}", value.is_string()))
            .collect::<Vec<_>>()
    };
    let first = platform
        .read(&format!("{records}?limit=3000&offset=0"))
        .await;
    let last = platform
        .read(&format!("{records}?limit=3000&offset=9000"))
        .await;
    let (first, last) = (first.as_array().unwrap(), last.as_array().unwrap());
    assert!(first.iter().all(|record| shape(record) == shape(&first[0])));
    assert!(last.iter().all(|record| shape(record) != shape(&first[0])));
}

#[tokio::test]
async fn what_starts_under_bad_luck_ends_all_the_same() {
    let rates = FaultRates {
        path: "/webhook".into(),
        duplicate_callback: 1.0,
        server_error: 1.0,
        ..FaultRates::default()
    };
    let platform = Platform::start(Options {
        fault_rates: Some(rates),
        outbound_first_wait: std::time::Duration::from_millis(1),
        ..Options::default()
    })
    .await;
    let schedule = object!({
        "reportId": "report_1", "name": "Daily", "frequency": "daily", "time": "02:00", "outputFormat": "csv",
        "deliveryMethod": "webhook", "deliveryUrl": "https://bi.example.com/webhook/delivery", "incremental": true,
        "compression": "gzip", "partitionBy": "date",
    });
    let made = json(
        platform
            .post("/api/v2/reporting/schedules", &schedule)
            .await,
    )
    .await;
    let path = format!(
        "/api/v2/reporting/schedules/{}/executions",
        made["id"].as_str().unwrap()
    );
    for _ in 0..4 {
        platform.read(&path).await;
    }
    let heard = || {
        platform
            .simulator
            .callbacks()
            .iter()
            .filter(|attempt| attempt.status == Some(200))
            .count()
    };
    until(|| heard() == 2).await;
    let delivery = platform.simulator.effects().pop().unwrap();
    assert_eq!((delivery.performed, delivery.repeated), (1, 1));
}

#[tokio::test]
async fn who_tries_again_with_one_key_has_one_effect_whatever_goes_wrong() {
    for seed in 0..20 {
        let platform = unlucky(of_the_api(FaultRates::every(0.15, seed))).await;
        let body = object!({ "report_id": "report", "format": "json" });
        let request = platform
            .post_request("/api/v2/data-actions/exports", &body)
            .await;
        let request = request.header("idempotency-key", "key");
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = request.try_clone().unwrap().send().await.unwrap();
            let created = answer.status() == StatusCode::CREATED;
            let text = answer.text().await.unwrap_or_default();
            if created && text.parse::<serde_json::Value>().is_ok() {
                break;
            }
        }
        assert!(tries <= 3, "seed {seed}: {tries} tries");
        assert_eq!(platform.simulator.effects()[0].performed, 1);
    }
}
