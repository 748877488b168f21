//! Everything that producers do wrong, each often enough to be seen in a hundred thousand records and rarely enough that
//! most of the traffic still passes.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::{Content, Record};
use crate::random::Xorshift;

/// Time from the first failure to the callback at which a pattern within 30 s just no longer matches.
const PATTERN_LENGTH: i64 = 30_000;

/// Turns some of the records into what is hard to digest. Draws from a sequence of its own: the rest of the traffic is
/// that of the plain input.
#[derive(Debug)]
pub struct Disturbance {
    draws: Xorshift,
    punctual: bool,
    previous: Vec<u8>,
    /// Lines that stand in for the record of a later index, by rising index.
    appointments: VecDeque<(u64, Vec<u8>)>,
}

impl Disturbance {
    pub fn new(seed: u64) -> Self {
        Self {
            draws: Xorshift::new(seed),
            punctual: false,
            previous: Vec::new(),
            appointments: VecDeque::new(),
        }
    }

    /// Without late records, and without clocks that run ahead, behind which all others are late.
    pub fn punctual(seed: u64) -> Self {
        Self {
            punctual: true,
            ..Self::new(seed)
        }
    }

    /// Appends the record or what became of it, without a newline.
    pub fn append_record(&mut self, record: Record, lines: &mut Vec<u8>) {
        let start = lines.len();
        match self
            .appointments
            .pop_front_if(|(index, _)| *index <= record.index)
        {
            Some((_, line)) => lines.extend_from_slice(&line),
            None => self.disturb(record, lines),
        }
        self.previous.clear();
        self.previous.extend_from_slice(&lines[start..]);
    }

    fn disturb(&mut self, mut record: Record, lines: &mut Vec<u8>) {
        match self.draws.below(1000) {
            0..10 => {
                let delay = 2000 + self.draws.below(120_000) as i64;
                record.timestamp -= if self.punctual { delay % 1900 } else { delay };
            }
            10..40 => return self.append_odd_record(&record, lines),
            40..50 => return self.append_noise(lines),
            50..57 if !self.previous.is_empty() => return lines.extend_from_slice(&self.previous),
            57..62 => {
                record.append_json(lines);
                return lines.push(b'\r');
            }
            62..64 => self.arrange_pattern(&mut record),
            64 if self.draws.below(50) == 0 && !self.punctual => {
                record.timestamp += 6000 + self.draws.below(12_000) as i64
            }
            _ => {}
        }
        record.append_json(lines);
    }

    /// Three failures of a customer whom nobody else has, and a callback that comes just in time or just too late.
    fn arrange_pattern(&mut self, record: &mut Record) {
        record.customer = 900_000 + record.index % 100_000;
        record.content = Content::Interaction {
            channel: "voice",
            status: "FAILURE",
            duration: 1,
            agent: 1,
        };
        let callback_after = PATTERN_LENGTH - self.draws.below(3) as i64 + 1;
        for (after, status) in [
            (1, "FAILURE"),
            (2, "FAILURE"),
            (callback_after, "CALLBACK_REQUEST"),
        ] {
            let mut later = record.clone();
            later.index += after as u64;
            later.timestamp += after;
            later.content = Content::Interaction {
                channel: "chat",
                status,
                duration: 1,
                agent: 1,
            };
            let mut line = Vec::new();
            later.append_json(&mut line);
            let place = self
                .appointments
                .partition_point(|(index, _)| *index <= later.index);
            self.appointments.insert(place, (later.index, line));
        }
    }

    /// JSON, but not as agreed.
    fn append_odd_record(&mut self, record: &Record, lines: &mut Vec<u8>) {
        let mut json = Vec::new();
        record.append_json(&mut json);
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&json) else {
            return;
        };
        match self.draws.below(9) {
            0 => _ = fields.remove("recordType"),
            1 if matches!(record.content, Content::Profile { .. }) => {
                _ = fields.remove("timestamp")
            }
            1 => fields = profile_without_timestamp(record),
            2 => self.remove_field(&mut fields),
            3 => self.replace_field(&mut fields, &[json!("")]),
            4 => self.replace_field(
                &mut fields,
                &[
                    json!(7),
                    json!(null),
                    json!([]),
                    json!({"a": "b"}),
                    json!(true),
                ],
            ),
            5 => self.spoil_timestamp(&mut fields),
            6 => return append_repeated_field(&json, lines),
            7 => _ = fields.insert("recordType".into(), json!("agent_update")),
            _ => self.decorate(&mut fields),
        }
        lines.extend_from_slice(Value::Object(fields).to_string().as_bytes());
    }

    fn required_field(&mut self, fields: &Map<String, Value>) -> &'static str {
        match fields.contains_key("tier") {
            true => self.draws.choose(&["customerId", "tier", "region"]),
            false => self
                .draws
                .choose(&["interactionId", "customerId", "channel", "status"]),
        }
    }

    fn remove_field(&mut self, fields: &mut Map<String, Value>) {
        let name = self.required_field(fields);
        fields.remove(name);
    }

    fn replace_field(&mut self, fields: &mut Map<String, Value>, values: &[Value]) {
        let name = self.required_field(fields);
        let value = &values[self.draws.below(values.len() as u64) as usize];
        fields.insert(name.into(), value.clone());
    }

    fn spoil_timestamp(&mut self, fields: &mut Map<String, Value>) {
        let timestamps = [
            json!("1700000000000"),
            json!(1.7e12),
            json!(-1),
            json!(253_402_300_800_000_i64),
            json!(i64::MAX),
            json!(u64::MAX),
        ];
        let timestamp = &timestamps[self.draws.below(timestamps.len() as u64) as usize];
        fields.insert("timestamp".into(), timestamp.clone());
    }

    /// What a reader of JSON has to take: characters that are escaped, many bytes long or both, unknown fields of any kind
    /// and size.
    fn decorate(&mut self, fields: &mut Map<String, Value>) {
        match self.draws.below(4) {
            0 => {
                let customer =
                    self.draws
                        .choose(&["Zoë \"Z\" \\ Ω", "客户-17", "\u{1f4de}\t", "a\nb"]);
                fields.insert("customerId".into(), json!(customer));
            }
            1 if fields.contains_key("channel") => {
                let channel =
                    self.draws
                        .choose(&["vidéo", "co-\"browsing\"", "message\u{7}", "短信"]);
                fields.insert("channel".into(), json!(channel));
            }
            2 => {
                _ = fields.insert(
                    "transcript".into(),
                    json!("la".repeat(self.draws.below(16_000) as usize)),
                )
            }
            _ => {
                _ = fields.insert(
                    "nested".into(),
                    json!({"recordType": 1, "customerId": [null, {"timestamp": "x"}]}),
                )
            }
        }
    }

    /// Not a record at all.
    fn append_noise(&mut self, lines: &mut Vec<u8>) {
        let noise: [&[u8]; 12] = [
            b"",
            b"   ",
            b"\r",
            b"null",
            b"[]",
            b"42",
            b"\"interaction\"",
            b"{",
            b"{}}",
            b"Traceback (most recent call last):",
            b"{\"recordType\":\"interaction\",\"customerId\":\"\xff\xfe\"}",
            b"\0\0\0\0",
        ];
        lines.extend_from_slice(self.draws.choose(&noise));
    }
}

fn profile_without_timestamp(record: &Record) -> Map<String, Value> {
    let fields = json!({
        "recordType": "customer_update",
        "customerId": format!("c{:06}", record.customer),
        "tier": "platinum",
        "region": "na",
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// At the end, so that a line which is cut in half is not JSON and nothing else.
fn append_repeated_field(json: &[u8], lines: &mut Vec<u8>) {
    lines.extend_from_slice(json.strip_suffix(b"}").unwrap_or(json));
    lines.extend_from_slice(br#","customerId":"c000001"}"#);
}
