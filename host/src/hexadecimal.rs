//! Bytes as JSON carries them: two hexadecimal digits each.

use std::fmt::Write as _;

/// Bytes as hexadecimal digits.
pub(crate) fn text(bytes: &[u8]) -> String {
    let text = String::with_capacity(bytes.len() * 2);
    bytes.iter().fold(text, |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As text where they are some; else as hexadecimal digits, which stand under another name then.
pub(crate) fn text_or_digits(bytes: &[u8]) -> (Option<&str>, Option<String>) {
    match str::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(_) => (None, Some(text(bytes))),
    }
}

/// The bytes of a text of hexadecimal digits.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| {
        char::from(*digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            if let [high, low] = pair {
                Some(digit(high)? << 4 | digit(low)?)
            } else {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(text(&[0, 255]), "00ff");
        assert_eq!(text_or_digits(b"a"), (Some("a"), None));
        assert_eq!(text_or_digits(b"\xff"), (None, Some("ff".to_owned())));
    }

    #[test]
    fn digits_come_in_pairs() {
        assert_eq!(bytes("00fF1a"), Some(vec![0, 255, 26]));
        assert_eq!(bytes(""), Some(vec![]));
        for text in ["0", "0g", "é0"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
