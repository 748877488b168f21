//! Whether a checkpoint can be gone on from under another manifest or other plugins.

use super::error::TaskError;
use super::plan::{Plan, SinkPlan};
use crate::checkpoint::{Checkpoint, StageState, Store};
use crate::record::KEY_GROUPS;

/// Checks the last checkpoint against the plan before anything is started.
pub(super) fn check(plan: &Plan, store: &Store, last: &Checkpoint) -> Result<(), TaskError> {
    if last.epoch == 0 {
        return Ok(());
    }
    let mismatch = |found: String| Err(TaskError::Mismatch(found));
    if last.key_groups != KEY_GROUPS {
        return mismatch(format!(
            "its keys are in {} groups, this host uses {KEY_GROUPS}",
            last.key_groups
        ));
    }
    if let Some(gone) = last
        .sources
        .keys()
        .find(|name| plan.sources.iter().all(|source| source.name != **name))
    {
        return mismatch(format!(
            "it was taken with a source `{gone}`, which the manifest does not have"
        ));
    }
    for StageState {
        stage: name, keys, ..
    } in store.stages_with_state()?
    {
        if plan.stages.iter().all(|stage| stage.name != name) {
            return mismatch(format!(
                "the stage `{name}` remembers {keys} keys, and the manifest does not have it"
            ));
        }
    }
    for (name, records) in store.owed()? {
        let delivers = |sink: &SinkPlan| sink.name == name && sink.owes();
        if !plan.sinks.iter().any(delivers) {
            return mismatch(format!(
                "the sink `{name}` has still to deliver {records} records, and the manifest has no webhook of that name"
            ));
        }
    }
    for stage in &plan.stages {
        let description = stage.component.description();
        let (oldest, newest) = (description.oldest_state_version, description.state_version);
        for found in store.state_versions(&stage.name)? {
            if !(oldest..=newest).contains(&found) {
                return Err(TaskError::StateVersion {
                    stage: stage.name.clone(),
                    found,
                    oldest,
                    newest,
                });
            }
        }
    }
    Ok(())
}
