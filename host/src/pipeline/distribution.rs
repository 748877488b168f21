//! A pipeline in parts that several processes share.
//!
//! The pipeline is cut where records go to whoever works for their key. Between two segments there is a topic; a segment's work on one
//! partition of what it reads is a *task*: a plan of its own, with its own state, checkpoints and transactions, that any process may run. Which process runs which task is
//! left to the cluster's consumer groups, and that no task has two masters to its store and its transactions.

use std::collections::BTreeMap;

use super::plan::{
    DistributionPlan, ExchangeSink, ExchangeSource, ExchangedOrigin, Origin, Plan, SinkKind,
    SinkPlan, SourceKind, SourcePlan, StagePlan, TransactionPlan,
};
use super::topology::{Topology, Transport};
use crate::config;

/// A pipeline and the segments it is cut into.
#[derive(Debug)]
pub struct Distribution {
    plan: Plan,
    exchange: DistributionPlan,
    topology: Topology,
}

/// A task: what a segment does with one partition of what it reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId {
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
}

/// What a segment reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// A source, by index.
    Source(usize),
    /// The topic of the segment.
    Exchange(usize),
}

/// A topic that joins two segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeTopic {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: u16,
    /// Copies of it; the cluster's default if there is none.
    pub replication_factor: Option<u16>,
}

impl Distribution {
    /// Cuts a plan; none if it is for one process.
    #[must_use]
    pub fn of(plan: &Plan) -> Option<Self> {
        let exchange = plan.distribution.clone()?;
        Some(Self {
            topology: Topology::distributed(plan),
            plan: plan.clone(),
            exchange,
        })
    }

    /// The name of the pipeline.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The name of the cluster's connection.
    #[must_use]
    pub fn connection(&self) -> &str {
        &self.exchange.connection
    }

    /// The topics that the sources read.
    pub fn source_topics(&self) -> impl Iterator<Item = &str> {
        self.sources()
            .map(|(_, source)| source.topic.value.as_str())
    }

    /// The topics between the segments, which nobody else may write to.
    pub fn exchange_topics(&self) -> impl Iterator<Item = ExchangeTopic> {
        (1..self.topology.segments).map(|segment| ExchangeTopic {
            name: self.topic(segment),
            partitions: self.exchange.partitions,
            replication_factor: self.exchange.replication_factor,
        })
    }

    fn sources(&self) -> impl Iterator<Item = (usize, &config::KafkaSource)> {
        self.plan
            .sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| match &source.kind {
                SourceKind::Manifest(config::SourceKind::Kafka(kafka), _) => {
                    Some((index, &**kafka))
                }
                _ => None,
            })
    }

    /// The name that a segment is known by for ever: that of its first stage.
    fn segment_name(&self, segment: usize) -> &str {
        let stage = self
            .topology
            .segment_of
            .iter()
            .position(|&of| of == segment);
        stage.map_or("", |stage| &self.plan.stages[stage].name)
    }

    fn topic(&self, segment: usize) -> String {
        let (pipeline, segment) = (&self.plan.name, self.segment_name(segment));
        format!("jackfield-{pipeline}-{segment}-exchange")
    }

    fn input(&self, topic: &str) -> Option<Input> {
        let source = self
            .sources()
            .find(|(_, source)| source.topic.value == topic);
        match source {
            Some((index, _)) => Some(Input::Source(index)),
            None => (1..self.topology.segments)
                .find(|&segment| self.topic(segment) == topic)
                .map(Input::Exchange),
        }
    }

    /// Every task there is, where the topics of the sources have so many partitions.
    pub fn tasks<'a>(
        &'a self,
        partitions: &'a BTreeMap<String, u32>,
    ) -> impl Iterator<Item = TaskId> + 'a {
        let sources = partitions
            .iter()
            .map(|(topic, count)| (topic.clone(), *count));
        let exchanges = self
            .exchange_topics()
            .map(|topic| (topic.name, u32::from(topic.partitions)));
        sources.chain(exchanges).flat_map(|(topic, count)| {
            (0..count).map(move |partition| TaskId {
                topic: topic.clone(),
                partition: i32::try_from(partition).unwrap_or(i32::MAX),
            })
        })
    }

    /// The name of a task, by which its checkpoints and transactions are known.
    #[must_use]
    pub fn task_name(&self, task: &TaskId) -> Option<String> {
        let input = match self.input(&task.topic)? {
            Input::Source(source) => &self.plan.sources[source].name,
            Input::Exchange(segment) => self.segment_name(segment),
        };
        Some(format!("{input}-{}", task.partition))
    }

    /// The plan of a task; none if the topic is none of the pipeline's. `partitions` says how many partitions each source's topic has.
    #[must_use]
    pub fn plan_of(&self, task: &TaskId, partitions: &BTreeMap<String, u32>) -> Option<Plan> {
        let input = self.input(&task.topic)?;
        let name = self.task_name(task)?;
        let part = Part {
            distribution: self,
            segment: match input {
                Input::Source(_) => 0,
                Input::Exchange(segment) => segment,
            },
            input,
            partition: task.partition,
            name,
            partitions,
        };
        Some(part.plan())
    }

    /// As it is written in a manifest.
    fn name_of(&self, origin: Origin) -> String {
        match origin {
            Origin::Source(source) => self.plan.sources[source].name.clone(),
            Origin::Stage { stage, port } => {
                let stage = &self.plan.stages[stage];
                let port = &stage.component.description().outputs[port].name;
                format!("{}.{port}", stage.name)
            }
        }
    }
}

/// The part of a plan that is one task's.
struct Part<'a> {
    distribution: &'a Distribution,
    segment: usize,
    input: Input,
    partition: i32,
    name: String,
    partitions: &'a BTreeMap<String, u32>,
}

impl Part<'_> {
    fn plan(&self) -> Plan {
        let whole = &self.distribution.plan;
        let stages = self.stages();
        let arriving = self.arriving();
        let local = |origin: Origin| local(origin, &stages, &arriving);
        let mut sinks: Vec<SinkPlan> = whole
            .sinks
            .iter()
            .filter_map(|sink| {
                let from: Vec<Origin> = sink.from.iter().copied().filter_map(local).collect();
                (!from.is_empty()).then(|| SinkPlan {
                    from,
                    ..sink.clone()
                })
            })
            .collect();
        sinks.extend(
            self.leaving()
                .into_iter()
                .map(|(segment, origins)| SinkPlan {
                    name: format!("exchange-{}", self.distribution.segment_name(segment)),
                    from: origins.keys().copied().filter_map(local).collect(),
                    kind: SinkKind::Exchange(self.exchange(segment, &origins)),
                }),
        );
        Plan {
            jobs: None,
            name: whole.name.clone(),
            parallelism: 1,
            sources: self.sources(&arriving),
            stages: stages
                .iter()
                .map(|&stage| self.stage(stage, local))
                .collect(),
            dead_letters: whole.dead_letters.clone(),
            transaction: self.transaction(&sinks),
            sinks,
            distribution: None,
            task: Some(self.name.clone()),
            checkpoint: whole.checkpoint.clone(),
            recovery: whole.recovery,
        }
    }

    /// The stages that work in the task, by index in the whole plan. Of those that read sources only the ones that this source feeds.
    fn stages(&self) -> Vec<usize> {
        let topology = &self.distribution.topology;
        (0..self.distribution.plan.stages.len())
            .filter(|&stage| topology.segment_of[stage] == self.segment)
            .filter(|&stage| match self.input {
                Input::Source(source) => topology.sources_of(stage).contains(&source),
                Input::Exchange(_) => true,
            })
            .collect()
    }

    /// The origins whose records the task reads, in the order of its sources.
    fn arriving(&self) -> Vec<Origin> {
        match self.input {
            Input::Source(source) => vec![Origin::Source(source)],
            Input::Exchange(segment) => {
                let topology = &self.distribution.topology;
                let mut origins: Vec<Origin> = topology
                    .edges
                    .iter()
                    .filter(|edge| topology.segment_of[edge.stage] == segment)
                    .filter(|edge| edge.transport != Transport::Call)
                    .map(|edge| edge.from)
                    .collect();
                origins.sort();
                origins.dedup();
                origins
            }
        }
    }

    /// By segment that the task writes to: the origins, and whether their records go by key.
    fn leaving(&self) -> BTreeMap<usize, BTreeMap<Origin, bool>> {
        let topology = &self.distribution.topology;
        let mine = self.stages();
        let mut leaving: BTreeMap<usize, BTreeMap<Origin, bool>> = BTreeMap::new();
        for edge in &topology.edges {
            let is_mine = match (edge.from, self.input) {
                (Origin::Stage { stage, .. }, _) => mine.contains(&stage),
                (Origin::Source(from), Input::Source(source)) => from == source,
                (Origin::Source(_), Input::Exchange(_)) => false,
            };
            if is_mine && edge.transport != Transport::Call {
                leaving
                    .entry(topology.segment_of[edge.stage])
                    .or_default()
                    .insert(edge.from, edge.transport == Transport::Exchange);
            }
        }
        leaving
    }

    fn sources(&self, arriving: &[Origin]) -> Vec<SourcePlan> {
        let whole = &self.distribution.plan;
        match self.input {
            Input::Source(source) => {
                let mut source = whole.sources[source].clone();
                if let SourceKind::Manifest(_, partition) = &mut source.kind {
                    *partition = Some(self.partition);
                }
                vec![source]
            }
            Input::Exchange(segment) => arriving
                .iter()
                .enumerate()
                .map(|(index, &origin)| SourcePlan {
                    name: self.distribution.name_of(origin),
                    kind: match index {
                        0 => self.exchange_source(segment, arriving),
                        _ => SourceKind::SameExchange,
                    },
                    watermark: None,
                    rate_limit: None,
                })
                .collect(),
        }
    }

    fn exchange_source(&self, segment: usize, arriving: &[Origin]) -> SourceKind {
        let Some((_, like)) = self.distribution.sources().next() else {
            return SourceKind::SameExchange;
        };
        let origins = arriving
            .iter()
            .map(|&origin| self.distribution.name_of(origin));
        SourceKind::Exchange(Box::new(ExchangeSource {
            topic: crate::source::exchange_topic(like, self.distribution.topic(segment)),
            partition: self.partition,
            origins: origins.collect(),
        }))
    }

    fn exchange(&self, segment: usize, origins: &BTreeMap<Origin, bool>) -> ExchangeSink {
        let exchanged = origins.iter().map(|(&origin, &keyed)| ExchangedOrigin {
            name: self.distribution.name_of(origin),
            tasks: self.tasks_of(origin),
            keyed,
        });
        ExchangeSink {
            topic: self.distribution.topic(segment),
            partitions: self.distribution.exchange.partitions,
            task: self.name.clone(),
            index: u32::try_from(self.partition).unwrap_or(0),
            origins: exchanged.collect(),
        }
    }

    /// How many tasks make records of an origin.
    fn tasks_of(&self, origin: Origin) -> u32 {
        let topology = &self.distribution.topology;
        let partitions_of = |source: usize| {
            let topic = match &self.distribution.plan.sources[source].kind {
                SourceKind::Manifest(config::SourceKind::Kafka(kafka), _) => &kafka.topic.value,
                _ => return 0,
            };
            self.partitions.get(topic).copied().unwrap_or(0)
        };
        match origin {
            Origin::Source(source) => partitions_of(source),
            Origin::Stage { stage, .. } if topology.segment_of[stage] == 0 => topology
                .sources_of(stage)
                .into_iter()
                .map(partitions_of)
                .sum(),
            Origin::Stage { .. } => u32::from(self.distribution.exchange.partitions),
        }
    }

    fn stage(&self, stage: usize, local: impl Fn(Origin) -> Option<Origin>) -> StagePlan {
        let whole = &self.distribution.plan.stages[stage];
        let inputs = whole
            .inputs
            .iter()
            .map(|origins| origins.iter().copied().filter_map(&local).collect());
        StagePlan {
            inputs: inputs.collect(),
            ..whole.clone()
        }
    }

    fn transaction(&self, sinks: &[SinkPlan]) -> Option<TransactionPlan> {
        let topic = sinks.iter().find_map(|sink| match &sink.kind {
            SinkKind::Exchange(exchange) => Some(exchange.topic.clone()),
            SinkKind::Manifest(config::SinkKind::Kafka(kafka)) => Some(kafka.topic.value.clone()),
            SinkKind::Manifest(_) => None,
        });
        let letters = self.distribution.plan.dead_letters.as_ref();
        let topic = topic.or_else(|| Some(letters?.topic.value.clone()))?;
        Some(TransactionPlan {
            connection: self.distribution.exchange.connection.clone(),
            id: format!("jackfield-{}-{}", self.distribution.plan.name, self.name),
            topic,
        })
    }
}

/// An origin of the whole plan as one of the task's, if the task has it.
fn local(origin: Origin, stages: &[usize], arriving: &[Origin]) -> Option<Origin> {
    if let Some(source) = arriving.iter().position(|&arrives| arrives == origin) {
        return Some(Origin::Source(source));
    }
    match origin {
        Origin::Source(_) => None,
        Origin::Stage { stage, port } => {
            let stage = stages.iter().position(|&mine| mine == stage)?;
            Some(Origin::Stage { stage, port })
        }
    }
}
