use std::cell::Cell;

use reqwest::StatusCode;
use secrecy::ExposeSecret;

use super::*;

fn read(body: &str) -> Result<Token, ConnectionFailure> {
    let answer = Answer {
        status: StatusCode::OK,
        headers: reqwest::header::HeaderMap::new(),
        body: body.into(),
        reason: None,
    };
    Token::read(&answer, Instant::now())
}

fn token(expires_in: u64) -> Token {
    read(&format!(
        r#"{{"access_token":"t","expires_in":{expires_in}}}"#
    ))
    .unwrap()
}

fn failure() -> ConnectionError {
    ConnectionError {
        connection: "cxone".into(),
        request: "POST /oauth/token".into(),
        tries: 3,
        failure: ConnectionFailure::MissingToken,
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_a_minute_before_it_expires() {
    let token = token(3600);
    tokio::time::advance(Duration::from_secs(3539)).await;
    assert!(token.is_fresh());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!token.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn a_short_lived_token_is_used_for_half_of_its_life() {
    let token = token(40);
    tokio::time::advance(Duration::from_secs(19)).await;
    assert!(token.is_fresh());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!token.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn a_token_without_an_expiry_is_used_until_it_is_refused() {
    let token = read(r#"{"access_token":"t"}"#).unwrap();
    tokio::time::advance(Duration::from_hours(1000)).await;
    assert!(token.is_fresh());
}

#[test]
fn an_expiry_beyond_all_clocks_is_none() {
    assert!(token(u64::MAX).is_fresh());
}

#[test]
fn an_expiry_may_be_a_number_in_a_string() {
    let token = read(r#"{"access_token":"t","expires_in":"3600"}"#).unwrap();
    assert!(token.refresh_at.is_some());
}

#[test]
fn the_type_of_a_token_is_bearer_in_any_case() {
    let token = read(r#"{"access_token":"t","token_type":"bearer"}"#).unwrap();
    assert_eq!(token.value.expose_secret(), "t");
}

#[test]
fn a_token_of_another_type_is_refused() {
    let refused = read(r#"{"access_token":"t","token_type":"mac"}"#).unwrap_err();
    assert_eq!(refused.code(), crate::error::Code::TOKEN_MALFORMED);
}

#[test]
fn fields_of_other_types_are_refused_without_being_quoted() {
    let refused = read(r#"{"access_token":["s3cret"]}"#).unwrap_err();
    assert_eq!(refused.code(), crate::error::Code::TOKEN_MALFORMED);
    assert!(!refused.to_string().contains("s3cret"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_expiring_token_is_replaced() {
    let cache = TokenCache::default();
    let first = cache.get(async || Ok(token(3600))).await.unwrap();
    tokio::time::advance(Duration::from_secs(3540)).await;
    let second = cache.get(async || Ok(token(3600))).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_a_failed_request_share_its_failure() {
    let cache = TokenCache::default();
    let requests = Cell::new(0);
    let get = || {
        cache.get(async || {
            requests.set(requests.get() + 1);
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(failure())
        })
    };
    let (one, two) = tokio::join!(get(), get());
    assert_eq!((one.unwrap_err(), two.unwrap_err()), (failure(), failure()));
    assert_eq!(requests.get(), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept_for_those_who_ask_later() {
    let cache = TokenCache::default();
    cache.get(async || Err(failure())).await.unwrap_err();
    assert!(cache.get(async || Ok(token(3600))).await.is_ok());
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_block_the_next() {
    let cache = TokenCache::default();
    let hanging = cache.get(std::future::pending);
    tokio::select! {
        biased;
        _ = hanging => unreachable!("it never ends"),
        () = tokio::task::yield_now() => {}
    }
    assert!(cache.get(async || Ok(token(3600))).await.is_ok());
}

#[tokio::test]
async fn a_token_that_was_replaced_already_is_not_discarded_again() {
    let cache = TokenCache::default();
    let refused = cache.get(async || Ok(token(3600))).await.unwrap();
    cache.discard(&refused).await;
    let replacement = cache.get(async || Ok(token(3600))).await.unwrap();
    cache.discard(&refused).await;
    let kept = cache.get(async || Err(failure())).await.unwrap();
    assert!(Arc::ptr_eq(&kept, &replacement));
}
