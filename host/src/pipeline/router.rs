//! Where the records of a worker go.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::channel::{Fault, Signal, ToSink, ToWorker};
use super::plan::{Origin, Plan, SinkPlan};
use super::topology::{Topology, Transport};
use crate::record::{Batch, Mark};

/// The ways from the origins of one worker to stages and sinks, its own stages included.
pub(super) struct Router {
    /// Index of the worker among those of its segment.
    worker: usize,
    routes: Vec<(Origin, Route)>,
    /// By segment and worker; empty where this worker sends nothing.
    workers: Vec<Vec<Sender<ToWorker>>>,
    sinks: Vec<Option<Sender<ToSink>>>,
    /// By sink: whether marks and silences matter to it.
    follows_time: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Route {
    /// Stages of this worker, by edge.
    Call(usize),
    Straight {
        edge: usize,
        segment: usize,
    },
    Exchange {
        edge: usize,
        segment: usize,
    },
    Sink {
        sink: usize,
        /// Which of the origins that feed the sink this is.
        from: usize,
    },
}

/// A delivery to a stage of the same worker.
pub(super) struct Call {
    pub(super) edge: usize,
    pub(super) signal: Signal,
}

impl Router {
    /// For the worker of that index in `segment`.
    pub(super) fn new(
        plan: &Plan,
        topology: &Topology,
        segment: usize,
        worker: usize,
        workers: &[Vec<Sender<ToWorker>>],
        sinks: &[Sender<ToSink>],
    ) -> Self {
        let mut routes = Vec::new();
        for (index, edge) in topology.edges.iter().enumerate() {
            if topology.segment_of_origin(edge.from) != segment {
                continue;
            }
            let to = topology.segment_of[edge.stage];
            routes.push((
                edge.from,
                match edge.transport {
                    Transport::Call => Route::Call(index),
                    Transport::Straight => Route::Straight {
                        edge: index,
                        segment: to,
                    },
                    Transport::Exchange => Route::Exchange {
                        edge: index,
                        segment: to,
                    },
                },
            ));
        }
        let mut reached = vec![false; sinks.len()];
        for (index, sink) in plan.sinks.iter().enumerate() {
            for (from, &origin) in sink.from.iter().enumerate() {
                if topology.segment_of_origin(origin) == segment {
                    routes.push((origin, Route::Sink { sink: index, from }));
                    reached[index] = true;
                }
            }
        }
        let downstream = topology.downstream(segment);
        let senders = |(to, senders): (usize, &Vec<Sender<ToWorker>>)| {
            if downstream.contains(&to) {
                senders.clone()
            } else {
                Vec::new()
            }
        };
        Self {
            worker,
            routes,
            workers: workers.iter().enumerate().map(senders).collect(),
            sinks: sinks
                .iter()
                .zip(reached)
                .map(|(sink, reached)| reached.then(|| sink.clone()))
                .collect(),
            follows_time: plan.sinks.iter().map(SinkPlan::follows_time).collect(),
        }
    }

    /// Sends a batch to all who consume its origin; gives what goes to stages of the same worker.
    pub(super) fn send(&self, origin: Origin, batch: Batch) -> Result<Vec<Call>, Fault> {
        if batch.is_empty() && batch.marks.is_empty() {
            return Ok(Vec::new());
        }
        let batch = Arc::new(batch);
        let mut calls = Vec::new();
        let mut parts: Option<Vec<Arc<Batch>>> = None;
        for (_, route) in self.routes.iter().filter(|(from, _)| *from == origin) {
            match *route {
                Route::Call(edge) => calls.push(Call {
                    edge,
                    signal: Signal::Batch(Arc::clone(&batch)),
                }),
                Route::Straight { edge, segment } => {
                    self.deliver(
                        segment,
                        self.worker,
                        edge,
                        Signal::Batch(Arc::clone(&batch)),
                    )?;
                }
                Route::Exchange { edge, segment } => {
                    let workers = self.workers[segment].len();
                    let parts = parts.get_or_insert_with(|| {
                        batch.partition(workers).into_iter().map(Arc::new).collect()
                    });
                    for (worker, part) in parts.iter().enumerate() {
                        if !(part.is_empty() && part.marks.is_empty()) {
                            self.deliver(segment, worker, edge, Signal::Batch(Arc::clone(part)))?;
                        }
                    }
                }
                Route::Sink { sink, from } => {
                    if !batch.is_empty() || self.follows_time[sink] {
                        self.deliver_to_sink(sink, from, Signal::Batch(Arc::clone(&batch)))?;
                    }
                }
            }
        }
        Ok(calls)
    }

    /// Sends records to a sink, whatever their origin.
    pub(super) fn send_to_sink(&self, sink: usize, batch: Batch) -> Result<(), Fault> {
        self.deliver_to_sink(sink, 0, Signal::Batch(Arc::new(batch)))
    }

    /// Says that an origin is silent for now.
    pub(super) fn silence(&self, origin: Origin) -> Result<Vec<Call>, Fault> {
        let mut calls = Vec::new();
        for (_, route) in self.routes.iter().filter(|(from, _)| *from == origin) {
            match *route {
                Route::Call(edge) => calls.push(Call {
                    edge,
                    signal: Signal::Silence,
                }),
                Route::Straight { edge, segment } => {
                    self.deliver(segment, self.worker, edge, Signal::Silence)?
                }
                Route::Exchange { edge, segment } => {
                    for worker in 0..self.workers[segment].len() {
                        self.deliver(segment, worker, edge, Signal::Silence)?;
                    }
                }
                Route::Sink { sink, from } => {
                    if self.follows_time[sink] {
                        self.deliver_to_sink(sink, from, Signal::Silence)?;
                    }
                }
            }
        }
        Ok(calls)
    }

    /// Tells all whom this worker sends to that it has said everything of this epoch.
    pub(super) fn barrier(&self) -> Result<(), Fault> {
        for worker in self.workers.iter().flatten() {
            worker.send(ToWorker::Barrier)?;
        }
        for sink in self.sinks.iter().flatten() {
            sink.send(ToSink::Barrier)?;
        }
        Ok(())
    }

    fn deliver_to_sink(&self, sink: usize, from: usize, signal: Signal) -> Result<(), Fault> {
        self.sinks[sink].as_ref().map_or(Ok(()), |sender| {
            Ok(sender.send(ToSink::Deliver { from, signal })?)
        })
    }

    fn deliver(
        &self,
        segment: usize,
        worker: usize,
        edge: usize,
        signal: Signal,
    ) -> Result<(), Fault> {
        Ok(self.workers[segment][worker].send(ToWorker::Deliver {
            edge,
            from: self.worker,
            signal,
        })?)
    }
}

/// A batch that only carries marks, for a port to which a stage wrote no record.
pub(super) fn marks_alone(marks: &[Mark]) -> Batch {
    let marks = marks
        .iter()
        .map(|mark| Mark { index: 0, ..*mark })
        .collect();
    Batch {
        marks,
        ..Batch::default()
    }
}
