//! The work between sources and sinks: a sandboxed plugin, what feeds it, and what it may use.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::configuration::Configuration;
use crate::config::name::Name;
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::reference::Reference;
use crate::config::size::ByteSize;
use crate::config::watermark::Watermark;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;
/// 1 TiB.
const MOST_STATE: u64 = 1 << 40;
/// Far above what honest work takes, far below what a loop of nothing else makes.
pub(super) const HOST_CALLS: u32 = 100_000;
const HOUR: Duration = Duration::from_hours(1);

/// A stage of the pipeline: `[stages.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The name that inputs and sinks refer to.
    pub name: Located<Name>,
    /// The component that does the work.
    pub plugin: Located<PathBuf>,
    /// The input ports that the manifest connects, in its order; at least one.
    pub inputs: Vec<Input>,
    /// How the watermark of the stage's outputs is made, if it is made here.
    pub watermark: Option<Located<Watermark>>,
    /// What the plugin may use.
    pub limits: Limits,
    /// The plugin's own options, which its JSON Schema describes.
    pub configuration: Configuration,
}

/// An input port and what it consumes: `inputs.PORT = …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The port, as the stage's plugin describes it.
    pub port: Located<Name>,
    /// What it consumes; at least one, none twice.
    pub from: Vec<Located<Reference>>,
}

/// What an instance of a plugin may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes; 256 MiB by default.
    pub memory: Located<u64>,
    /// CPU time of one call; 1 s by default.
    pub cpu_time: Located<Duration>,
    /// What one call of `process` may return, in bytes; half of `memory` by default.
    pub output_bytes: Located<u64>,
    /// Keys and values that one instance may remember, in bytes; as many as `memory` by default.
    pub state_bytes: Located<u64>,
    /// Calls of the host a second; 100,000 by default.
    pub host_calls: Located<u32>,
}

impl Stage {
    pub(crate) fn read(name: Located<Name>, table: &TableReader<'_>) -> Option<Self> {
        let plugin = table.required("plugin");
        let inputs = table.required_entries(
            "inputs",
            "inputs.lines = \"records\"",
            |port, node, context| {
                let port = Name::located(port, context);
                let from = context.one_or_more(node);
                Some(Input {
                    port: port?,
                    from: from?,
                })
            },
        );
        let watermark = Watermark::read_optional(table);
        let limits = table.optional_table("limits", |table| Some(Limits::read(table)));
        let configuration = Configuration::read(table);
        Some(Self {
            name,
            plugin: plugin?,
            inputs: inputs?,
            watermark,
            limits: limits.unwrap_or_else(|| Limits::default_of(table)),
            configuration,
        })
    }

    /// Everything that the stage consumes, in the order of the manifest.
    pub fn references(&self) -> impl Iterator<Item = &Located<Reference>> {
        self.inputs.iter().flat_map(|input| &input.from)
    }
}

impl Limits {
    fn default_of(table: &TableReader<'_>) -> Self {
        Self::following(table, table.default(256 * MIB))
    }

    /// What is returned at once and what is remembered has to fit into the memory, and follows it.
    fn following(table: &TableReader<'_>, memory: Located<u64>) -> Self {
        Self {
            cpu_time: table.default(Duration::from_secs(1)),
            output_bytes: table.default(memory.value / 2),
            state_bytes: table.default(memory.value),
            host_calls: table.default(HOST_CALLS),
            memory,
        }
    }

    fn read(table: &TableReader<'_>) -> Self {
        let bytes = |key, range| {
            let found = table.optional_within::<ByteSize>(key, range);
            found.map(|size| size.map(|size| size.0))
        };
        let memory = bytes("memory", ByteSize(MIB)..=ByteSize(4096 * MIB));
        let default = Self::following(table, memory.unwrap_or(table.default(256 * MIB)));
        let cpu_time = table.optional_within("cpu-time", Duration::from_millis(1)..=HOUR);
        let output_bytes = bytes("output-bytes", ByteSize(KIB)..=ByteSize(4096 * MIB));
        let state_bytes = bytes("state-bytes", ByteSize(0)..=ByteSize(MOST_STATE));
        Self {
            cpu_time: cpu_time.unwrap_or(default.cpu_time),
            output_bytes: output_bytes.unwrap_or(default.output_bytes),
            state_bytes: state_bytes.unwrap_or(default.state_bytes),
            host_calls: host_calls(table).unwrap_or(default.host_calls),
            memory: default.memory,
        }
    }
}

/// A few calls are made by the standard library before a plugin does anything.
pub(super) fn host_calls(table: &TableReader<'_>) -> Option<Located<u32>> {
    table.optional_within("host-calls", 100..=1_000_000_000_u32)
}
