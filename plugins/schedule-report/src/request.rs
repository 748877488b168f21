//! What may be asked for (*Step 1*): every rule, so that everything that is wrong is told at once.

use jackfield_sdk::{Fields, Problems};
use serde::{Deserialize, Serialize};

const FREQUENCIES: [&str; 3] = ["daily", "weekly", "monthly"];
const FORMATS: [&str; 3] = ["csv", "xlsx", "json"];
const COMPRESSIONS: [&str; 2] = ["none", "gzip"];
/// The one way in which the document has exports delivered, and the one by which it has them partitioned.
const DELIVERY_METHOD: &str = "webhook";
const PARTITION: &str = "date";
/// Reports whose data are partitioned by date have identifiers that begin so.
const PARTITIONED: &str = "report_";

/// What a job is started with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportRequest {
    /// The report.
    pub report_id: String,
    /// The name of the schedule.
    pub name: String,
    /// `daily`, `weekly` or `monthly`.
    pub frequency: String,
    /// When, as `HH:mm` of 24 hours.
    pub time: String,
    /// `csv`, `xlsx` or `json`.
    pub output_format: String,
    /// Only what is new since the last export.
    pub incremental: bool,
    /// `none` or `gzip`.
    pub compression: String,
    /// Where the platform delivers exports to, by HTTPS.
    pub delivery_url: String,
    /// How many rows there should be; 0 where that is not known.
    #[serde(default)]
    pub expected_rows: u64,
}

/// What an export may need. The platform tells no quota, so that this is asked before it is (*Prerequisites*).
pub struct Quota {
    /// Bytes of an export.
    pub bytes: u64,
    /// Rows of an export.
    pub rows: u64,
    /// Bytes of a row, where nothing better is known.
    pub bytes_a_row: u64,
}

/// The body of `POST /reporting/schedules`, exactly.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload<'a> {
    report_id: &'a str,
    name: &'a str,
    frequency: &'a str,
    time: &'a str,
    output_format: &'a str,
    delivery_method: &'static str,
    delivery_url: &'a str,
    incremental: bool,
    compression: &'a str,
    partition_by: &'static str,
}

impl ExportRequest {
    /// Reads an input, and says everything that is wrong with it.
    pub(crate) fn read(input: &[u8], quota: &Quota, problems: &mut Problems) -> Option<Self> {
        let mut fields = problems.read_object(input)?;
        let report_id = fields.required("reportId").text();
        let name = fields.required("name").text();
        let frequency = fields.required("frequency").one_of(&FREQUENCIES);
        let time = fields.required("time").text_that(
            "malformed-time",
            "must be HH:mm in 24-hour format, from 00:00 to 23:59",
            is_time_of_day,
        );
        let output_format = fields.required("outputFormat").one_of(&FORMATS);
        let incremental = fields.required("incremental").boolean();
        let compression = fields.required("compression").one_of(&COMPRESSIONS);
        let delivery_url = fields.required("deliveryUrl").text_that(
            "malformed-url",
            "must be an https URL",
            is_https_url,
        );
        // Both are the platform's own words: whoever sends them along means what is sent anyway.
        let _ = fields.optional("deliveryMethod").one_of(&[DELIVERY_METHOD]);
        let _ = fields.optional("partitionBy").one_of(&[PARTITION]);
        check_partitioned(incremental, report_id.as_deref(), &mut fields);
        let expected_rows = check_quota(quota, &mut fields);
        fields.finish();
        Some(Self {
            report_id: report_id?,
            name: name?,
            frequency: frequency?.to_owned(),
            time: time?,
            output_format: output_format?.to_owned(),
            incremental: incremental?,
            compression: compression?.to_owned(),
            delivery_url: delivery_url?,
            expected_rows,
        })
    }

    pub(crate) fn payload(&self) -> Payload<'_> {
        Payload {
            report_id: &self.report_id,
            name: &self.name,
            frequency: &self.frequency,
            time: &self.time,
            output_format: &self.output_format,
            delivery_method: DELIVERY_METHOD,
            delivery_url: &self.delivery_url,
            incremental: self.incremental,
            compression: &self.compression,
            partition_by: PARTITION,
        }
    }
}

fn check_partitioned(incremental: Option<bool>, report_id: Option<&str>, fields: &mut Fields<'_>) {
    if let (Some(true), Some(report_id)) = (incremental, report_id)
        && !report_id.starts_with(PARTITIONED)
    {
        let message = format!(
            "incremental extraction needs a reportId that begins with {PARTITIONED}, as those do which are partitioned by date"
        );
        fields
            .problem("incremental", "not-partitioned", message)
            .value(report_id)
            .allowed(["false"]);
    }
}

/// The rows that are expected, and what is wrong with so many.
fn check_quota(quota: &Quota, fields: &mut Fields<'_>) -> u64 {
    let rows = fields.optional("expectedRows").integer(0..=u64::MAX);
    let estimated = fields.optional("estimatedBytes").integer(0..=u64::MAX);
    let rows = rows.unwrap_or_default();
    if rows > quota.rows {
        let message = format!(
            "an export may have at most {} rows: choose a shorter time, or incremental extraction",
            quota.rows
        );
        fields
            .problem("expectedRows", "too-many-rows", message)
            .value(&rows);
    }
    let (field, bytes) = match estimated {
        Some(bytes) => ("estimatedBytes", bytes),
        None => ("expectedRows", rows.saturating_mul(quota.bytes_a_row)),
    };
    if bytes > quota.bytes {
        let message = format!(
            "the export would need about {bytes} bytes of storage, and may need {}",
            quota.bytes
        );
        let value = if estimated.is_some() { bytes } else { rows };
        fields
            .problem(field, "over-storage-quota", message)
            .value(&value);
    }
    rows
}

/// `^([01]\d|2[0-3]):[0-5]\d$`.
fn is_time_of_day(text: &str) -> bool {
    let &[h, hh, b':', m, mm] = text.as_bytes() else {
        return false;
    };
    let hour = matches!((h, hh), (b'0' | b'1', b'0'..=b'9') | (b'2', b'0'..=b'3'));
    hour && matches!((m, mm), (b'0'..=b'5', b'0'..=b'9'))
}

/// Whether it is an HTTPS URL with a host. Credentials have no place in it: who delivers would show them to everybody who sees the schedule.
fn is_https_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, "443"),
    };
    let is_address = host.starts_with('[') && host.ends_with(']');
    let is_host = is_address
        || !host.is_empty() && !host.contains(['@', ':', '[', ']', '\\', '%', '<', '>', '"']);
    let is_plain = !text
        .chars()
        .any(|character| character.is_whitespace() || character.is_control());
    is_plain && is_host && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_two_digits_of_each_and_is_below_24_hours() {
        for right in ["00:00", "02:00", "19:30", "23:59"] {
            assert!(is_time_of_day(right), "{right}");
        }
        for wrong in [
            "",
            "24:00",
            "23:60",
            "2:00",
            "0200",
            "02:00:00",
            "ab:cd",
            "02-00",
            " 2:00",
            "3é:0",
            "٠٢:٠٠",
        ] {
            assert!(!is_time_of_day(wrong), "{wrong}");
        }
    }

    #[test]
    fn deliveries_go_to_a_host_by_https() {
        for right in [
            "https://bi.example.com",
            "https://bi.example.com:8443/callbacks/cxone?a=b#c",
            "https://[2001:db8::1]:443/",
            "https://[2001:db8::1]",
            "https://bücher.example/",
        ] {
            assert!(is_https_url(right), "{right}");
        }
        for wrong in [
            "",
            "https://",
            "https:///callbacks",
            "https://?a",
            "https://:443/",
            "http://bi.example.com",
            "HTTPS://bi.example.com",
            "ftp://bi.example.com",
            "bi.example.com",
            "https://ada:secret@bi.example.com/",
            "https://bi.example.com:https/",
            "https://bi.example.com:65536/",
            "https://bi example.com/",
            "https://bi.example.com/a b",
            "https://bi.example.com/\n",
        ] {
            assert!(!is_https_url(wrong), "{wrong}");
        }
    }
}
