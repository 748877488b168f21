//! Traffic that looks like a contact centre's day, in small: each channel has its own busy time, an outage makes calls
//! fail for a while, and a few records come late.

use super::{Content, EPOCH, Record};
use crate::random::Xorshift;

/// Records a second of event time on average.
const RECORDS_A_SECOND: u64 = 100;
/// Customers who call, few enough that some of them call again and again.
const CUSTOMERS: u64 = 500;
/// Length of the day, after which the pattern repeats.
const DAY_MILLISECONDS: i64 = 2_000_000;
/// When the outage begins and ends, as parts of the day.
const OUTAGE: std::ops::Range<f64> = 0.55..0.65;

#[derive(Debug)]
pub struct Day {
    draws: Xorshift,
}

impl Day {
    pub fn new(seed: u64) -> Self {
        Self {
            draws: Xorshift::new(seed),
        }
    }

    /// Appends the record as it fits the hour, now and then as a producer with a fault writes it.
    pub fn append_record(&mut self, mut record: Record, lines: &mut Vec<u8>) {
        self.adapt(&mut record);
        let mut json = Vec::new();
        record.append_json(&mut json);
        let json = String::from_utf8_lossy(&json);
        let json = match self.draws.below(6000) {
            0 => json.replace(r#""channel""#, r#""chanel""#),
            1 => json.replace(r#""status":"SUCCESS""#, r#""status":"""#),
            2 => json.replace(
                r#""recordType":"interaction""#,
                r#""recordType":"agent_update""#,
            ),
            3 => json.replace(r#""timestamp":1"#, r#""timestamp":-1"#),
            _ => json.into_owned(),
        };
        lines.extend_from_slice(json.as_bytes());
    }

    /// Gives the record the time, the channel and the fate that fit the hour.
    fn adapt(&mut self, record: &mut Record) {
        let due = EPOCH + arrival(record.index);
        record.customer %= CUSTOMERS;
        let late = if self.draws.below(2000) == 0 {
            15_000 + self.draws.below(20_000) as i64
        } else {
            0
        };
        record.timestamp = due - self.draws.below(3000) as i64 - late;
        let hour = (due - EPOCH) as f64 / DAY_MILLISECONDS as f64 % 1.0;
        let drawn_channel = self.draw_channel(hour);
        let struck = self.draws.below(100) < 60;
        if let Content::Interaction {
            channel, status, ..
        } = &mut record.content
        {
            *channel = drawn_channel;
            if *channel == "voice" && OUTAGE.contains(&hour) && *status == "SUCCESS" && struck {
                *status = "FAILURE";
            }
        }
    }

    fn draw_channel(&mut self, hour: f64) -> &'static str {
        // Height of the day's wave for a channel whose busiest time is at `peak`, in parts of a thousand.
        let wave = |peak: f64, least: u64, swing: f64| {
            least + (swing * (1.0 + ((hour - peak) * std::f64::consts::TAU).cos())) as u64
        };
        let weights = [
            ("voice", wave(0.4, 150, 400.0)),
            ("chat", wave(0.7, 100, 300.0)),
            ("email", wave(0.15, 60, 120.0)),
            ("sms", 90),
        ];
        let mut draw = self
            .draws
            .below(weights.iter().map(|(_, weight)| weight).sum());
        for (channel, weight) in weights {
            match draw.checked_sub(weight) {
                Some(rest) => draw = rest,
                None => return channel,
            }
        }
        "sms"
    }
}

/// Milliseconds from the beginning to the arrival of a record: crowded at noon, sparse at night.
fn arrival(index: u64) -> i64 {
    let even = index as f64 * 1000.0 / RECORDS_A_SECOND as f64;
    let hour = even / DAY_MILLISECONDS as f64 * std::f64::consts::TAU;
    (even + 0.09 * DAY_MILLISECONDS as f64 * hour.sin()) as i64
}
