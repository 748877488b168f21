//! A plan: everything that running a pipeline needs to know, checked against the plugins and inert.

use std::path::PathBuf;
use std::time::Duration;

use super::watermark::Strategy;
use crate::config;
use crate::job::Definition;
use crate::plugin::{Component, Failure, Instance, Limits};

/// A pipeline, ready to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// How many instances of a stage work side by side.
    pub parallelism: usize,
    /// How often checkpoints are taken.
    pub checkpoint: CheckpointPlan,
    /// What becomes of it when plugins fail.
    pub recovery: config::Recovery,
    /// Where records come from; what jobs emit comes last.
    pub sources: Vec<SourcePlan>,
    /// Work that takes long, and where it is kept.
    pub jobs: Option<JobsPlan>,
    /// What works on them: a stage comes after those it reads from.
    pub stages: Vec<StagePlan>,
    /// Where results go.
    pub sinks: Vec<SinkPlan>,
    /// The topic that dead letters go to; they are kept with the checkpoints if there is none.
    pub dead_letters: Option<config::KafkaDeadLetters>,
    /// How what is written to Kafka becomes true, if anything is.
    pub transaction: Option<TransactionPlan>,
    /// How several processes share the pipeline, if they do.
    pub distribution: Option<DistributionPlan>,
    /// In a part of a distributed pipeline: which task it is.
    pub task: Option<String>,
}

impl Plan {
    /// The output ports of a stage that something consumes, by index.
    #[must_use]
    pub fn consumed_ports(&self, stage: usize) -> Vec<u32> {
        let ports = self.stages[stage].component.description().outputs.len();
        let is_consumed = |port: &u32| {
            let origin = Origin::Stage {
                stage,
                port: *port as usize,
            };
            let by_stages = self.stages.iter().flat_map(|stage| &stage.inputs).flatten();
            let by_sinks = self.sinks.iter().flat_map(|sink| &sink.from);
            by_stages
                .chain(by_sinks)
                .any(|consumed| *consumed == origin)
        };
        (0..).take(ports).filter(is_consumed).collect()
    }
}

/// The jobs of a pipeline.
#[derive(Clone, Debug)]
pub struct JobsPlan {
    /// The database that they are kept in.
    pub path: PathBuf,
    /// At least one.
    pub definitions: Vec<Definition>,
}

/// How several processes share a pipeline: its segments are joined by topics, and each partition of a topic is a task.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionPlan {
    /// The name of the connection.
    pub connection: String,
    /// Partitions of the topics between segments.
    pub partitions: u16,
    /// Copies of the topics between segments; what the cluster makes of new topics if there is none.
    pub replication_factor: Option<u16>,
}

/// How what a task writes to Kafka becomes true with its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPlan {
    /// The name of the connection.
    pub connection: String,
    /// The transactional id: one a task, for ever, so that a successor fences those before it. Also the name of the consumer group in which the number of
    /// the committed epoch is kept, as an offset.
    pub id: String,
    /// A topic that exists: the offset is kept for its partition 0, which nobody reads in that group.
    pub topic: String,
}

/// How often checkpoints are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointPlan {
    /// From the start of one to the start of the next.
    pub interval: Duration,
    /// At least from the end of one to the start of the next.
    pub minimum_pause: Duration,
}

/// A source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// How its watermark is made, if it is made here.
    pub watermark: Option<Strategy>,
    /// How fast it is read at most.
    pub rate_limit: Option<config::RateLimit>,
}

impl SourcePlan {
    /// Whether it is a source of the manifest, and not what other tasks of the pipeline have written.
    #[must_use]
    pub fn is_of_manifest(&self) -> bool {
        matches!(self.kind, SourceKind::Manifest(..))
    }
}

/// What a source is.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// A source of the manifest; of a topic only the one partition, if it is said.
    Manifest(config::SourceKind, Option<i32>),
    /// What the tasks of another segment have written to a topic for this one: the first of their origins, and the topic with all of them.
    Exchange(Box<ExchangeSource>),
    /// What the jobs of this name of the manifest emit to a port. Without a port nothing, for as long as jobs may run.
    Job {
        /// The job.
        job: String,
        /// The port.
        port: Option<String>,
    },
    /// A further origin of the exchange in front of it, by which it is read.
    SameExchange,
}

/// A partition of the topic between two segments, at its reader's end.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeSource {
    /// How the topic is read.
    pub topic: config::KafkaSource,
    /// Which of its partitions.
    pub partition: i32,
    /// The origins whose records it holds, in the order of the sources of the plan.
    pub origins: Vec<String>,
}

/// The topic between two segments, at its writer's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSink {
    /// The topic.
    pub topic: String,
    /// Its partitions.
    pub partitions: u16,
    /// The task that writes.
    pub task: String,
    /// The number of this task among those of its segment, by which records without keys are spread.
    pub index: u32,
    /// What is written, in the order of what feeds the sink.
    pub origins: Vec<ExchangedOrigin>,
}

/// An origin whose records go through a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangedOrigin {
    /// A source, or a port of a stage as `STAGE.PORT`.
    pub name: String,
    /// How many tasks make records of this origin.
    pub tasks: u32,
    /// Whether its records go where their key belongs.
    pub keyed: bool,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StagePlan {
    /// Its name.
    pub name: String,
    /// Its code.
    pub component: Component,
    /// JSON.
    pub configuration: String,
    /// What an instance may use.
    pub limits: Limits,
    /// How the watermark of its outputs is made, if it is made here.
    pub watermark: Option<Strategy>,
    /// By input port: what feeds it.
    pub inputs: Vec<Vec<Origin>>,
}

impl StagePlan {
    /// An instance that has its configuration, but no state yet; of the outputs, by index, `connected` are consumed.
    ///
    /// # Errors
    /// [`Failure`] where the plugin fails as it starts, or does not accept the configuration.
    pub fn instance(&self, connected: &[u32]) -> Result<Instance, Failure> {
        let Self {
            name,
            limits,
            configuration,
            ..
        } = self;
        self.component
            .instantiate_configured(name, limits, configuration, connected)
    }
}

/// A sink.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkPlan {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SinkKind,
    /// What feeds it.
    pub from: Vec<Origin>,
}

/// What a sink is.
#[derive(Clone, Debug, PartialEq)]
pub enum SinkKind {
    /// A sink of the manifest.
    Manifest(config::SinkKind),
    /// The way to the tasks of another segment.
    Exchange(ExchangeSink),
}

impl SinkPlan {
    /// Whether watermarks and silences matter to it as records do.
    #[must_use]
    pub fn follows_time(&self) -> bool {
        matches!(self.kind, SinkKind::Exchange(_))
    }

    /// Whether it does something with records when they are committed, so that a pipeline has not done everything with its last checkpoint.
    #[must_use]
    pub fn acts_on_commits(&self) -> bool {
        match &self.kind {
            SinkKind::Manifest(config::SinkKind::Webhook(_)) => true,
            SinkKind::Manifest(config::SinkKind::ObjectStore(objects)) => {
                matches!(objects.form, config::ObjectForm::Lines { .. })
            }
            SinkKind::Manifest(_) | SinkKind::Exchange(_) => false,
        }
    }

    /// Whether what it was given since the last checkpoint has not happened if the pipeline goes back there. What the others do is written over by a replay, which is as good
    /// only if the replay gives the same.
    #[must_use]
    pub fn undoes(&self) -> bool {
        use config::SinkKind as Kind;
        match &self.kind {
            SinkKind::Exchange(_) => true,
            SinkKind::Manifest(Kind::ObjectStore(objects)) => {
                matches!(objects.form, config::ObjectForm::Lines { .. })
            }
            SinkKind::Manifest(
                Kind::Sqlite(_)
                | Kind::Jsonl(_)
                | Kind::Audit(_)
                | Kind::Kafka(_)
                | Kind::Webhook(_),
            ) => true,
            SinkKind::Manifest(Kind::Cassandra(_) | Kind::Stdout(_)) => false,
        }
    }

    /// Whether it keeps an outbox in the database of the checkpoints.
    #[must_use]
    pub fn owes(&self) -> bool {
        matches!(self.kind, SinkKind::Manifest(config::SinkKind::Webhook(_)))
    }
}

/// Where the records of an input come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A source, by index.
    Source(usize),
    /// An output port of a stage, both by index.
    Stage {
        /// The stage.
        stage: usize,
        /// The port.
        port: usize,
    },
}
