//! Document 004: batch exports over WebSockets.

mod client;

use std::io;

use cxone_simulator::Options;
use serde_json::{Value, json};

use super::{Site, System, Told, Words, row};
use crate::harness::Pipeline;
use crate::table::{Row, Table};

pub use client::{Chunk, Heard, StreamClient};

/// Clients that are streamed to side by side.
const CLIENTS: usize = 6;
/// Records of an export.
const RECORDS: u64 = 2_000;

const EXPORTS: &str = "/api/v2/data-actions/exports";

/// What time alone decides.
const TIMING: [&str; 6] = [
    "timestamp",
    "latencyMs",
    "avg_latency_ms",
    "throughput_bps",
    "elapsed_ms",
    "started_at",
];

/// The system.
#[derive(Clone, Copy, Debug)]
pub struct StreamExport;

impl StreamExport {
    /// What a client asks for first: an export of a report of its own, in chunks and messages that differ from one client to the next.
    pub fn payload(number: usize) -> Value {
        let formats = ["gzip", "none"];
        let sizes = [1_048_576, 20_000];
        let matrices = [&[100_u64, 250][..], &[333], &[50, 1, 400]];
        json!({
            "report_id": format!("report-{number}"),
            "chunk_size_matrix": matrices[number % matrices.len()],
            "compression_format": formats[number % formats.len()],
            "max_payload_size": sizes[number / 2 % sizes.len()],
            "schema_version": "v1.2",
        })
    }

    /// Has so many clients with names of their own streamed to at once.
    ///
    /// # Errors
    /// When a stream does not come to its end.
    pub fn read_all(site: &Site, names: &str, clients: usize) -> io::Result<Vec<Told>> {
        let name = |number: usize| format!("{names}-{number}");
        super::side_by_side((0..clients).map(name), |asked| {
            let number = (0..clients).find(|number| name(*number) == asked);
            let mut payload = Self::payload(number.unwrap_or_default());
            payload["report_id"] = asked.into();
            Self::read(site, asked, &payload)
        })
    }

    /// Reads a stream to its end, as a client that comes back whenever it is cut off: every message is checked, acknowledged and taken once.
    fn read(site: &Site, name: &str, payload: &Value) -> io::Result<Value> {
        let path = format!("/stream?key={name}&acknowledge=true");
        let mut taken = Taken::default();
        site.client()?.persist(|| {
            let mut client = StreamClient::connect(site.address(), &path)?;
            client.say(payload)?;
            let mut heard = 0_u64;
            loop {
                match client.hear()? {
                    Heard::Message(message) => taken.take(&message)?,
                    Heard::Closed(1000, _) => return Ok(()),
                    Heard::Closed(code, reason) => {
                        return Err(io::Error::other(format!(
                            "{name}: closed with {code}: {reason}"
                        )));
                    }
                }
                heard += 1;
                client.say(&json!({ "acknowledge": heard }))?;
            }
        })?;
        Ok(taken.told())
    }
}

/// What a client has got, over all its connections.
#[derive(Default)]
struct Taken {
    greeting: Value,
    chunks: Vec<Value>,
    next_offset: u64,
    last: Value,
}

impl Taken {
    /// What was not seen to be acknowledged comes again: it has to be what came before.
    fn take(&mut self, message: &Value) -> io::Result<()> {
        match text(&message["status"]) {
            "streaming" => self.greeting = message.clone(),
            "complete" => self.last = message.clone(),
            _ => {
                let chunk = Chunk::of(message)?;
                let told = json!([chunk.offset, chunk.records, chunk.checksum]);
                if chunk.offset == self.next_offset {
                    self.next_offset += chunk.records;
                    self.chunks.push(told);
                } else if !self.chunks.contains(&told) {
                    let message = format!("{told} came where {} was expected", self.next_offset);
                    return Err(io::Error::other(message));
                }
            }
        }
        Ok(())
    }

    fn told(self) -> Value {
        json!({ "greeting": self.greeting, "chunks": self.chunks, "last": self.last })
    }
}

impl System for StreamExport {
    fn name(&self) -> &'static str {
        "stream-export"
    }

    fn platform(&self) -> Options {
        Options {
            export_rows: RECORDS,
            export_steps: 2,
            ..Options::default()
        }
    }

    fn configure(&self, pipeline: Pipeline, _: &Site) -> Pipeline {
        pipeline
            .set("connections.cxone.retry.first-wait=20ms")
            .set("jobs.export.configuration.poll-interval=100ms")
            .set("jobs.export.configuration.retry-interval=50ms")
            .checkpoint_every(50)
    }

    fn work(&self, site: &Site) -> io::Result<Vec<Told>> {
        Self::read_all(site, "report", CLIENTS)
    }

    fn outcome(&self, site: &Site, told: &[Told]) -> io::Result<Vec<Table>> {
        let exports = site.performed(EXPORTS);
        let mut words = Words::default();
        for export in &exports {
            words.add(&export.effect.answer["id"], text(&export.body["report_id"]));
        }
        let put = |about: &str, what: &Value| row(about, &words.put(what, &TIMING));
        let told = told.iter().map(|told| put(&told.about, &told.what));
        let exports = exports.iter();
        let exports = exports.map(|export| put(text(&export.body["report_id"]), &export.body));
        let lake = site.objects("lake")?;
        let lake = lake.iter().map(|chunk| {
            let export = words.of(&chunk["export_job_id"]);
            let mut copy = chunk.clone();
            // It has the identifier in it.
            let key = text(&chunk["key"]).rsplit_once('/');
            copy["key"] = key.map_or("", |(_, name)| name).into();
            in_order(export, put(&format!("{export} {}", chunk["offset"]), &copy))
        });
        let metrics = site.lines("metrics.jsonl")?;
        let metrics = metrics.iter();
        let metrics = metrics.map(|stream| put(words.of(&stream["export_job_id"]), stream));
        let audit = site.audit()?;
        let audit = audit.iter().map(|line| {
            let export = text(&line["resource"])
                .trim_start_matches("exports/")
                .into();
            let mut line = line.clone();
            line["resource"] = export;
            let export = words.of(&line["resource"]);
            let about = format!("{export} {} {}", text(&line["action"]), line["offset"]);
            in_order(export, put(&about, &line))
        });
        Ok(vec![
            table("streams", told),
            table("exports", exports),
            table("lake", lake),
            table("metrics", metrics),
            table("audit", audit),
        ])
    }
}

/// A row that stands behind those of the same stream that came before it.
fn in_order(stream: &str, row: Row) -> Row {
    let sequence = Some(stream.to_owned());
    Row { sequence, ..row }
}

fn table(name: &'static str, rows: impl IntoIterator<Item = Row>) -> Table {
    Table {
        name,
        rows: rows.into_iter().collect(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
