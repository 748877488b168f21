//! Numbers as people read them.

use std::time::Duration;

use jiff::Timestamp;

use crate::record::{END_OF_TIME, EventTime, START_OF_TIME};

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits or so and the unit: `999`, `12.3k`, `4.56M`.
pub(super) fn rounded(number: f64) -> String {
    let (value, unit) = match number {
        number if number >= 1e9 => (number / 1e9, "G"),
        number if number >= 1e6 => (number / 1e6, "M"),
        number if number >= 1e3 => (number / 1e3, "k"),
        number => return format!("{number:.0}"),
    };
    match value {
        value if value < 10.0 => format!("{value:.2}{unit}"),
        value if value < 100.0 => format!("{value:.1}{unit}"),
        value => format!("{value:.0}{unit}"),
    }
}

/// `512 B`, `12.3 MiB`.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while value >= 1024.0 && units.len() > 0 {
        value /= 1024.0;
        unit = units.next();
    }
    format!("{value:.1} {}", unit.unwrap_or(&"KiB"))
}

/// `1.2 ms`, `45 ms`, `5.0 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match duration.as_secs_f64() {
        exact if exact < 0.01 => format!("{:.1} ms", exact * 1e3),
        exact if exact < 1.0 => format!("{:.0} ms", exact * 1e3),
        exact if exact < 10.0 => format!("{exact:.1} s"),
        _ if seconds < 60 => format!("{seconds} s"),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Whole seconds, for what is drawn again and again: `0 s`, `12 s`, `3 min 20 s`.
pub(super) fn whole_seconds(exact: Duration) -> String {
    match exact.as_secs() {
        seconds if seconds < 60 => format!("{seconds} s"),
        seconds => duration(Duration::from_secs(seconds)),
    }
}

/// `1 record`, `2 records`.
pub(super) fn counted(number: u64, one: &str, more: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { more }
    )
}

/// Milliseconds since the Unix epoch as ISO 8601 in UTC.
pub(super) fn moment(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(moment) => format!("{moment:.3}"),
        Err(_) => format!("{milliseconds} ms"),
    }
}

/// A watermark, which may stand before or behind everything.
pub(super) fn watermark(watermark: EventTime) -> String {
    match watermark {
        START_OF_TIME => "none yet".to_owned(),
        END_OF_TIME => "end of input".to_owned(),
        moment_of => moment(moment_of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_set_in_groups_of_three() {
        let numbers = [0, 999, 1_000, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn rounded_numbers_keep_three_digits() {
        let numbers = [0.4, 999.0, 1_234.0, 56_789.0, 412_000.0, 3.2e9];
        let expected = ["0", "999", "1.23k", "56.8k", "412k", "3.20G"];
        assert_eq!(numbers.map(rounded), expected);
    }

    #[test]
    fn sizes_are_in_binary_units() {
        let sizes = [0, 1023, 1024, 12_900_000, 5 << 40, 5 << 50];
        let expected = [
            "0 B",
            "1023 B",
            "1.0 KiB",
            "12.3 MiB",
            "5.0 TiB",
            "5120.0 TiB",
        ];
        assert_eq!(sizes.map(bytes), expected);
    }

    #[test]
    fn durations_are_in_the_unit_that_fits() {
        let durations = [1, 45, 5_000, 12_345, 200_000, 7_500_000].map(Duration::from_millis);
        let expected = [
            "1.0 ms",
            "45 ms",
            "5.0 s",
            "12 s",
            "3 min 20 s",
            "2 h 5 min",
        ];
        assert_eq!(durations.map(duration), expected);
        assert_eq!(whole_seconds(Duration::from_millis(999)), "0 s");
        assert_eq!(whole_seconds(Duration::from_secs(61)), "1 min 1 s");
    }

    #[test]
    fn moments_are_in_utc_and_what_no_calendar_holds_is_a_number() {
        assert_eq!(moment(1_704_067_205_250), "2024-01-01T00:00:05.250Z");
        assert_eq!(moment(i64::MAX - 1), "9223372036854775806 ms");
        assert_eq!(watermark(END_OF_TIME), "end of input");
    }
}
