use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::{Host, problem, read};

const SYNC: &str = r#"
[triggers.sync]
type = "webhook"
path = "/webhook/cxone-sync"
correlation = "/syncJobId"
"#;

const PATH: &str = "/webhook/cxone-sync";
const BODY: &str = r#"{"syncJobId":"sync_1","status":"COMPLETED"}"#;

async fn host(options: &str) -> Host {
    let host = Host::start(&format!("{SYNC}{options}")).await;
    host.jobs.expect("sync", "sync_1");
    host
}

fn signature(body: &str, key: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digest = mac.finalize().into_bytes();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

#[tokio::test]
async fn a_callback_reaches_the_job_that_expects_it() {
    let host = host("").await;
    let response = host.post(PATH, BODY).send().await.unwrap();
    assert_eq!(read(response).await, (200, json!({ "acknowledged": true })));
    let callbacks = host.jobs.callbacks();
    assert_eq!(callbacks[0].correlation, "sync_1");
    assert_eq!(callbacks[0].payload, BODY.as_bytes());
}

#[tokio::test]
async fn a_callback_that_nobody_expects_is_unknown() {
    let host = host("").await;
    let response = host
        .post(PATH, r#"{"syncJobId":"sync_2"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await, (404, "unknown-callback".into()));
}

#[tokio::test]
async fn the_same_body_again_is_the_same_callback() {
    let host = host("").await;
    host.post(PATH, BODY).send().await.unwrap();
    let response = host.post(PATH, BODY).send().await.unwrap();
    assert_eq!(
        read(response).await,
        (200, json!({ "acknowledged": true, "repeated": true }))
    );
    assert_eq!(host.jobs.callbacks().len(), 1);
}

#[tokio::test]
async fn a_delivery_header_tells_callbacks_of_the_same_body_apart() {
    let host = host("delivery-header = \"X-Delivery-Id\"").await;
    for delivery in ["a", "a", "b"] {
        let request = host.post(PATH, BODY).header("x-delivery-id", delivery);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(host.jobs.callbacks().len(), 2);
}

#[tokio::test]
async fn a_body_that_does_not_say_what_it_is_about_is_refused() {
    let host = host("").await;
    for (body, code) in [
        ("{}", "no-correlation"),
        (r#"{"syncJobId":null}"#, "no-correlation"),
        ("[]", "no-correlation"),
        ("sync_1", "malformed-json"),
        ("", "malformed-json"),
    ] {
        let response = host.post(PATH, body).send().await.unwrap();
        assert_eq!(problem(response).await, (400, code.into()), "{body}");
    }
}

#[tokio::test]
async fn a_signature_is_that_of_the_body_by_the_right_key() {
    let host = host("signature = { header = \"X-Signature\", secret = { env = \"TOKEN\" } }").await;
    let right = signature(BODY, "correct horse");
    let request = host.post(PATH, BODY).header("x-signature", &right);
    assert_eq!(request.send().await.unwrap().status(), 200);
    for wrong in [
        signature(BODY, "wrong horse"),
        signature("{}", "correct horse"),
        right.replace("sha256=", ""),
        right.replace("sha256=", "sha256=00"),
        "sha256=".into(),
        "sha256=xyz".into(),
    ] {
        let request = host.post(PATH, BODY).header("x-signature", &wrong);
        let response = request.send().await.unwrap();
        assert_eq!(
            problem(response).await,
            (401, "wrong-signature".into()),
            "{wrong}"
        );
    }
    let unsigned = host.post(PATH, BODY).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(host.jobs.callbacks().len(), 1);
}
