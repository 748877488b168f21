//! Sizes are written with a unit, so that nobody counts zeros.

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::{Context, Measure, Read};
use crate::config::tree::{Node, Value};

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteSize(pub(crate) u64);

const EXPECTED: &str = "a size such as `64 KiB`, `256 MiB` or `1 GB`, or a number of bytes";

/// Units by rising size within each system.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

fn parse(text: &str) -> Option<ByteSize> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = text[digits.len()..].trim();
    let count: u64 = digits.parse().ok()?;
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit) || (unit.is_empty() && *name == "B"))?;
    count.checked_mul(*factor).map(ByteSize)
}

impl Read for ByteSize {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        match &node.value {
            Value::Integer(bytes) if *bytes >= 0 => Some(Self(bytes.unsigned_abs())),
            Value::Text(text) => {
                let size = parse(&text.content);
                if size.is_none() {
                    context.report(
                        Diagnostic::new(
                            &code::MALFORMED_VALUE,
                            node.place.clone(),
                            format!("`{}` is not a size", node.place.key()),
                        )
                        .found(node.describe())
                        .expected(EXPECTED),
                    );
                }
                size
            }
            _ => context.wrong_type(node, EXPECTED),
        }
    }
}

impl Measure for ByteSize {
    fn show(&self) -> String {
        let unit = UNITS
            .iter()
            .rev()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        match unit {
            Some((name, factor)) => format!("{} {name}", self.0 / factor),
            None => format!("{} B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_decimal_units_are_told_apart() {
        assert_eq!(parse("256 MiB"), Some(ByteSize(256 << 20)));
        assert_eq!(parse("64KiB"), Some(ByteSize(65_536)));
        assert_eq!(parse("1MB"), Some(ByteSize(1_000_000)));
        assert_eq!(parse("12"), Some(ByteSize(12)));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "MiB",
            "1.5 GiB",
            "-1 B",
            "1 MiB 2",
            "1 parsec",
            "99999999999 GiB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_is_shown_in_its_largest_whole_unit() {
        assert_eq!(ByteSize(256 << 20).show(), "256 MiB");
        assert_eq!(ByteSize(64).show(), "64 B");
    }
}
