//! Bytes as JSON carries them: two hexadecimal digits each.

/// The bytes of a text of hexadecimal digits.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
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
    use super::bytes;

    #[test]
    fn digits_come_in_pairs() {
        assert_eq!(bytes("00fF1a"), Some(vec![0, 255, 26]));
        assert_eq!(bytes(""), Some(vec![]));
        for text in ["0", "0g", "é0"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
