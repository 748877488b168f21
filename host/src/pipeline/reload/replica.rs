//! Instances of a new version that hold the state of the running one, made beside it.
//!
//! As in the live migration of virtual machines (Clark et al., *Live Migration of Virtual Machines*, NSDI 2005) the state is first copied while the pipeline works; then what has changed
//! since is copied again, in rounds, so that at the standstill only the last changes are left.

use std::collections::BTreeMap;

use super::super::plan::{Plan, StagePlan};
use crate::checkpoint::{Location, Parts, Store, StoreError};
use crate::connection::Services;
use crate::plugin::{Changes, Failure, Instance};
use crate::record::{Column, key_group, owner_of_group};

/// Changes of state as a checkpoint writes them: stage, state version, changes.
pub(in crate::pipeline) type StateChanges = Vec<(String, u32, Changes)>;

/// Where the committed state of a pipeline is.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct StateSource {
    pub(in crate::pipeline) location: Location,
    pub(in crate::pipeline) pipeline: String,
    pub(in crate::pipeline) services: Services,
}

impl StateSource {
    /// Opens what is committed now, to be read.
    pub(in crate::pipeline) fn open(&self) -> Result<Store, StoreError> {
        Store::open_read_only(&self.location, &self.pipeline, None, &self.services)
    }
}

/// Why a new version cannot take over.
#[derive(Debug, thiserror::Error)]
pub(in crate::pipeline) enum Unfit {
    #[error("the plugin {plugin} (sha256 {digest:.12}) of the stage `{stage}` {failure}")]
    Plugin {
        stage: String,
        plugin: String,
        digest: String,
        failure: Box<Failure>,
    },
    #[error("its state could not be read: {0}")]
    Store(#[from] StoreError),
}

impl Unfit {
    pub(in crate::pipeline) fn by(plan: &StagePlan, failure: Failure) -> Self {
        let described = plan.component.description();
        Self::Plugin {
            stage: plan.name.clone(),
            plugin: format!("{} {}", described.name, described.version),
            digest: plan.component.digest().to_owned(),
            failure: Box::new(failure),
        }
    }
}

/// The instances of some stages, by stage of the new plan and worker.
pub(in crate::pipeline) struct Replica {
    stages: BTreeMap<usize, Stage>,
}

struct Stage {
    plan: StagePlan,
    instances: Vec<Instance>,
}

impl Replica {
    /// Starts instances of these stages for so many workers.
    pub(in crate::pipeline) fn start(
        plan: &Plan,
        stages: impl IntoIterator<Item = usize>,
        workers: usize,
    ) -> Result<Self, Unfit> {
        let start = |index: usize| {
            let plan_of_stage = plan.stages[index].clone();
            let connected = plan.consumed_ports(index);
            let instance = |_| {
                let started = plan_of_stage.instance(&connected);
                started.map_err(|failure| Unfit::by(&plan_of_stage, failure))
            };
            let instances = (0..workers).map(instance).collect::<Result<_, _>>()?;
            let stage = Stage {
                plan: plan_of_stage,
                instances,
            };
            Ok((index, stage))
        };
        let stages = stages
            .into_iter()
            .map(start)
            .collect::<Result<_, Unfit>>()?;
        Ok(Self { stages })
    }

    /// Gives the instances what is committed, and then `changes`, which may be part of that already.
    pub(in crate::pipeline) fn load(
        &mut self,
        source: &StateSource,
        changes: &StateChanges,
    ) -> Result<(), Unfit> {
        let store = source.open()?;
        for stage in self.stages.values_mut() {
            let Stage { plan, instances } = stage;
            store.load(&plan.name, instances.len(), |worker, part| {
                instances[worker]
                    .load(part)
                    .map_err(|failure| Unfit::by(plan, failure))
            })?;
        }
        self.follow(changes)
    }

    /// Gives the instances what has changed since.
    pub(in crate::pipeline) fn follow(&mut self, changes: &StateChanges) -> Result<(), Unfit> {
        for (name, version, changes) in changes {
            let Some(stage) = self
                .stages
                .values_mut()
                .find(|stage| stage.plan.name == *name)
            else {
                continue;
            };
            stage.follow(*version, changes)?;
        }
        Ok(())
    }

    /// The plan and the instance of a stage for a worker.
    pub(in crate::pipeline) fn instance(
        &mut self,
        stage: usize,
        worker: usize,
    ) -> Option<(&StagePlan, &mut Instance)> {
        let stage = self.stages.get_mut(&stage)?;
        Some((&stage.plan, stage.instances.get_mut(worker)?))
    }

    /// The instances by stage and worker, with the plans of their stages.
    pub(in crate::pipeline) fn into_instances(
        self,
    ) -> impl Iterator<Item = (usize, usize, StagePlan, Instance)> {
        self.stages.into_iter().flat_map(|(index, stage)| {
            let plan = stage.plan;
            let instances = stage.instances.into_iter().enumerate();
            instances.map(move |(worker, instance)| (index, worker, plan.clone(), instance))
        })
    }
}

impl Stage {
    fn follow(&mut self, version: u32, changes: &Changes) -> Result<(), Unfit> {
        let Self { plan, instances } = self;
        let workers = instances.len();
        let owner = |key| owner_of_group(key_group(key), workers);
        let unfit = |failure| Unfit::by(plan, failure);
        let mut outdated = vec![Column::default(); workers];
        for key in changes.forgotten.iter().chain(changes.keys.iter()) {
            outdated[owner(key)].push(key);
        }
        for (instance, outdated) in instances.iter_mut().zip(&outdated) {
            if !outdated.is_empty() {
                instance.forget(outdated).map_err(unfit)?;
            }
        }
        let entries = changes.keys.iter().zip(changes.values.iter());
        let entries = entries.map(|(key, value)| (key, version, value));
        Parts::deal(workers, entries, |worker, part| {
            instances[worker].load(part).map_err(unfit)
        })
    }
}
