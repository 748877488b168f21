use cxone_simulator::{Fault, Options};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json as object};

use super::platform::{Platform, json, usual};

const PATH: &str = "/api/v2/data-actions/exports";

async fn export(platform: &Platform, report: &str, key: &str) -> reqwest::Result<Response> {
    let body = object!({ "report_id": report, "format": "json" });
    let request = platform.post_request(PATH, &body).await;
    request.header("idempotency-key", key).send().await
}

async fn id(answer: Response) -> Value {
    json(answer).await["id"].take()
}

#[tokio::test]
async fn a_request_with_a_known_key_gets_the_earlier_answer_without_effect() {
    let platform = usual().await;
    let first = id(export(&platform, "report", "key").await.unwrap()).await;
    let again = export(&platform, "report", "key").await.unwrap();
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(id(again).await, first);
    let effect = platform.simulator.effects().remove(0);
    assert_eq!((effect.performed, effect.repeated), (1, 1));
}

#[tokio::test]
async fn another_key_is_another_effect() {
    let platform = usual().await;
    let first = id(export(&platform, "report", "one").await.unwrap()).await;
    let second = id(export(&platform, "report", "two").await.unwrap()).await;
    assert_ne!(first, second);
    assert_eq!(platform.simulator.effects().len(), 2);
}

#[tokio::test]
async fn a_key_belongs_to_one_body() {
    let platform = usual().await;
    export(&platform, "report", "key").await.unwrap();
    let other = export(&platform, "another", "key").await.unwrap();
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(platform.simulator.effects()[0].conflicting, 1);
}

#[tokio::test]
async fn a_request_without_a_key_has_its_effect_each_time() {
    let platform = usual().await;
    let body = object!({ "report_id": "report", "format": "json" });
    let first = id(platform.post(PATH, &body).await).await;
    let second = id(platform.post(PATH, &body).await).await;
    assert_ne!(first, second);
    assert_eq!(platform.simulator.effects()[0].performed, 2);
}

#[tokio::test]
async fn keys_can_be_ignored() {
    let idempotency_keys_honoured = false;
    let platform = Platform::start(Options {
        idempotency_keys_honoured,
        ..Options::default()
    })
    .await;
    for _ in 0..2 {
        export(&platform, "report", "key").await.unwrap();
    }
    assert_eq!(platform.simulator.effects()[0].performed, 2);
}

#[tokio::test]
async fn a_request_that_is_refused_has_no_effect() {
    let platform = usual().await;
    platform.post(PATH, &object!({})).await;
    assert_eq!(platform.simulator.effects(), []);
}

#[tokio::test]
async fn an_effect_stays_when_its_answer_is_lost() {
    for fault in [Fault::Cut, Fault::Malformed, Fault::AnswerLost] {
        let platform = usual().await;
        platform.simulator.plan(PATH, 1, fault);
        for _ in 0..2 {
            export(&platform, "report", "key").await.unwrap();
        }
        let effect = platform.simulator.effects().remove(0);
        assert_eq!((effect.performed, effect.repeated), (1, 1));
    }
}

#[tokio::test]
async fn effects_are_summed_up() {
    let platform = usual().await;
    export(&platform, "report", "key").await.unwrap();
    export(&platform, "report", "key").await.unwrap();
    let body = object!({ "report_id": "report", "format": "json" });
    platform.post(PATH, &body).await;
    platform.post(PATH, &body).await;
    let sums = platform.read("/__effects").await;
    let sum = |name: &str| sums[name].as_u64().unwrap();
    assert_eq!(
        (
            sum("distinct"),
            sum("performed"),
            sum("doubled"),
            sum("repeated")
        ),
        (2, 3, 1, 1)
    );
}
