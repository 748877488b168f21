//! A version of a pipeline: its manifest and the code of its plugins, known by their content.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::watch::Contents;
use crate::config::Manifest;
use crate::hexadecimal;
use crate::pipeline::plan::Plan;

/// A version of a pipeline, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// What it is known by: SHA-256 of all that follows but the path and the time.
    pub digest: String,
    /// The path of the manifest, which other paths in it are relative to.
    pub path: PathBuf,
    /// Its text.
    pub manifest: String,
    /// What the command line put in the place of what it says.
    pub overrides: Vec<String>,
    /// The SHA-256 of its plugins, by stage or job.
    pub plugins: BTreeMap<String, String>,
    /// The versions of the jobs' definitions, by job: what unfinished jobs say that they began with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<String, String>,
    /// When it was first kept, milliseconds since the Unix epoch.
    pub kept_at: i64,
}

impl Version {
    /// The version that a manifest and the plan made of it are.
    #[must_use]
    pub fn of(manifest: &Manifest, overrides: &[String], plan: &Plan, now: i64) -> Self {
        let stages = plan.stages.iter().map(|stage| {
            let digest = stage.component.digest().to_owned();
            (of_stage(&stage.name), digest)
        });
        let jobs = plan.jobs.iter().flat_map(|jobs| &jobs.definitions);
        let versions = jobs.clone().map(|job| (job.name.clone(), job.version()));
        let versions = versions.collect();
        let jobs = jobs.map(|job| {
            let digest = job.component.digest().to_owned();
            (of_job(&job.name), digest)
        });
        let mut version = Self {
            digest: String::new(),
            path: manifest.path.clone(),
            manifest: manifest.document.text.clone(),
            overrides: overrides.to_vec(),
            plugins: stages.chain(jobs).collect(),
            jobs: versions,
            kept_at: now,
        };
        version.digest = version.compute();
        version
    }

    /// What the files hold that it was made of, where `manifest` is its manifest.
    #[must_use]
    pub fn contents(&self, manifest: &Manifest) -> Contents {
        let stages = manifest.stages.iter();
        let stages = stages.map(|stage| (of_stage(&stage.name.value), &stage.plugin));
        let jobs = manifest.jobs.iter();
        let jobs = jobs.map(|job| (of_job(&job.name.value), &job.plugin));
        let plugins = stages.chain(jobs).filter_map(|(name, plugin)| {
            let digest = self.plugins.get(&name)?;
            Some((plugin.value.clone(), digest.clone()))
        });
        let text = hexadecimal::text(&Sha256::digest(&self.manifest));
        plugins.chain([(self.path.clone(), text)]).collect()
    }

    /// What it is to be known by.
    pub(super) fn compute(&self) -> String {
        let mut digest = Sha256::new();
        // Each part with its length, so that no two versions give the same bytes.
        let mut part = |text: &str| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        };
        part(&self.manifest);
        for text in &self.overrides {
            part("override");
            part(text);
        }
        for (name, plugin) in &self.plugins {
            part(name);
            part(plugin);
        }
        hexadecimal::text(&digest.finalize())
    }
}

/// What the plugin of a stage is kept as.
pub(super) fn of_stage(name: &str) -> String {
    format!("stage {name}")
}

/// What the plugin of a job is kept as.
pub(super) fn of_job(name: &str) -> String {
    format!("job {name}")
}
