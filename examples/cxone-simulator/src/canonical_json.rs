//! JSON of which there is one text only, so that both sides of a checksum hash the same bytes: RFC 8785, the JSON
//! Canonicalization Scheme. Members are sorted, nothing stands between the tokens, and numbers are written as
//! ECMAScript does.

use std::fmt::Write;

use serde_json::Value;

use crate::digest::sha256;

/// The SHA-256 of the canonical text, in lower-case hexadecimal.
pub(crate) fn canonical_sha256(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    sha256(text.as_bytes())
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            // Section 3.2.3: by UTF-16 code units, which differs from the order of bytes beyond U+FFFF.
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (place, (name, member)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_string(name, text);
                text.push(':');
                write_value(member, text);
            }
            text.push('}');
        }
        Value::Number(number) => write_number(number.as_f64().unwrap_or_default(), text),
        Value::String(string) => write_string(string, text),
        Value::Null | Value::Bool(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

/// Section 3.2.2.2 asks for the escapes that serde_json writes.
fn write_string(string: &str, text: &mut String) {
    let _ = write!(text, "{}", Value::from(string));
}

/// ECMAScript's Number::toString: the shortest digits that give the same double back, laid out by their exponent. Integers
/// beyond 2^53 lose digits here as they do there.
fn write_number(number: f64, text: &mut String) {
    if number == 0.0 {
        // Minus nought too.
        text.push('0');
        return;
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    let count = digits.len() as i32;
    text.push_str(sign);
    // The place of the decimal point, counted from before the first digit.
    let point = exponent + 1;
    let _ = match point {
        _ if (count..=21).contains(&point) => {
            write!(text, "{digits}{}", "0".repeat((point - count) as usize))
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            write!(text, "{whole}.{fraction}")
        }
        -5..=0 => write!(text, "0.{}{digits}", "0".repeat(-point as usize)),
        _ if count == 1 => write!(text, "{digits}e{exponent:+}"),
        _ => {
            let (first, rest) = digits.split_at(1);
            write!(text, "{first}.{rest}e{exponent:+}")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(json: &str) -> String {
        let mut text = String::new();
        write_value(&serde_json::from_str(json).unwrap(), &mut text);
        text
    }

    #[test]
    fn the_example_of_rfc_8785_section_3_2_2() {
        let json = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        assert_eq!(
            canonical(json),
            concat!(
                r#"{"literals":[null,true,false],"#,
                r#""numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
                r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#,
            ),
        );
    }

    #[test]
    fn members_are_sorted_by_utf_16_as_in_rfc_8785_section_3_2_3() {
        let json = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let sorted = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(json), sorted);
    }

    #[test]
    fn numbers_are_written_as_in_rfc_8785_appendix_b() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (295_147_905_179_352_830_000.0, "295147905179352830000"),
            (9.999_999_999_999_997e22, "9.999999999999997e+22"),
            (1e23, "1e+23"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (0.000_001, "0.000001"),
            (333_333_333.333_333_25, "333333333.33333325"),
            (-3.0, "-3"),
        ] {
            let mut written = String::new();
            write_number(number, &mut written);
            assert_eq!(written, text);
        }
    }

    proptest! {
        #[test]
        fn a_number_survives_its_canonical_text(number in proptest::num::f64::NORMAL) {
            let mut text = String::new();
            write_number(number, &mut text);
            prop_assert_eq!(text.parse::<f64>().unwrap(), number);
        }
    }
}
