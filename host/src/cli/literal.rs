//! Bytes of records, keys and state on a terminal: what is not printable is escaped, because the data must not be able to
//! move the cursor or change colours.

use std::fmt::Write as _;

/// Text with its control characters escaped.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut shown, character);
    }
    shown
}

/// Bytes in a form that [`parse`] takes back: text as it is, all else as `\xNN`, and a backslash doubled.
pub(super) fn literal(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                character => push(&mut shown, character),
            }
        }
        for byte in chunk.invalid() {
            push_byte(&mut shown, *byte);
        }
    }
    shown
}

/// The bytes that were shown by [`literal`]; none if a backslash is followed by something else than it writes.
pub(super) fn parse(literal: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(backslash) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..backslash]);
        let escape = &rest[backslash + 1..];
        if let Some(behind) = escape.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = behind;
        } else {
            let digits = escape.strip_prefix('x')?.get(..2)?;
            // The conversion alone would take a sign for a digit.
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
            rest = &escape[3..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// Lines of 16 bytes: offset, hexadecimal, and text where it is ASCII.
pub(super) fn hex_dump(bytes: &[u8]) -> Vec<String> {
    let line = |(number, line): (usize, &[u8])| {
        let mut hex = String::with_capacity(48);
        for (index, byte) in line.iter().enumerate() {
            let gap = if index == 8 { "  " } else { " " };
            let _ = write!(hex, "{gap}{byte:02x}");
        }
        let shown = |byte: &u8| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '.'
            }
        };
        let text: String = line.iter().map(shown).collect();
        format!("{:08x} {hex:<49}  {text}", number * 16)
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

/// Whether showing the character could do something else than show it: controls, and those that turn the direction of text.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push(shown: &mut String, character: char) {
    if is_unsafe(character) {
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            push_byte(shown, byte);
        }
    } else {
        shown.push(character);
    }
}

fn push_byte(shown: &mut String, byte: u8) {
    let _ = write!(shown, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_readable_and_control_characters_do_nothing() {
        assert_eq!(literal("Zoë-17".as_bytes()), "Zoë-17");
        assert_eq!(literal(b"a\\b\x00\xff"), r"a\\b\x00\xff");
        assert_eq!(
            printable("\u{1b}[31mred\u{202e}"),
            r"\x1b[31mred\xe2\x80\xae"
        );
        assert_eq!(printable(r#"{"a":"\n"}"#), r#"{"a":"\n"}"#);
    }

    #[test]
    fn an_escape_that_was_never_written_is_refused() {
        for text in ["\\", "\\n", "\\x", "\\x1", "\\x+1", "\\xzz", "\\xé"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_dump_shows_offset_bytes_and_text() {
        let dump = hex_dump(b"0123456789abcdef\x00!");
        assert_eq!(
            dump,
            [
                "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef",
                "00000010  00 21                                             .!",
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed_in_again(bytes: Vec<u8>) {
            prop_assert_eq!(parse(&literal(&bytes)), Some(bytes));
        }

        #[test]
        fn text_can_be_typed_in_again(text: String) {
            prop_assert_eq!(parse(&literal(text.as_bytes())), Some(text.into_bytes()));
        }
    }
}
