//! Work that takes long: a sandboxed plugin, whom it may talk to, and what it may use.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::configuration::Configuration;
use crate::config::connection::Grant;
use crate::config::name::Name;
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::size::ByteSize;
use crate::config::stage::{HOST_CALLS, host_calls};
use crate::config::tree::Value;

const MIB: u64 = 1024 * 1024;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(24 * 365);

/// A job of the pipeline: `[jobs.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The name that triggers, inputs and sinks refer to.
    pub name: Located<Name>,
    /// The component that does the work.
    pub plugin: Located<PathBuf>,
    /// Connections that it may make requests of, and which; none by default.
    pub connections: Vec<ConnectionGrant>,
    /// What it may use.
    pub limits: JobLimits,
    /// Runs at a time; 16 by default. One that waits for long is not counted.
    pub concurrency: Located<u16>,
    /// Jobs that are not finished at a time; 100,000 by default.
    pub queue: Located<u32>,
    /// How long a finished job is kept; 7 days by default.
    pub keep_finished: Located<Duration>,
    /// The plugin's own options, which its JSON Schema describes.
    pub configuration: Configuration,
}

/// A connection that a job may make requests of.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionGrant {
    /// The connection.
    pub connection: Located<String>,
    /// Which of the requests that the connection permits.
    pub grant: Grant,
}

/// What a job may use: `limits`.
#[derive(Clone, Debug, PartialEq)]
pub struct JobLimits {
    /// Linear memory of one instance, in bytes; 256 MiB by default.
    pub memory: Located<u64>,
    /// CPU time from one long wait to the next; 10 s by default.
    pub cpu_time: Located<Duration>,
    /// Steps from one savepoint to the next; 10,000 by default.
    pub steps: Located<u32>,
    /// Time from when a job is submitted to when it has to be done; 30 days by default.
    pub wall_time: Located<Duration>,
    /// The longest output, record or savepoint, in bytes; 16 MiB by default.
    pub output: Located<u64>,
    /// Calls of the host a second that are no steps; 100,000 by default.
    pub host_calls: Located<u32>,
}

/// Where jobs are kept: `[job-store]`.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStoreOptions {
    /// An SQLite file. Beside the database of the checkpoints by default, as `NAME.jobs.db`.
    pub path: Located<PathBuf>,
}

impl Job {
    pub(crate) fn read(name: Located<Name>, table: &TableReader<'_>) -> Option<Self> {
        let plugin = table.required("plugin");
        let connections = ConnectionGrant::read_all(table);
        let limits = table.optional_table("limits", |table| Some(JobLimits::read(table)));
        let concurrency = table.optional_within("concurrency", 1..=256_u16);
        let queue = table.optional_within("queue", 1..=10_000_000_u32);
        let keep_finished = table.optional_within("keep-finished", Duration::from_secs(1)..=YEAR);
        let configuration = Configuration::read(table);
        Some(Self {
            name,
            plugin: plugin?,
            connections: connections.unwrap_or_default(),
            limits: limits.unwrap_or_else(|| JobLimits::default_of(table)),
            concurrency: concurrency.unwrap_or_else(|| table.default(16)),
            queue: queue.unwrap_or_else(|| table.default(100_000)),
            keep_finished: keep_finished.unwrap_or_else(|| table.default(7 * DAY)),
            configuration,
        })
    }
}

impl ConnectionGrant {
    /// Names, each with all that its connection permits; or a table that says of each how much.
    fn read_all(table: &TableReader<'_>) -> Option<Vec<Self>> {
        let node = table.optional_node("connections")?;
        match &node.value {
            Value::Array(_) => {}
            Value::Table(_) => return Self::read_table(table),
            _ => {
                let expected = r#"names, such as `["crm"]`, or a table that says how much of each, such as `crm = { paths = ["/reports/*"] }`"#;
                return table.context().wrong_type(node, expected);
            }
        }
        let named = table.context().list::<String>(node)?;
        table.context().refuse_repetition(&named);
        let whole = |connection| Self {
            connection,
            grant: Grant::default(),
        };
        Some(named.into_iter().map(whole).collect())
    }

    fn read_table(table: &TableReader<'_>) -> Option<Vec<Self>> {
        let example = r#"connections.NAME = { paths = ["/reports/*"] }"#;
        table.required_entries("connections", example, |name, node, context| {
            let table = TableReader::new(node, context)?;
            let grant = Grant::read(&table);
            table.finish();
            Some(Self {
                connection: name.clone(),
                grant: grant?,
            })
        })
    }
}

impl JobLimits {
    fn default_of(table: &TableReader<'_>) -> Self {
        Self {
            memory: table.default(256 * MIB),
            cpu_time: table.default(Duration::from_secs(10)),
            steps: table.default(10_000),
            wall_time: table.default(30 * DAY),
            output: table.default(16 * MIB),
            host_calls: table.default(HOST_CALLS),
        }
    }

    fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default_of(table);
        let memory = table.optional_within("memory", ByteSize(MIB)..=ByteSize(4096 * MIB));
        let cpu_time = table.optional_within("cpu-time", Duration::from_millis(1)..=HOUR);
        let steps = table.optional_within("steps", 1..=1_000_000_u32);
        let wall_time = table.optional_within("wall-time", Duration::from_millis(1)..=YEAR);
        let output = table.optional_within("output", ByteSize(1)..=ByteSize(1024 * MIB));
        Self {
            memory: memory.map_or(default.memory, |size| size.map(|size| size.0)),
            cpu_time: cpu_time.unwrap_or(default.cpu_time),
            steps: steps.unwrap_or(default.steps),
            wall_time: wall_time.unwrap_or(default.wall_time),
            output: output.map_or(default.output, |size| size.map(|size| size.0)),
            host_calls: host_calls(table).unwrap_or(default.host_calls),
        }
    }
}

impl JobStoreOptions {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        table.required("path").map(|path| Self { path })
    }
}
