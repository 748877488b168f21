use cxone_simulator::Options;
use reqwest::StatusCode;

use super::platform::{ACTION_PATH, Platform, json};

#[tokio::test]
async fn a_data_action_that_exists_is_described() {
    let platform = Platform::start(Options::default()).await;
    let answer = platform.get(ACTION_PATH, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(json(answer).await["id"], "cxone-data-actions");
}

#[tokio::test]
async fn a_data_action_that_does_not_exist_is_not_found() {
    let platform = Platform::start(Options::default()).await;
    let path = "/api/v2/data-actions/another";
    let answer = platform.get(path, &platform.token().await).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}
