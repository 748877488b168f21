//! The plain types of a manifest.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::{Context, Measure, Read};
use crate::config::tree::{Node, Value};

const DURATION: &str = "a duration with its unit, such as `500ms`, `10s` or `1m 30s`";

impl Read for String {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.text(node).map(str::to_owned)
    }
}

impl Read for bool {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        if let Value::Boolean(boolean) = node.value {
            return Some(boolean);
        }
        let supplied = node.supplied_text().and_then(|text| text.parse().ok());
        supplied.or_else(|| context.wrong_type(node, "`true` or `false`"))
    }
}

/// Whole numbers from zero; what is too large is read as the end of the type.
macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl Read for $integer {
            fn read(node: &Node, context: &Context) -> Option<Self> {
                let integer = match node.value {
                    Value::Integer(integer) => u64::try_from(integer).ok(),
                    _ => node.supplied_text().and_then(|text| text.parse().ok()),
                };
                match integer {
                    Some(integer) => Some(Self::try_from(integer).unwrap_or(Self::MAX)),
                    None => context.wrong_type(node, "a whole number from 0"),
                }
            }
        }

        impl Measure for $integer {
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

integers!(u16, u32);

/// Shares and factors, which may be written as whole numbers too.
impl Read for f64 {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let number = match node.value {
            Value::Float(number) => Some(number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what is inexact is out of range"
            )]
            Value::Integer(number) => Some(number as Self),
            _ => node.supplied_text().and_then(|text| text.parse().ok()),
        };
        number.or_else(|| context.wrong_type(node, "a number"))
    }
}

impl Measure for f64 {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Read for Duration {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            return context.wrong_type(node, DURATION);
        };
        if let Some(duration) = parse_duration(text.content.trim()) {
            return Some(duration);
        }
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                node.place.clone(),
                format!("`{}` is not a duration", node.place.key()),
            )
            .found(node.describe())
            .expected(DURATION),
        );
        None
    }
}

/// Days have 24 hours; months and years have no fixed length, and are refused.
fn parse_duration(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(signed).ok()
}

impl Measure for Duration {
    fn show(&self) -> String {
        match SignedDuration::try_from(*self) {
            Ok(signed) => format!("{signed:#}"),
            Err(_) => format!("{self:?}"),
        }
    }
}

/// A relative path belongs to whoever wrote it: in a manifest it begins in the manifest's folder; where it comes from the
/// environment or from `--set` it begins, as everywhere on the command line, in the working directory.
impl Read for PathBuf {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        if text.is_empty() || text.contains('\0') {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` is not a path", node.place.key()),
                )
                .found(node.describe())
                .expected("the path of a file"),
            );
            return None;
        }
        let begins_with_variable =
            matches!(&node.value, Value::Text(text) if text.begins_with_variable);
        if begins_with_variable || node.place.is_override() {
            return Some(Path::new(text).to_owned());
        }
        Some(context.folder.join(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_units() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("1m 30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("1d"), Some(Duration::from_hours(24)));
        assert_eq!(parse_duration("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn what_has_no_unit_or_no_fixed_length_is_no_duration() {
        for text in ["", "10", "-1s", "1s ago", "1 month", "soon"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
