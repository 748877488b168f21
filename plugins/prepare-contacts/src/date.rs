//! Dates of ISO 8601, in the forms that ECMAScript reads and writes.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// The time of a text, milliseconds since the Unix epoch: a point in time with an offset; or a date with or without a time of day, in UTC; or a month or a year, from its
/// beginning.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let civil = civil(text)?;
    Some(Offset::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

fn civil(text: &str) -> Option<DateTime> {
    if let Ok(time) = text.parse::<DateTime>() {
        return Some(time);
    }
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let date = match text.split_once('-') {
        None if text.len() == 4 && is_digits(text) => format!("{text}-01-01"),
        Some((year, month))
            if year.len() == 4 && month.len() == 2 && is_digits(year) && is_digits(month) =>
        {
            format!("{text}-01")
        }
        _ => return None,
    };
    Some(date.parse::<Date>().ok()?.at(0, 0, 0, 0))
}

/// A time, milliseconds since the Unix epoch, as ECMAScript's `toISOString` writes it; none if the calendar has no such time.
pub(crate) fn iso(time: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(time).ok()?;
    Some(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(text: &str) -> Option<String> {
        parse(text).and_then(iso)
    }

    #[test]
    fn each_form_becomes_the_same_one() {
        for (text, expected) in [
            ("2025-01-31T12:00:00.123Z", "2025-01-31T12:00:00.123Z"),
            ("2025-01-31T12:00:00Z", "2025-01-31T12:00:00.000Z"),
            ("2025-01-31T13:30:00+01:30", "2025-01-31T12:00:00.000Z"),
            ("2025-01-31T12:00:00.123999Z", "2025-01-31T12:00:00.123Z"),
            ("2025-01-31T12:00:00", "2025-01-31T12:00:00.000Z"),
            ("2025-01-31", "2025-01-31T00:00:00.000Z"),
            ("2025-01", "2025-01-01T00:00:00.000Z"),
            ("2025", "2025-01-01T00:00:00.000Z"),
            (" 2025-01-31 ", "2025-01-31T00:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(normalised(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "31.01.2025",
            "01/31/2025",
            "2025-02-29",
            "2025-13",
            "2025-1",
            "20-01-31",
            "1738324800000",
            "2025-01-31T25:00:00Z",
        ] {
            assert_eq!(normalised(text), None, "{text}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_are_none() {
        assert_eq!(iso(i64::MAX), None);
    }
}
