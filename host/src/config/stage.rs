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

const MIB: u64 = 1024 * 1024;
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
        Self {
            memory: table.default(256 * MIB),
            cpu_time: table.default(Duration::from_secs(1)),
        }
    }

    fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default_of(table);
        let memory = table.optional_within("memory", ByteSize(MIB)..=ByteSize(4096 * MIB));
        let cpu_time = table.optional_within("cpu-time", Duration::from_millis(1)..=HOUR);
        Self {
            memory: memory.map_or(default.memory, |size| size.map(|size| size.0)),
            cpu_time: cpu_time.unwrap_or(default.cpu_time),
        }
    }
}
