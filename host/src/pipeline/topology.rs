//! How a pipeline is cut into segments, and how records get from one stage to another.
//!
//! A *segment* is what one worker does on its own thread: stages that hand each other batches directly. A keyed input ends a segment,
//! because its records go to the worker that owns their key group. With one worker there is nothing to exchange and all is one segment.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Origin, Plan};

/// The segments of a pipeline and the edges between its stages.
#[derive(Debug, PartialEq, Eq)]
pub struct Topology {
    /// Workers of each segment.
    pub workers: usize,
    /// Number of segments; the sources are in segment 0, and records go from a segment to a higher one.
    pub segments: usize,
    /// By stage, its segment.
    pub segment_of: Vec<usize>,
    /// Every connection of an origin to an input of a stage.
    pub edges: Vec<Edge>,
}

/// A connection of an origin to an input of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where the records come from.
    pub from: Origin,
    /// The stage that they go to.
    pub stage: usize,
    /// Its input port.
    pub input: usize,
    /// How they get there.
    pub transport: Transport,
    /// The first of the channels that this edge is for the gate of the stage.
    pub first_channel: usize,
}

/// How records get from one stage to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By a call, within a worker.
    Call,
    /// To the worker of the same index in another segment.
    Straight,
    /// To the worker that owns the key group of the record.
    Exchange,
}

impl Topology {
    /// Cuts a plan for the workers of one process. With one worker there is nothing to cut.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self::cut(plan, plan.parallelism > 1)
    }

    /// Cuts a plan for the tasks of several processes, of one worker each.
    #[must_use]
    pub fn distributed(plan: &Plan) -> Self {
        Self::cut(plan, true)
    }

    fn cut(plan: &Plan, at_keys: bool) -> Self {
        let mut cut = Cut {
            plan,
            at_keys,
            segments: 1,
            segment_of: Vec::new(),
            groups: BTreeMap::new(),
        };
        for stage in 0..plan.stages.len() {
            let segment = cut.segment(stage);
            cut.segment_of.push(segment);
        }
        let edges = cut.edges();
        Self {
            workers: plan.parallelism,
            segments: cut.segments,
            segment_of: cut.segment_of,
            edges,
        }
    }

    /// The segment that an origin's records are made in.
    #[must_use]
    pub fn segment_of_origin(&self, origin: Origin) -> usize {
        match origin {
            Origin::Source(_) => 0,
            Origin::Stage { stage, .. } => self.segment_of[stage],
        }
    }

    /// The segments that send to `segment`.
    #[must_use]
    pub fn upstream(&self, segment: usize) -> BTreeSet<usize> {
        self.edges
            .iter()
            .filter(|edge| {
                edge.transport != Transport::Call && self.segment_of[edge.stage] == segment
            })
            .map(|edge| self.segment_of_origin(edge.from))
            .collect()
    }

    /// The segments that `segment` sends to.
    #[must_use]
    pub fn downstream(&self, segment: usize) -> BTreeSet<usize> {
        (0..self.segments)
            .filter(|other| self.upstream(*other).contains(&segment))
            .collect()
    }

    /// Number of channels that the gate of a stage has.
    #[must_use]
    pub fn channels(&self, stage: usize) -> usize {
        let edges = self.edges.iter().filter(|edge| edge.stage == stage);
        edges
            .map(|edge| {
                if edge.transport == Transport::Exchange {
                    self.workers
                } else {
                    1
                }
            })
            .sum()
    }

    /// The sources whose records come to a stage, through whatever other stages.
    #[must_use]
    pub fn sources_of(&self, stage: usize) -> BTreeSet<usize> {
        let origins = self
            .edges
            .iter()
            .filter(|edge| edge.stage == stage)
            .map(|edge| edge.from);
        origins
            .flat_map(|origin| match origin {
                Origin::Source(source) => BTreeSet::from([source]),
                Origin::Stage { stage, .. } => self.sources_of(stage),
            })
            .collect()
    }
}

struct Cut<'a> {
    plan: &'a Plan,
    /// Whether records with keys go to another worker than the one that made them.
    at_keys: bool,
    segments: usize,
    segment_of: Vec<usize>,
    /// Keyed stages that read from one segment alone share a segment: the one behind it.
    groups: BTreeMap<usize, usize>,
}

impl Cut<'_> {
    fn segment(&mut self, stage: usize) -> usize {
        if !self.at_keys {
            return 0;
        }
        let ports = &self.plan.stages[stage].component.description().inputs;
        let inputs = || {
            self.plan.stages[stage]
                .inputs
                .iter()
                .zip(ports)
                .filter(|(origins, _)| !origins.is_empty())
        };
        let upstream: BTreeSet<usize> = inputs()
            .flat_map(|(origins, _)| origins.iter().map(|&origin| self.segment_of_origin(origin)))
            .collect();
        let (any, all) = (
            inputs().any(|(_, port)| port.keyed),
            inputs().all(|(_, port)| port.keyed),
        );
        match upstream.first() {
            Some(&only) if upstream.len() == 1 && !any => only,
            Some(&only) if upstream.len() == 1 && all => {
                let segments = &mut self.segments;
                *self.groups.entry(only).or_insert_with(|| {
                    *segments += 1;
                    *segments - 1
                })
            }
            _ => {
                self.segments += 1;
                self.segments - 1
            }
        }
    }

    fn segment_of_origin(&self, origin: Origin) -> usize {
        match origin {
            Origin::Source(_) => 0,
            Origin::Stage { stage, .. } => self.segment_of[stage],
        }
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (stage, planned) in self.plan.stages.iter().enumerate() {
            let ports = &planned.component.description().inputs;
            let mut first_channel = 0;
            for (input, (origins, port)) in planned.inputs.iter().zip(ports).enumerate() {
                for &from in origins {
                    let transport = match self.segment_of_origin(from) == self.segment_of[stage] {
                        true => Transport::Call,
                        false if port.keyed => Transport::Exchange,
                        false => Transport::Straight,
                    };
                    edges.push(Edge {
                        from,
                        stage,
                        input,
                        transport,
                        first_channel,
                    });
                    first_channel += if transport == Transport::Exchange {
                        self.plan.parallelism
                    } else {
                        1
                    };
                }
            }
        }
        edges
    }
}
