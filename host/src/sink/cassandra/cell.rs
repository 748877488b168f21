//! From a JSON value to the bytes that Cassandra keeps in a cell, as version 4 of its protocol says (section 6).
//!
//! What a column takes is known once the table has been looked at, so that values are written as they are sent, with nothing in between.

use jiff::civil::{self, Date};
use serde_json::Value;

use crate::config::CassandraType;
use crate::hexadecimal;

/// The length of a cell without a value.
const NULL: i32 = -1;
/// Dates are counted in days, with the first day of 1970 in the middle of the range.
const EPOCH_DAY: i64 = 1 << 31;

/// Appends a cell, its length first. Gives false and leaves `cells` as it was where the value is not of that kind.
pub(super) fn write(kind: CassandraType, value: &Value, cells: &mut Vec<u8>) -> bool {
    if value.is_null() && kind != CassandraType::Json {
        cells.extend(NULL.to_be_bytes());
        return true;
    }
    let start = cells.len();
    cells.extend([0; 4]);
    let written = contents(kind, value, cells)
        .and_then(|()| i32::try_from(cells.len() - start - 4).ok())
        .map(|length| cells[start..start + 4].copy_from_slice(&length.to_be_bytes()));
    if written.is_none() {
        cells.truncate(start);
    }
    written.is_some()
}

fn contents(kind: CassandraType, value: &Value, cells: &mut Vec<u8>) -> Option<()> {
    match kind {
        CassandraType::Text => cells.extend(value.as_str()?.as_bytes()),
        CassandraType::Ascii => {
            cells.extend(value.as_str().filter(|text| text.is_ascii())?.as_bytes());
        }
        CassandraType::Json => cells.extend(value.to_string().as_bytes()),
        CassandraType::TinyInt => cells.extend(i8::try_from(value.as_i64()?).ok()?.to_be_bytes()),
        CassandraType::SmallInt => cells.extend(i16::try_from(value.as_i64()?).ok()?.to_be_bytes()),
        CassandraType::Int => cells.extend(i32::try_from(value.as_i64()?).ok()?.to_be_bytes()),
        CassandraType::BigInt => cells.extend(value.as_i64()?.to_be_bytes()),
        CassandraType::Float => cells.extend(single(value.as_f64()?)?.to_be_bytes()),
        CassandraType::Double => cells.extend(value.as_f64()?.to_be_bytes()),
        CassandraType::Boolean => cells.push(u8::from(value.as_bool()?)),
        CassandraType::Timestamp => cells.extend(milliseconds(value)?.to_be_bytes()),
        CassandraType::Date => cells.extend(day(value.as_str()?)?.to_be_bytes()),
        CassandraType::Uuid => cells.extend(uuid(value.as_str()?)?),
        CassandraType::Blob => cells.extend(hexadecimal::bytes(value.as_str()?)?),
    }
    Some(())
}

/// What a value of that kind is, for people.
pub(super) fn what(kind: CassandraType) -> &'static str {
    match kind {
        CassandraType::Text => "a string",
        CassandraType::Ascii => "a string of ASCII characters",
        CassandraType::Json => "a value",
        CassandraType::TinyInt => "a whole number within 8 bits",
        CassandraType::SmallInt => "a whole number within 16 bits",
        CassandraType::Int => "a whole number within 32 bits",
        CassandraType::BigInt => "a whole number within 64 bits",
        CassandraType::Float => "a number within the range of 32 bits",
        CassandraType::Double => "a number",
        CassandraType::Boolean => "true or false",
        CassandraType::Timestamp => {
            "milliseconds since 1970 or a date and time such as 2026-11-21T17:00:00Z"
        }
        CassandraType::Date => "a date such as 2026-11-21",
        CassandraType::Uuid => "a UUID",
        CassandraType::Blob => "a string of hexadecimal digits",
    }
}

/// The contents of a cell, for people: text and whole numbers as they are, anything else in hexadecimal digits.
pub(super) fn show(kind: CassandraType, contents: &[u8]) -> String {
    match kind {
        CassandraType::Text | CassandraType::Ascii | CassandraType::Json => {
            format!("{:?}", String::from_utf8_lossy(contents))
        }
        CassandraType::TinyInt
        | CassandraType::SmallInt
        | CassandraType::Int
        | CassandraType::BigInt
        | CassandraType::Timestamp => {
            let negative = contents.first().is_some_and(|first| first >> 7 == 1);
            let sign = if negative { -1 } else { 0 };
            let number = contents
                .iter()
                .fold(sign, |number: i64, byte| number << 8 | i64::from(*byte));
            number.to_string()
        }
        _ => hexadecimal::text(contents),
    }
}

/// To the precision of 32 bits; what is beyond their range is no such number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "to lose precision is what a column of this type asks for"
)]
fn single(number: f64) -> Option<f32> {
    Some(number as f32).filter(|single| single.is_finite())
}

fn milliseconds(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text,
        other => return other.as_i64(),
    };
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    Some(timestamp.as_millisecond())
}

fn day(text: &str) -> Option<u32> {
    let date: Date = text.parse().ok()?;
    // A date with a time behind it is more than a date.
    if date.to_string() != text {
        return None;
    }
    let days = date.since(civil::date(1970, 1, 1)).ok()?.get_days();
    u32::try_from(EPOCH_DAY + i64::from(days)).ok()
}

fn uuid(text: &str) -> Option<Vec<u8>> {
    let groups: Vec<&str> = text.split('-').collect();
    if groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) {
        return None;
    }
    hexadecimal::bytes(&groups.concat())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cell(kind: CassandraType, value: &Value) -> Option<Vec<u8>> {
        let mut cells = Vec::new();
        write(kind, value, &mut cells).then(|| {
            let (length, contents) = cells.split_at(4);
            assert_eq!(length, i32::try_from(contents.len()).unwrap().to_be_bytes());
            contents.to_vec()
        })
    }

    #[test]
    fn numbers_are_big_endian_and_as_wide_as_their_column() {
        assert_eq!(cell(CassandraType::TinyInt, &json!(-1)), Some(vec![255]));
        assert_eq!(cell(CassandraType::SmallInt, &json!(258)), Some(vec![1, 2]));
        assert_eq!(cell(CassandraType::Int, &json!(1)), Some(vec![0, 0, 0, 1]));
        assert_eq!(
            cell(CassandraType::BigInt, &json!(i64::MIN)),
            Some(i64::MIN.to_be_bytes().into())
        );
        assert_eq!(
            cell(CassandraType::Double, &json!(1.5)),
            Some(1.5_f64.to_be_bytes().into())
        );
        assert_eq!(
            cell(CassandraType::Float, &json!(1.5)),
            Some(1.5_f32.to_be_bytes().into())
        );
    }

    #[test]
    fn what_a_column_has_no_room_for_is_refused() {
        for (kind, value) in [
            (CassandraType::TinyInt, json!(128)),
            (CassandraType::SmallInt, json!(-32769)),
            (CassandraType::Int, json!(1_i64 << 31)),
            (CassandraType::BigInt, json!(u64::MAX)),
            (CassandraType::BigInt, json!(1.0)),
            (CassandraType::Float, json!(1e39)),
            (CassandraType::Text, json!(1)),
            (CassandraType::Ascii, json!("é")),
            (CassandraType::Boolean, json!("true")),
            (CassandraType::Timestamp, json!("2026-11-21T17:00:00")),
            (CassandraType::Date, json!("2026-11-21T17:00:00")),
            (
                CassandraType::Uuid,
                json!("00112233-4455-6677-8899-aabbccddee"),
            ),
            (CassandraType::Blob, json!("0x00")),
        ] {
            assert_eq!(cell(kind, &value), None, "{kind:?} {value}");
        }
    }

    #[test]
    fn a_timestamp_is_a_number_of_milliseconds_or_says_its_offset() {
        let expected = Some(1_500_i64.to_be_bytes().to_vec());
        assert_eq!(cell(CassandraType::Timestamp, &json!(1500)), expected);
        assert_eq!(
            cell(
                CassandraType::Timestamp,
                &json!("1970-01-01T01:00:01.5+01:00")
            ),
            expected
        );
    }

    #[test]
    fn dates_are_counted_from_the_middle_of_the_range() {
        assert_eq!(
            cell(CassandraType::Date, &json!("1970-01-02")),
            Some(vec![128, 0, 0, 1])
        );
        assert_eq!(
            cell(CassandraType::Date, &json!("1969-12-31")),
            Some(vec![127, 255, 255, 255])
        );
    }

    #[test]
    fn a_uuid_is_sixteen_bytes() {
        let expected = (0..16_u8).map(|byte| byte * 0x11).collect();
        assert_eq!(
            cell(
                CassandraType::Uuid,
                &json!("00112233-4455-6677-8899-AABBCCDDEEFF")
            ),
            Some(expected)
        );
    }

    #[test]
    fn whole_numbers_and_text_are_shown_as_they_came() {
        for (kind, value) in [
            (CassandraType::TinyInt, json!(-5)),
            (CassandraType::Int, json!(70_000)),
            (CassandraType::BigInt, json!(i64::MIN)),
            (CassandraType::Text, json!("voice")),
        ] {
            assert_eq!(show(kind, &cell(kind, &value).unwrap()), value.to_string());
        }
    }

    #[test]
    fn null_is_a_cell_without_a_value_except_in_json() {
        let mut cells = Vec::new();
        assert!(write(CassandraType::Int, &Value::Null, &mut cells));
        assert_eq!(cells, [255; 4]);
        assert_eq!(
            cell(CassandraType::Json, &Value::Null),
            Some(b"null".to_vec())
        );
    }
}
