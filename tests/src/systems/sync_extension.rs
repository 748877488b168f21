//! Document 003: synchronising data extensions.
//!
//! Which right records the platform refuses at first is decided by its faults, and what is told of that differs from run to run. What may not
//! differ is that all of it is made up for: it is held against what the platform has told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;

use cxone_simulator::{ExtensionSchema, Options};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::{Performed, Site, System, Told, Words, row};
use crate::harness::Pipeline;
use crate::table::{Row, Table};

/// Extensions that they are synchronised with side by side.
const EXTENSIONS: usize = 5;

const EVENTS: &str = "/api/v2/events/stream";

/// Figures that say which records were refused at first; the table of recoveries holds them against the platform.
const OF_REFUSALS: [&str; 4] = ["metrics", "recoveredRecords", "health", "healthReported"];
/// What time alone decides.
const TIMING: [&str; 4] = ["timestamp", "id", "url", "progress"];

/// The system.
#[derive(Clone, Copy, Debug)]
pub struct SyncExtension;

impl SyncExtension {
    /// Contacts that are synchronised.
    pub const CONTACTS: usize = 60;
    /// The token by which the platform is let in at the source.
    pub const SOURCE_TOKEN: &str = "demo-source-token";

    /// The extensions that they are synchronised with.
    pub fn extensions() -> impl Iterator<Item = String> {
        (0..EXTENSIONS).map(|number| format!("profiles-{number}"))
    }

    /// What the records of an extension have.
    pub fn schema(extension: String) -> ExtensionSchema {
        ExtensionSchema {
            id: extension,
            ..ExtensionSchema::customer_profiles()
        }
    }

    /// Contacts as a source has them, a line each: blanks around texts, fields that are null, dates in several forms.
    pub fn contacts(count: usize) -> String {
        let dates = ["2025-01-31", "2025-01-31T13:00:00+01:00"];
        (0..count).fold(String::new(), |mut lines, number| {
            let contact = json!({
                "customerId": format!("CUST_{number:03}"),
                "fullName": format!("  Näme {number} "),
                "email": (number % 3 > 0).then(|| format!("c{number}@example.com")),
                "loyaltyPoints": (number % 4 > 0).then_some(number),
                "vip": (number % 5 > 0).then_some(number % 2 == 0),
                "lastContact": dates.get(number % 3),
                "updatedAt": format!("2025-02-01T00:00:{:02}Z", number % 60),
            });
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{contact}");
            lines
        })
    }

    /// A request as the example has it, for an extension.
    pub fn request(extension: &str) -> Value {
        let mapping =
            |(name, kind): (&str, &str)| json!({ "source": name, "target": name, "type": kind });
        let fields = [
            ("customerId", "string"),
            ("fullName", "string"),
            ("email", "string"),
            ("loyaltyPoints", "number"),
            ("vip", "boolean"),
            ("lastContact", "date"),
        ];
        json!({
            "extensionId": extension,
            "fieldMappings": fields.map(mapping),
            "maxBatchSize": 25,
        })
    }

    /// Waits until so many contacts are served to the platform.
    ///
    /// # Errors
    /// When they are not.
    pub fn await_contacts(client: &Client, count: usize) -> io::Result<()> {
        let path = format!("/contacts?limit=1&offset={}", count - 1);
        let token = format!("Bearer {}", Self::SOURCE_TOKEN);
        client.persist(|| {
            let answer = client.ask("GET", &path, &[("authorization", &token)], "")?;
            match answer.json()["records"].get(0) {
                Some(_) => Ok(()),
                None => Err(io::Error::other(format!("{path}: {}", answer.json()))),
            }
        })
    }

    /// Has an extension synchronised, and gives what the host says of the job.
    ///
    /// # Errors
    /// When it is refused or does not end.
    pub fn synchronise(client: &Client, extension: &str) -> io::Result<Value> {
        let body = Self::request(extension).to_string();
        client.finish("/sync", extension, &body)
    }
}

impl System for SyncExtension {
    fn name(&self) -> &'static str {
        "sync-extension"
    }

    fn platform(&self) -> Options {
        Options {
            data_extensions: Self::extensions().map(Self::schema).collect(),
            source_token: Self::SOURCE_TOKEN.into(),
            outbound_attempts: 100,
            ..Options::default()
        }
    }

    fn configure(&self, pipeline: Pipeline, site: &Site) -> Pipeline {
        pipeline
            .input(&site.folder().join("contacts.jsonl"))
            .environment("SOURCE_TOKEN", Self::SOURCE_TOKEN)
            .set("connections.cxone.retry.first-wait=20ms")
            .set("connections.source.retry.first-wait=20ms")
            .set("jobs.sync.configuration.retry-interval=50ms")
            .set("jobs.sync.configuration.status-interval=2s")
            .checkpoint_every(50)
    }

    fn work(&self, site: &Site) -> io::Result<Vec<Told>> {
        let client = site.client()?;
        Self::await_contacts(&client, Self::CONTACTS)?;
        super::side_by_side(Self::extensions(), |extension| {
            Self::synchronise(&client, extension)
        })
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        let path = site.folder().join("contacts.jsonl");
        fs::write(path, Self::contacts(Self::CONTACTS))
    }

    fn outcome(&self, site: &Site, told: &[Told]) -> io::Result<Vec<Table>> {
        Outcome::of(site, told)?.tables(told)
    }
}

/// What is left of a run.
struct Outcome<'s> {
    site: &'s Site,
    words: Words,
    audit: Vec<Value>,
    /// The first synchronisation of each extension.
    syncs: Vec<Performed>,
}

impl<'s> Outcome<'s> {
    fn of(site: &'s Site, told: &[Told]) -> io::Result<Self> {
        let mut words = Words::default();
        let mut firsts = Vec::new();
        for told in told {
            let extension = &told.about;
            for sync in site.performed(&format!("/api/v2/data/extensions/{extension}/sync")) {
                let source = text(&sync.body["sourceEndpoint"]);
                let what = match source.split_once("recoveryBatch=") {
                    None => "sync",
                    Some((_, batch)) => {
                        words.add(&batch.into(), &format!("batch of {extension}"));
                        "recovery"
                    }
                };
                words.add(
                    &sync.effect.answer["syncJobId"],
                    &format!("{what} of {extension}"),
                );
                let hash = canonical_sha256(&sync.body)?;
                words.add(&hash.into(), &format!("hash of the {what} of {extension}"));
                if what == "sync" {
                    firsts.push(sync);
                }
            }
        }
        Ok(Self {
            site,
            words,
            audit: site.audit()?,
            syncs: firsts,
        })
    }

    fn tables(&self, told: &[Told]) -> io::Result<Vec<Table>> {
        let without = [&TIMING[..], &OF_REFUSALS].concat();
        let put = |about: &str, what: &Value| row(about, &self.words.put(what, &without));
        let completed = self.audit.iter();
        let completed = completed.filter(|line| line["action"] != "DATA_SYNC_RECOVERY_COMPLETED");
        let rejections = self.site.lines("rejections.jsonl")?;
        Ok(vec![
            table(
                "answers",
                told.iter().map(|told| put(&told.about, &told.what)),
            ),
            table(
                "audit",
                completed.map(|line| put(text(&line["resource"]), line)),
            ),
            table(
                "synchronisations",
                self.syncs.iter().map(|sync| self.sync(sync)),
            ),
            table("records", self.records(told)),
            table("recoveries", self.recoveries(told)?),
            table("rejections", rejections.iter().map(|line| put("", line))),
        ])
    }

    /// What the platform was asked for, without where this host listens.
    fn sync(&self, sync: &Performed) -> Row {
        let here = format!("http://{}", self.site.address());
        let mut row = row(text(&sync.body["extensionId"]), &sync.body);
        row.content = row.content.replace(&here, "(host)");
        row
    }

    fn records(&self, told: &[Told]) -> Vec<Row> {
        let records = told.iter().flat_map(|told| {
            let extension = &told.about;
            let records = self.site.simulator().extension_records(extension);
            let records = records.unwrap_or_default().into_iter();
            records.map(move |record| {
                let record = Value::Object(record);
                row(
                    &format!("{extension}/{}", text(&record["customerId"])),
                    &record,
                )
            })
        });
        records.collect()
    }

    /// Whether what was refused at first was sent again and told of, each once and nothing else.
    fn recoveries(&self, told: &[Told]) -> io::Result<Vec<Row>> {
        let batches = self.batches()?;
        let events = self.site.performed(EVENTS);
        let row_of = |told: &Told| {
            let extension = &told.about;
            let refused = self.refused(extension);
            let lines = self.audit.iter().filter(|line| {
                line["action"] == "DATA_SYNC_RECOVERY_COMPLETED"
                    && line["resource"] == format!("extensions/{extension}")
            });
            let payloads = lines.flat_map(|line| line["recoveryPayload"].as_array().cloned());
            let sent = payloads
                .flatten()
                .map(|one| text(&one["recordId"]).to_owned());
            let sent: Vec<String> = sent.collect();
            let batch = batches.iter().filter(|(batch, _)| {
                *self.words.of(&batch.as_str().into()) == format!("batch of {extension}")
            });
            let batch: BTreeSet<String> = batch.map(|(_, key)| key.clone()).collect();
            let output = &told.what["output"];
            let rate = refused.len() as f64 / SyncExtension::CONTACTS as f64 * 100.0;
            let health = if rate < 2.0 { "HEALTHY" } else { "DEGRADED" };
            let of_extension =
                |event: &&Performed| event.body["data"]["extensionId"] == **extension;
            let reported = events.iter().filter(of_extension);
            let reported: Vec<&str> = reported
                .map(|event| text(&event.body["data"]["healthScore"]))
                .collect();
            let is_right = sent.len() == refused.len()
                && sent.into_iter().collect::<BTreeSet<_>>() == refused
                && batch == refused
                && output["recoveredRecords"] == refused.len()
                && output["metrics"]["rejectedRecords"] == refused.len()
                && output["health"] == health
                && reported == [health];
            let content = match is_right {
                true => json!("all that was refused was sent again and told of once"),
                false => {
                    json!({ "refused": refused, "batch": batch, "output": output, "reported": reported })
                }
            };
            row(extension, &content)
        };
        Ok(told.iter().map(row_of).collect())
    }

    /// The records that the platform refused at first, by what it called back.
    fn refused(&self, extension: &str) -> BTreeSet<String> {
        let about = format!("sync of {extension}");
        let callbacks = self.site.simulator().callbacks();
        let mut callbacks = callbacks.iter();
        let callback =
            callbacks.find(|callback| *self.words.of(&callback.id.as_str().into()) == about);
        let errors = callback.and_then(|callback| callback.body["errors"].as_array().cloned());
        let errors = errors.unwrap_or_default();
        errors
            .iter()
            .map(|error| text(&error["recordId"]).to_owned())
            .collect()
    }

    /// Corrected records: their batch and their key.
    fn batches(&self) -> io::Result<Vec<(String, String)>> {
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            let path = self.site.folder().join("sync-extension.db");
            let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let mut rows = database.prepare("SELECT recoveryBatch, customerId FROM recovery")?;
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        read().map_err(io::Error::other)
    }
}

fn table(name: &'static str, rows: impl IntoIterator<Item = Row>) -> Table {
    Table {
        name,
        rows: rows.into_iter().collect(),
    }
}

fn canonical_sha256(value: &Value) -> io::Result<String> {
    let canonical = serde_json_canonicalizer::to_vec(value)?;
    let digest = Sha256::digest(canonical);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
