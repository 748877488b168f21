//! How far event time has come is an estimate, and the manifest says how it is made.

use std::time::Duration;

use crate::config::place::Located;
use crate::config::reader::TableReader;

const DAY: Duration = Duration::from_hours(24);

/// Watermarks for records that arrive out of order by a bounded time: `watermark = { … }` of a source or a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// How far behind the latest event time a record may still come; zero is allowed.
    pub out_of_orderness: Duration,
    /// After how long without a record a partition no longer holds the watermark back; never if there is none.
    pub idle_timeout: Option<Duration>,
}

impl Watermark {
    pub(crate) fn read_optional(table: &TableReader<'_>) -> Option<Located<Self>> {
        let place = table.optional_node("watermark")?.key_place.clone();
        let watermark = table.optional_table("watermark", |table| {
            let out_of_orderness =
                table.required_within("out-of-orderness", Duration::ZERO..=365 * DAY);
            let idle_timeout =
                table.optional_within("idle-timeout", Duration::from_millis(1)..=DAY);
            Some(Self {
                out_of_orderness: out_of_orderness?.value,
                idle_timeout: idle_timeout.map(|found| found.value),
            })
        });
        watermark.map(|watermark| Located::new(watermark, place))
    }
}
