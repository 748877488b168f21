use reqwest::StatusCode;
use serde_json::{Value, json as object};

use super::platform::{is_forbidden_without, json, usual};

const EXTENSION: &str = "/api/v2/data/extensions/customer-profiles";
const PATH: &str = "/api/v2/data/extensions/customer-profiles/sync";

fn sync() -> Value {
    object!({
        "extensionId": "customer-profiles",
        "sourceType": "REST",
        "sourceEndpoint": "http://127.0.0.1:9/records",
        "fieldMappings": ["customerId", { "source": "name", "target": "fullName", "type": "string" }],
        "syncMode": "INCREMENTAL",
        "webhookUrl": "http://127.0.0.1:9/webhook",
        "options": { "maxBatchSize": 5000, "retryOnConflict": true, "nullValueHandling": "SET_NULL" },
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut sync = sync();
    sync[member] = value;
    sync
}

#[tokio::test]
async fn a_schema_lists_names_and_types() {
    let platform = usual().await;
    let schema = platform.read(&format!("{EXTENSION}/schema")).await;
    assert_eq!(
        schema["fields"][0],
        object!({ "name": "customerId", "type": "string" })
    );
    assert_eq!(
        schema["fields"][5],
        object!({ "name": "lastContact", "type": "date" })
    );
    assert_eq!(schema["maxFieldLength"], 255);
    assert_eq!(schema["storageLimitMb"], 1024);
}

#[tokio::test]
async fn an_extension_that_does_not_exist_is_not_found() {
    let platform = usual().await;
    let path = "/api/v2/data/extensions/another/schema";
    let answer = platform.get(path, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_sync_is_accepted() {
    let platform = usual().await;
    let answer = platform.post(PATH, &sync()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(json(answer).await["syncJobId"].is_string());
}

#[tokio::test]
async fn each_rule_is_kept() {
    let platform = usual().await;
    let usual_options = sync()["options"].take();
    let option = |name: &str, value: Value| {
        let mut options = usual_options.clone();
        options[name] = value;
        options
    };
    for (member, wrong) in [
        ("extensionId", object!("another")),
        ("sourceType", object!("FTP")),
        ("sourceEndpoint", object!("records")),
        ("syncMode", object!("FULL")),
        ("webhookUrl", object!("ftp://127.0.0.1/")),
        ("options", option("maxBatchSize", object!(5001))),
        ("options", option("maxBatchSize", object!(0))),
        ("options", option("retryOnConflict", object!("yes"))),
        ("options", option("nullValueHandling", object!("DROP"))),
        ("fieldMappings", object!([])),
        ("fieldMappings", object!(["customerId", "age"])),
        ("fieldMappings", object!(["customerId", "vip", "vip"])),
        (
            "fieldMappings",
            object!(["customerId", { "source": "vip" }]),
        ),
        ("fieldMappings", object!(["vip"])),
        (
            "fieldMappings",
            object!(["customerId", { "source": "vip", "target": "vip", "type": "string" }]),
        ),
    ] {
        let refused = platform
            .fields_refused(PATH, &with(member, wrong.clone()))
            .await;
        assert_eq!(refused, [member], "{wrong}");
    }
}

#[tokio::test]
async fn a_payload_is_taken_if_its_digest_is_right() {
    let platform = usual().await;
    // Of sync(), its members sorted and nothing between the tokens.
    let canonical = sync().to_string();
    let digest = sha256(&canonical);
    let request = platform.post_request(PATH, &sync()).await;
    let answer = request
        .header("x-payload-sha256", digest)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_payload_is_refused_if_its_digest_is_wrong() {
    let platform = usual().await;
    let request = platform.post_request(PATH, &sync()).await;
    let answer = request
        .header("x-payload-sha256", sha256(""))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(answer).await["error"], "payload_digest_mismatch");
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn each_request_asks_for_its_scopes() {
    is_forbidden_without("data:read", &format!("{EXTENSION}/schema"), None).await;
    is_forbidden_without("data:sync", PATH, Some(&sync())).await;
    is_forbidden_without("data:write", PATH, Some(&sync())).await;
    is_forbidden_without("data:read", &format!("{PATH}/any/status"), None).await;
}
