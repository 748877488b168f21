use reqwest::{RequestBuilder, StatusCode};
use serde_json::json as object;

use super::platform::{Platform, usual};

async fn put(platform: &Platform, content: &'static str) -> RequestBuilder {
    platform
        .client
        .put(platform.url("/lake/exports/7/0.json"))
        .body(content)
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_webhook_is_received_with_its_headers_and_without_a_token() {
    let platform = usual().await;
    let post = platform
        .client
        .post(platform.url("/api/v1/refresh/cxone-export"));
    let post = post
        .header("content-type", "application/json")
        .header("x-source", "CXone-Scheduler")
        .body(object!({ "status": "completed" }).to_string());
    assert_eq!(status(post).await, StatusCode::OK);
    let received = &platform.simulator.requests()[0];
    assert_eq!(received.headers["x-source"], "CXone-Scheduler");
    assert_eq!(received.body, r#"{"status":"completed"}"#);
}

#[tokio::test]
async fn a_webhook_that_is_not_json_is_refused() {
    let platform = usual().await;
    let post = platform.client.post(platform.url("/webhook/any"));
    let post = post.header("content-type", "application/json").body("{");
    assert_eq!(status(post).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_object_can_be_read_as_it_was_put() {
    let platform = usual().await;
    assert_eq!(status(put(&platform, "[1]").await).await, StatusCode::OK);
    let get = platform.client.get(platform.url("/lake/exports/7/0.json"));
    let answer = get.send().await.unwrap();
    assert!(answer.headers().contains_key("etag"));
    assert_eq!(answer.text().await.unwrap(), "[1]");
}

#[tokio::test]
async fn puts_and_changes_are_counted() {
    let platform = usual().await;
    for content in ["[1]", "[1]", "[2]"] {
        status(put(&platform, content).await).await;
    }
    let object = platform.simulator.objects().remove(0);
    assert_eq!(object.key, "exports/7/0.json");
    assert_eq!((object.puts, object.changes, object.length), (3, 1, 3));
}

#[tokio::test]
async fn an_object_can_be_put_only_if_it_is_not_there() {
    let platform = usual().await;
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let put = put(&platform, "[1]").await.header("if-none-match", "*");
        statuses.push(status(put).await.as_u16());
    }
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn an_object_can_be_put_only_if_it_is_what_it_was() {
    let platform = usual().await;
    let answer = put(&platform, "[1]").await.send().await.unwrap();
    let tag = answer.headers()["etag"].clone();
    let wrong = put(&platform, "[2]").await.header("if-match", "\"other\"");
    assert_eq!(status(wrong).await, StatusCode::PRECONDITION_FAILED);
    let right = put(&platform, "[2]").await.header("if-match", tag);
    assert_eq!(status(right).await, StatusCode::OK);
}

#[tokio::test]
async fn an_object_that_is_not_what_its_digest_says_is_refused() {
    let platform = usual().await;
    let put = put(&platform, "[1]")
        .await
        .header("x-amz-content-sha256", "0".repeat(64));
    assert_eq!(status(put).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_object_that_was_removed_is_not_found() {
    let platform = usual().await;
    status(put(&platform, "[1]").await).await;
    let url = platform.url("/lake/exports/7/0.json");
    assert_eq!(
        status(platform.client.delete(&url)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        status(platform.client.get(&url)).await,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_object_can_be_as_large_as_a_chunk() {
    let platform = usual().await;
    let chunk = vec![b'x'; 12 * 1024 * 1024];
    let put = platform.client.put(platform.url("/lake/large")).body(chunk);
    assert_eq!(status(put).await, StatusCode::OK);
}
