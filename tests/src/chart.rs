//! Charts for a terminal of eighty columns, out of characters alone.

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns that `values` fill, as lines from top to bottom, each `values.len()` characters wide. A column is `height` lines
/// high at `greatest`, and shows something wherever there is something.
pub fn columns(values: &[u64], greatest: u64, height: usize) -> Vec<String> {
    let full = height as u64 * 8;
    let level = |value: u64| {
        let level = (value * full).div_ceil(greatest.max(1));
        level.min(full) as usize
    };
    let line = |below: usize| {
        values
            .iter()
            .map(|value| EIGHTHS[level(*value).saturating_sub(below * 8).min(8)])
            .collect()
    };
    (0..height).rev().map(line).collect()
}

/// Sums of `values` in at most `width` columns, each of the same number of neighbours; the last one may have fewer and
/// is then scaled to what it would be.
pub fn condense(values: &[u64], width: usize) -> Vec<u64> {
    let step = values.len().div_ceil(width).max(1);
    values
        .chunks(step)
        .map(|chunk| chunk.iter().sum::<u64>() * step as u64 / chunk.len() as u64)
        .collect()
}

/// A number with a comma before each three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The time of day of an event time, in UTC.
pub fn time_of_day(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_grows_by_eighths_of_a_line() {
        assert_eq!(columns(&[0, 1, 8, 12, 16], 16, 2), ["   ▄█", " ▁███"]);
    }

    #[test]
    fn neighbours_are_summed_until_they_fit() {
        assert_eq!(condense(&[1, 2, 3, 4, 5], 3), [3, 7, 10]);
        assert_eq!(condense(&[1, 2], 3), [1, 2]);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"].map(str::to_owned),
            [0, 999, 1000, 1_234_567].map(grouped)
        );
    }

    #[test]
    fn times_are_those_of_the_day() {
        assert_eq!(time_of_day(1_700_000_000_000), "22:13:20");
    }
}
