//! A service may repeat what it was sent: in an error message, or as echo services do. What a guest, a journal or a log gets
//! to see of an answer therefore has the secrets of its request taken out.

use memchr::memmem;
use reqwest::header::{HeaderMap, HeaderValue};

const IN_PLACE_OF_A_SECRET: &[u8] = b"[redacted]";

/// Shorter secrets are not looked for: they would be found everywhere by accident, and are no secrets.
const SHORTEST_SECRET: usize = 6;

/// The secrets of one request.
pub(super) struct Redaction<'a>(Vec<memmem::Finder<'a>>);

impl<'a> Redaction<'a> {
    pub fn of(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets
            .into_iter()
            .filter(|secret| secret.len() >= SHORTEST_SECRET);
        Self(secrets.map(memmem::Finder::new).collect())
    }

    /// The bytes without the secrets; the same if there are none.
    pub fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for secret in &self.0 {
            if secret.find(&bytes).is_some() {
                bytes = without(&bytes, secret);
            }
        }
        bytes
    }

    /// Takes the secrets out of the headers' values.
    pub fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if self
                .0
                .iter()
                .any(|secret| secret.find(value.as_bytes()).is_some())
            {
                let redacted = self.bytes(value.as_bytes().to_vec());
                *value = HeaderValue::from_bytes(&redacted)
                    .unwrap_or_else(|_| HeaderValue::from_static("[redacted]"));
            }
        }
    }
}

fn without(bytes: &[u8], secret: &memmem::Finder<'_>) -> Vec<u8> {
    let mut redacted = Vec::with_capacity(bytes.len());
    let mut rest = 0;
    for found in secret.find_iter(bytes) {
        redacted.extend_from_slice(&bytes[rest..found]);
        redacted.extend_from_slice(IN_PLACE_OF_A_SECRET);
        rest = found + secret.needle().len();
    }
    redacted.extend_from_slice(&bytes[rest..]);
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let redaction = Redaction::of(["s3cret-token", "other-secret"]);
        let body = b"s3cret-token, other-secret and s3cret-token".to_vec();
        assert_eq!(
            redaction.bytes(body),
            b"[redacted], [redacted] and [redacted]"
        );
    }

    #[test]
    fn headers_are_cleaned_too() {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer s3cret-token"));
        Redaction::of(["s3cret-token"]).headers(&mut headers);
        assert_eq!(headers["x-echo"], "Bearer [redacted]");
    }

    #[test]
    fn what_is_too_short_to_be_a_secret_is_left_alone() {
        assert_eq!(Redaction::of(["a", ""]).bytes(b"a b".to_vec()), b"a b");
    }
}
