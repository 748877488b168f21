//! Jobs follow the version that works.

use std::sync::Arc;

use super::running::Known;
use crate::job::Jobs;
use crate::pipeline::reload::{Report, Step, Witness};

/// Lets new jobs begin on the version that works, and moves unfinished ones where that is wanted.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) known: Arc<Known>,
    pub(super) jobs: Jobs,
}

impl Witness for Follower {
    fn tell(&self, report: &Report) {
        if report.step != Step::Done || !report.migrates_jobs {
            return;
        }
        match self.jobs.migrate(None) {
            Ok(migrated) => tracing::info!(?migrated, "jobs go on under the new version"),
            Err(error) => {
                let code = error.code().id;
                tracing::error!(
                    code,
                    "jobs stay on the version that they began with: {error}"
                );
            }
        }
    }

    fn runs(&self, version: &str) {
        let Some(running) = self.known.get(version) else {
            return;
        };
        if let Err(error) = self.jobs.adopt(running.definitions()) {
            let code = error.code().id;
            tracing::error!(code, "new jobs begin on the former version: {error}");
        }
    }
}
