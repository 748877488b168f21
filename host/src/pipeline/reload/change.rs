//! What differs between the running version of a pipeline and a new one, and what that means for what is remembered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::plan::{Origin, Plan, SinkPlan, SourcePlan, StagePlan};
use crate::checkpoint::{Store, StoreError};
use crate::config::Grant;
use crate::job::Definition;
use crate::plugin::Limits;

/// The difference between two versions of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is other, in the words of the manifest.
    pub differences: Vec<String>,
    /// What becomes of what the stages remember.
    pub state: Vec<StateFate>,
    /// Sources and sinks whose positions are given up.
    pub positions_dropped: Vec<String>,
    /// What plugins may do then that they may not do now.
    pub grants: Vec<String>,
    /// What cannot be changed while the pipeline runs.
    pub beyond: Vec<String>,
    /// Whether sources, sinks and threads can stay as they are, so that the pipeline only stands still for a moment.
    pub in_place: bool,
    /// Stages of both versions that are other: by position in the running plan, that in the new one.
    #[serde(skip)]
    pub stages: BTreeMap<usize, usize>,
}

/// What becomes of the state of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFate {
    /// The stage.
    pub stage: String,
    /// Its keys.
    pub keys: u64,
    /// What becomes of them.
    pub fate: Fate,
}

/// What becomes of entries of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// They stay as they are.
    Kept,
    /// The plugin makes entries of another version of them.
    Migrated {
        /// The versions that they are of.
        from: Vec<u32>,
        /// The version that they become.
        to: u32,
    },
    /// Their stage is gone.
    Dropped,
    /// The plugin cannot load entries of these versions.
    Unloadable {
        /// The versions.
        found: Vec<u32>,
        /// The oldest and the newest that it can load.
        loads: (u32, u32),
    },
}

impl Change {
    /// Compares two plans of a pipeline.
    #[must_use]
    pub fn between(running: &Plan, new: &Plan) -> Self {
        let mut change = Self {
            in_place: true,
            ..Self::default()
        };
        change.compare_whole(running, new);
        change.compare_sources(running, new);
        change.compare_stages(running, new);
        change.compare_sinks(running, new);
        change.compare_jobs(running, new);
        change
    }

    /// Whether nothing is other.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty() && self.beyond.is_empty()
    }

    /// Whether something that is remembered would be lost.
    #[must_use]
    pub fn loses_state(&self) -> bool {
        let dropped = |fate: &StateFate| fate.fate == Fate::Dropped && fate.keys > 0;
        self.state.iter().any(dropped) || !self.positions_dropped.is_empty()
    }

    /// Says what becomes of what is remembered.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    pub fn look_at_state(&mut self, new: &Plan, store: &Store) -> Result<(), StoreError> {
        for remembered in store.stages_with_state()? {
            let stage = new
                .stages
                .iter()
                .find(|stage| stage.name == remembered.stage);
            let fate = match stage {
                None => Fate::Dropped,
                Some(stage) => fate(stage, store.state_versions(&remembered.stage)?),
            };
            self.state.push(StateFate {
                stage: remembered.stage,
                keys: remembered.keys,
                fate,
            });
        }
        Ok(())
    }

    fn differs(&mut self, what: impl Into<String>) {
        self.differences.push(what.into());
    }

    fn compare_whole(&mut self, running: &Plan, new: &Plan) {
        let beyond = [
            ("the pipeline's name", running.name != new.name),
            ("the exchange", running.distribution != new.distribution),
            (
                "whether it writes to Kafka, or how",
                running.transaction != new.transaction,
            ),
            (
                "where dead letters go",
                running.dead_letters != new.dead_letters,
            ),
            (
                "where jobs are kept",
                running.jobs.as_ref().map(|jobs| &jobs.path)
                    != new.jobs.as_ref().map(|jobs| &jobs.path),
            ),
        ];
        let beyond = beyond.into_iter().filter(|(_, differs)| *differs);
        self.beyond.extend(beyond.map(|(what, _)| what.to_owned()));
        if running.parallelism != new.parallelism {
            self.differs(format!(
                "parallelism: {} becomes {}",
                running.parallelism, new.parallelism
            ));
            self.in_place = false;
        }
        if running.recovery != new.recovery {
            self.differs("recovery");
            self.in_place = false;
        }
        if running.checkpoint != new.checkpoint {
            self.differs("the interval of checkpoints");
            self.in_place = false;
        }
    }

    fn compare_sources(&mut self, running: &Plan, new: &Plan) {
        let name = |source: &SourcePlan| source.name.clone();
        self.compare_named("source", &running.sources, &new.sources, name);
        let gone = running
            .sources
            .iter()
            .filter(|source| new.sources.iter().all(|other| other.name != source.name));
        self.positions_dropped
            .extend(gone.map(|source| format!("source {}", source.name)));
    }

    fn compare_sinks(&mut self, running: &Plan, new: &Plan) {
        let name = |sink: &SinkPlan| sink.name.clone();
        // What feeds them is compared by name: positions in the plan may be other.
        let by_name = |plan: &Plan| -> Vec<SinkPlan> {
            let mut sinks = plan.sinks.clone();
            sinks.iter_mut().for_each(|sink| sink.from.clear());
            sinks
        };
        self.compare_named("sink", &by_name(running), &by_name(new), name);
        for sink in &running.sinks {
            let Some(other) = new.sinks.iter().find(|other| other.name == sink.name) else {
                continue;
            };
            if running.names_of(&sink.from) != new.names_of(&other.from) {
                self.differs(format!("sink {}: what feeds it", sink.name));
                self.in_place = false;
            }
        }
    }

    fn compare_named<T: PartialEq>(
        &mut self,
        kind: &str,
        running: &[T],
        new: &[T],
        name: impl Fn(&T) -> String,
    ) {
        for part in running {
            let named = name(part);
            match new.iter().find(|other| name(other) == named) {
                None => self.differs(format!("{kind} {named}: removed")),
                Some(other) if other != part => self.differs(format!("{kind} {named}: changed")),
                Some(_) => continue,
            }
            self.in_place = false;
        }
        for part in new {
            let named = name(part);
            if running.iter().all(|other| name(other) != named) {
                self.differs(format!("{kind} {named}: added"));
                self.in_place = false;
            }
        }
    }

    fn compare_stages(&mut self, running: &Plan, new: &Plan) {
        let at = |plan: &Plan, name: &str| plan.stages.iter().position(|stage| stage.name == name);
        for stage in &running.stages {
            if at(new, &stage.name).is_none() {
                self.differs(format!("stage {}: removed", stage.name));
                self.in_place = false;
            }
        }
        for (position, stage) in new.stages.iter().enumerate() {
            let Some(known) = at(running, &stage.name) else {
                self.differs(format!("stage {}: added", stage.name));
                self.in_place = false;
                continue;
            };
            // The order of independent stages may be another.
            self.in_place &= known == position;
            self.compare_stage((running, known), (new, position));
        }
    }

    fn compare_stage(&mut self, (running, known): (&Plan, usize), (new, position): (&Plan, usize)) {
        let (ours, theirs) = (&running.stages[known], &new.stages[position]);
        let name = &theirs.name;
        let before = self.differences.len();
        if ours.component.digest() != theirs.component.digest() {
            let (one, other) = (ours.component.description(), theirs.component.description());
            self.differs(format!(
                "stage {name}: plugin {} {} (sha256 {:.12}) becomes {} {} (sha256 {:.12})",
                one.name,
                one.version,
                ours.component.digest(),
                other.name,
                other.version,
                theirs.component.digest()
            ));
        }
        if ours.configuration != theirs.configuration {
            self.differs(format!("stage {name}: configuration"));
        }
        if ours.limits != theirs.limits {
            self.differs(format!("stage {name}: limits"));
            self.compare_limits(&format!("stage {name}"), &ours.limits, &theirs.limits);
        }
        if self.differences.len() > before {
            self.stages.insert(known, position);
        }
        let wiring = |plan: &Plan, stage: &StagePlan| -> Vec<(String, Vec<String>)> {
            let ports = stage.component.description().inputs.iter();
            let ports = ports.zip(&stage.inputs);
            ports
                .map(|(port, from)| (port.name.clone(), plan.names_of(from)))
                .collect()
        };
        if wiring(running, ours) != wiring(new, theirs) || ours.watermark != theirs.watermark {
            self.differs(format!("stage {name}: inputs"));
            self.in_place = false;
        }
        let (one, other) = (ours.component.description(), theirs.component.description());
        self.in_place &= one.inputs == other.inputs && one.outputs == other.outputs;
    }

    fn compare_limits(&mut self, whose: &str, running: &Limits, new: &Limits) {
        let mut grows = |what: &str, from: u64, to: u64| {
            if to > from {
                self.grants
                    .push(format!("{whose}: {what} from {from} to {to}"));
            }
        };
        grows("bytes of memory", running.memory, new.memory);
        grows(
            "bytes returned by a call",
            running.output_bytes,
            new.output_bytes,
        );
        grows("bytes of state", running.state_bytes, new.state_bytes);
        grows(
            "calls of the host a second",
            u64::from(running.host_calls),
            u64::from(new.host_calls),
        );
        let millis =
            |limits: &Limits| u64::try_from(limits.cpu_time.as_millis()).unwrap_or(u64::MAX);
        grows("ms of CPU time a call", millis(running), millis(new));
    }

    fn compare_jobs(&mut self, running: &Plan, new: &Plan) {
        let of = |plan: &Plan| -> BTreeMap<String, Definition> {
            let jobs = plan.jobs.iter().flat_map(|jobs| jobs.definitions.clone());
            jobs.map(|job| (job.name.clone(), job)).collect()
        };
        let (running, new) = (of(running), of(new));
        let used = |jobs: &BTreeMap<String, Definition>| -> BTreeSet<String> {
            let connections = jobs.values().flat_map(|job| job.connections.keys());
            connections.cloned().collect()
        };
        // Clients are made at the start, for what jobs may use then.
        let unknown = used(&new)
            .difference(&used(&running))
            .cloned()
            .collect::<Vec<_>>();
        self.beyond.extend(
            unknown
                .iter()
                .map(|name| format!("the connection {name}, which no job used before")),
        );
        let names: BTreeSet<&String> = running.keys().chain(new.keys()).collect();
        for name in names {
            match (running.get(name), new.get(name)) {
                (Some(ours), Some(theirs)) => self.compare_job(name, ours, theirs),
                (None, Some(theirs)) => {
                    self.differs(format!("job {name}: added"));
                    self.compare_connections(name, &BTreeMap::new(), &theirs.connections);
                }
                (_, None) => {
                    self.differs(format!("job {name}: removed"));
                }
            }
        }
    }

    fn compare_connections(
        &mut self,
        job: &str,
        running: &BTreeMap<String, Grant>,
        new: &BTreeMap<String, Grant>,
    ) {
        for (connection, grant) in new {
            if !running.get(connection).is_some_and(|now| now.covers(grant)) {
                self.grants.push(format!(
                    "job {job}: more requests of the connection {connection}"
                ));
            }
        }
    }

    fn compare_job(&mut self, name: &str, ours: &Definition, theirs: &Definition) {
        if ours.component.digest() != theirs.component.digest() {
            self.differs(format!(
                "job {name}: plugin (sha256 {:.12}) becomes (sha256 {:.12})",
                ours.component.digest(),
                theirs.component.digest()
            ));
        }
        if ours.configuration != theirs.configuration {
            self.differs(format!("job {name}: configuration"));
        }
        let limits = |job: &Definition| {
            (
                job.limits.clone(),
                (job.steps, job.wall_time, job.output),
                (job.concurrency, job.queue, job.keep_finished),
            )
        };
        if limits(ours) != limits(theirs) {
            self.differs(format!("job {name}: limits"));
            self.compare_limits(&format!("job {name}"), &ours.limits, &theirs.limits);
        }
        if ours.connections != theirs.connections {
            self.differs(format!("job {name}: connections"));
            self.compare_connections(name, &ours.connections, &theirs.connections);
        }
    }
}

fn fate(stage: &StagePlan, found: Vec<u32>) -> Fate {
    let description = stage.component.description();
    let loads = (description.oldest_state_version, description.state_version);
    let unloadable: Vec<u32> = found
        .iter()
        .copied()
        .filter(|found| !(loads.0..=loads.1).contains(found))
        .collect();
    if !unloadable.is_empty() {
        return Fate::Unloadable {
            found: unloadable,
            loads,
        };
    }
    match found.iter().all(|found| *found == loads.1) {
        true => Fate::Kept,
        false => Fate::Migrated {
            from: found,
            to: loads.1,
        },
    }
}

impl Plan {
    /// Where records come from, by the names of the manifest.
    fn names_of(&self, origins: &[Origin]) -> Vec<String> {
        let name = |origin: &Origin| match *origin {
            Origin::Source(source) => self.sources[source].name.clone(),
            Origin::Stage { stage, port } => {
                let stage = &self.stages[stage];
                let port = &stage.component.description().outputs[port].name;
                format!("{}.{port}", stage.name)
            }
        };
        origins.iter().map(name).collect()
    }
}
