//! Lines that are as plain as JSON can be: an object of text without escapes and of whole numbers, without any space.
//!
//! It takes half the time of what has to be ready for everything. Whatever is not plain, wrong or not, is left to that.

use std::borrow::Cow;

use jackfield_sdk::end_of_plain_text;

use super::field::{Field, Fields, Name};

/// Most digits of a number that surely fits 64 bits.
const MOST_DIGITS: usize = 18;

/// The fields of a plain line; none if the line is not plain, or has a field twice.
pub(super) fn read(text: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    let mut rest = text.strip_prefix('{')?;
    loop {
        let (name, value) = read_text(rest)?;
        let (value, after) = read_value(value.strip_prefix(':')?)?;
        if let Some((_, field)) = fields.named(Name::from(name)) {
            if !matches!(field, Field::Missing) {
                return None;
            }
            *field = value;
        }
        match after.as_bytes() {
            b"}" => return Some(fields),
            [b',', ..] => rest = &after[1..],
            _ => return None,
        }
    }
}

/// A value, and what comes after it.
#[inline]
fn read_value(rest: &str) -> Option<(Field<'_>, &str)> {
    if rest.starts_with('"') {
        let (text, after) = read_text(rest)?;
        return Some((Field::Text(Cow::Borrowed(text)), after));
    }
    let mut number = 0_i64;
    let mut digits = 0;
    for byte in rest.bytes().take(MOST_DIGITS + 1) {
        if !byte.is_ascii_digit() {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
        digits += 1;
    }
    let plain = (1..=MOST_DIGITS).contains(&digits) && (digits == 1 || !rest.starts_with('0'));
    plain.then(|| (Field::Integer(number), &rest[digits..]))
}

/// Text without escapes, and what comes after it.
#[inline]
fn read_text(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix('"')?;
    let end = end_of_plain_text(rest.as_bytes())?;
    let (text, after) = rest.split_at(end);
    Some((text, after.strip_prefix('"')?))
}

#[cfg(test)]
mod tests {
    use super::super::{parse, read as read_any};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_line_is_plain() {
        let interaction = r#"{"recordType":"interaction","interactionId":"i1","customerId":"cé","channel":"voice","status":"FAILURE","timestamp":1700000000000,"durationMs":0,"agentId":"a1"}"#;
        assert!(read(interaction).is_some());
    }

    #[test]
    fn what_may_mean_something_else_is_not_plain() {
        for line in [
            "",
            "{",
            "{}",
            "{\"a\":1",
            "{\"a\":1}}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":-1}",
            "{\"a\":1.5}",
            "{\"a\":1e5}",
            "{\"a\":}",
            "{\"a\":null}",
            "{\"a\":[]}",
            "{\"a\":\"\\n\"}",
            "{\"a\":\"\n\"}",
            " {\"a\":1}",
            "{\"a\" :1}",
            "{\"a\":1}\n",
            "{\"a\":1234567890123456789}",
            "{\"tier\":\"x\",\"tier\":\"y\"}",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn plain_lines_are_read_as_any_line_is(
            line in r#"\{("(recordType|interactionId|customerId|channel|status|timestamp|tier|region|other)":("(interaction|customer_update|[a-zé"\\]{0,3})"|[0-9.-]{0,20}|null|\[1\]),? ?){0,8}\}"#,
        ) {
            let any = read_any(&line).and_then(Fields::into_line);
            prop_assert_eq!(parse(line.as_bytes()), any);
        }

        #[test]
        fn what_is_plain_is_json(fields in prop::collection::vec(("[a-z]{1,4}", "[ -~é]{0,5}", 0..i64::MAX), 1..5)) {
            let field = |(name, text, number): &(String, String, i64)| format!("\"{name}\":\"{text}\",\"n{name}\":{number}");
            let line = format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","));
            if read(&line).is_some() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{}", line);
            }
        }
    }
}
