//! What is looked at before a version is handed to the task: nothing has happened yet, and where something is wrong nothing will.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{ReloadError, Running, Version};
use crate::checkpoint::{Location, Store};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::reload::{Change, Fate};
use crate::plugin::Entries;

/// Entries of a stage's state that a new plugin has to load before it may begin.
const SAMPLE: usize = 100;

/// What whoever asks for a reload accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Acceptance {
    /// That something that is remembered is forgotten.
    pub state_loss: bool,
    /// That plugins may do more than before.
    pub grants: bool,
    /// That unfinished jobs go on under the new version, from their savepoints.
    pub migrate_jobs: bool,
}

/// A version that was compared with the running one.
pub(super) struct Examined {
    pub(super) version: Version,
    pub(super) running: Running,
    pub(super) change: Change,
    /// What the running version has committed.
    store: Option<Store>,
}

impl Examined {
    /// Compares a version, as it would run, with the one that does.
    pub(super) fn of(
        current: &Running,
        location: &Location,
        (version, running): (Version, Running),
    ) -> Result<Self, ReloadError> {
        let mut change = current.change_to(&running);
        let store = current.store(location)?;
        if let Some(store) = &store {
            change.look_at_state(&running.plan, store)?;
        }
        Ok(Self {
            version,
            running,
            change,
            store,
        })
    }

    /// Whether it may be taken in.
    pub(super) fn admit(&self, acceptance: Acceptance) -> Result<(), ReloadError> {
        permit(&self.change, acceptance)?;
        let Some(store) = &self.store else {
            return Ok(());
        };
        let stages = &self.running.plan.stages;
        let mut changed = self.change.stages.values();
        changed.try_for_each(|&stage| try_state(&stages[stage], store))
    }
}

/// Whether a change is one that can be made, and that somebody wants.
fn permit(change: &Change, acceptance: Acceptance) -> Result<(), ReloadError> {
    if !change.beyond.is_empty() {
        return Err(ReloadError::Beyond(change.beyond.join(", ")));
    }
    if change.is_empty() {
        return Err(ReloadError::Nothing);
    }
    for fate in &change.state {
        if let Fate::Unloadable { found, loads } = &fate.fate {
            return Err(ReloadError::State(format!(
                "the stage `{}` remembers {} keys of version {found:?}, and its plugin loads versions {} to {}",
                fate.stage, fate.keys, loads.0, loads.1
            )));
        }
    }
    if change.loses_state() && !acceptance.state_loss {
        return Err(ReloadError::StateLoss(lost(change)));
    }
    if !change.grants.is_empty() && !acceptance.grants {
        return Err(ReloadError::Grants(change.grants.join("; ")));
    }
    Ok(())
}

/// What would be forgotten.
fn lost(change: &Change) -> String {
    let dropped = change
        .state
        .iter()
        .filter(|fate| fate.fate == Fate::Dropped)
        .map(|fate| format!("{} keys of the stage {}", fate.keys, fate.stage));
    let positions = change.positions_dropped.iter();
    let positions = positions.map(|part| format!("the position of the {part}"));
    dropped.chain(positions).collect::<Vec<_>>().join(", ")
}

/// Lets a plugin load some of the state of its stage.
fn try_state(stage: &StagePlan, store: &Store) -> Result<(), ReloadError> {
    let mut sample = Entries::default();
    store.entries(&stage.name, |entry| {
        sample.keys.push(&entry.key);
        sample.versions.push(entry.version);
        sample.values.push(&entry.value);
        match sample.versions.len() < SAMPLE {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    let tried = stage.instance(&[]);
    let tried = tried.and_then(|mut instance| instance.load(&sample));
    tried.map_err(|failure| {
        ReloadError::State(format!(
            "the plugin of the stage `{}` {failure}",
            stage.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::pipeline::reload::StateFate;

    const NOTHING_ELSE: Acceptance = Acceptance {
        state_loss: false,
        grants: false,
        migrate_jobs: false,
    };

    fn change() -> Change {
        Change {
            differences: vec!["stage count: configuration".to_owned()],
            ..Change::default()
        }
    }

    fn with_fate(fate: Fate) -> Change {
        let state = StateFate {
            stage: "count".to_owned(),
            keys: 7,
            fate,
        };
        Change {
            state: vec![state],
            ..change()
        }
    }

    fn refused(change: &Change, acceptance: Acceptance) -> (Code, String) {
        let error = permit(change, acceptance).unwrap_err();
        (error.code(), error.to_string())
    }

    #[test]
    fn a_change_is_permitted_where_there_is_one_that_takes_nothing_away() {
        assert!(permit(&change(), NOTHING_ELSE).is_ok());
        assert!(permit(&with_fate(Fate::Kept), NOTHING_ELSE).is_ok());
        let (code, _) = refused(&Change::default(), NOTHING_ELSE);
        assert_eq!(code, Code::RELOAD_NOTHING);
    }

    #[test]
    fn what_cannot_change_while_the_pipeline_runs_is_said_before_all_else() {
        let change = Change {
            beyond: vec!["triggers".to_owned(), "the server".to_owned()],
            ..with_fate(Fate::Dropped)
        };
        let (code, problem) = refused(&change, NOTHING_ELSE);
        assert_eq!(code, Code::RELOAD_BEYOND);
        assert!(problem.ends_with("triggers, the server"), "{problem}");
    }

    #[test]
    fn state_that_no_plugin_loads_any_more_is_refused_whatever_is_accepted() {
        let change = with_fate(Fate::Unloadable {
            found: vec![1],
            loads: (2, 3),
        });
        let all = Acceptance {
            state_loss: true,
            grants: true,
            migrate_jobs: true,
        };
        let (code, problem) = refused(&change, all);
        assert_eq!(code, Code::RELOAD_STATE);
        assert!(problem.contains("7 keys of version [1]"), "{problem}");
    }

    #[test]
    fn what_would_be_forgotten_is_named_and_needs_leave() {
        let change = Change {
            positions_dropped: vec!["source orders".to_owned()],
            ..with_fate(Fate::Dropped)
        };
        let (code, problem) = refused(&change, NOTHING_ELSE);
        assert_eq!(code, Code::RELOAD_STATE_LOSS);
        let named = "7 keys of the stage count, the position of the source orders";
        assert!(problem.ends_with(named), "{problem}");
        let accepted = Acceptance {
            state_loss: true,
            ..NOTHING_ELSE
        };
        assert!(permit(&change, accepted).is_ok());
    }

    #[test]
    fn plugins_may_do_more_only_with_leave() {
        let change = Change {
            grants: vec!["stage count: bytes of memory from 1 to 2".to_owned()],
            ..change()
        };
        let (code, _) = refused(&change, NOTHING_ELSE);
        assert_eq!(code, Code::RELOAD_GRANTS);
        let accepted = Acceptance {
            grants: true,
            ..NOTHING_ELSE
        };
        assert!(permit(&change, accepted).is_ok());
    }
}
