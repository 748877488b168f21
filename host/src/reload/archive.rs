//! Where versions are kept: plugins by their digest, and beside them what each version consists of. Every file is written whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::version::{of_job, of_stage};
use super::{ReloadError, Version};
use crate::config::{Manifest, Override, ProcessEnvironment};
use crate::hexadecimal;
use crate::pipeline::plan::Plan;
use crate::pipeline::planner;
use crate::plugin::Runtime;

/// A folder of versions.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
    keep: usize,
}

impl Archive {
    /// The versions in `folder`, of which so many are kept beside those in use.
    #[must_use]
    pub fn new(folder: PathBuf, keep: u16) -> Self {
        Self {
            folder,
            keep: usize::from(keep),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a version and the plugins of the plan that it was made of.
    ///
    /// # Errors
    /// [`ReloadError`] where that cannot be written, or a plugin has changed since it was loaded.
    pub fn put(&self, version: &Version, plan: &Plan) -> Result<(), ReloadError> {
        let path = self.version_file(&version.digest);
        if path.exists() {
            return Ok(());
        }
        let folder = self.folder.join("plugins");
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        let stages = plan.stages.iter().map(|stage| {
            let component = &stage.component;
            (component.path(), component.digest())
        });
        let jobs = plan.jobs.iter().flat_map(|jobs| &jobs.definitions);
        let jobs = jobs.map(|job| (job.component.path(), job.component.digest()));
        for (from, digest) in stages.chain(jobs) {
            let kept = self.plugin_file(digest);
            if kept.exists() {
                continue;
            }
            let bytes = fs::read(from).map_err(|error| failed(from, error))?;
            if digest_of(&bytes) != digest {
                return Err(ReloadError::Damaged(from.to_owned()));
            }
            write_whole(&kept, &bytes)?;
        }
        let text = serde_json::to_vec_pretty(version)
            .map_err(|error| failed(&path, io::Error::other(error)))?;
        write_whole(&path, &text)
    }

    /// A version that is kept.
    ///
    /// # Errors
    /// [`ReloadError::NotKept`] where it is not kept, another where it cannot be read or is not what it was.
    pub fn get(&self, digest: &str) -> Result<Version, ReloadError> {
        let path = self.version_file(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ReloadError::NotKept(digest.to_owned()));
            }
            Err(error) => return Err(failed(&path, error)),
        };
        let version: Version =
            serde_json::from_slice(&bytes).map_err(|_| ReloadError::Damaged(path.clone()))?;
        match version.digest == digest && version.compute() == digest {
            true => Ok(version),
            false => Err(ReloadError::Damaged(path)),
        }
    }

    /// The manifest of a version, with the plugins that are kept, and the plan that it makes.
    ///
    /// # Errors
    /// [`ReloadError`] where it cannot be read any more, for example for want of something in the environment.
    pub fn load(
        &self,
        version: &Version,
        runtime: &Runtime,
    ) -> Result<(Manifest, Plan), ReloadError> {
        let manifest = self.manifest(version)?;
        let plan = planner::plan(&manifest, runtime)?;
        Ok((manifest, plan))
    }

    fn manifest(&self, version: &Version) -> Result<Manifest, ReloadError> {
        let overrides = Override::parse_all(&version.overrides)?;
        let text = version.manifest.clone();
        let mut manifest = Manifest::parse(&version.path, text, &ProcessEnvironment, &overrides)?;
        let kept = |name: String| -> Option<PathBuf> {
            Some(self.plugin_file(version.plugins.get(&name)?))
        };
        for stage in &mut manifest.stages {
            if let Some(path) = kept(of_stage(&stage.name.value)) {
                stage.plugin.value = path;
            }
        }
        for job in &mut manifest.jobs {
            if let Some(path) = kept(of_job(&job.name.value)) {
                job.plugin.value = path;
            }
        }
        Ok(manifest)
    }

    /// The versions that are kept, the newest first; those that cannot be read are passed over.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut versions: Vec<Version> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                self.get(name.strip_suffix(".json")?).ok()
            })
            .collect();
        versions.sort_by(|one, other| {
            let by_age = other.kept_at.cmp(&one.kept_at);
            by_age.then_with(|| one.digest.cmp(&other.digest))
        });
        versions
    }

    /// Removes the oldest versions but those in use, also by unfinished jobs (the versions of their definitions, by job), and plugins that no version has any more.
    ///
    /// # Errors
    /// [`ReloadError::Archive`] where something cannot be removed.
    pub fn prune(
        &self,
        in_use: &[&str],
        by_jobs: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<(), ReloadError> {
        let is_of_jobs = |version: &Version| {
            let mut jobs = version.jobs.iter();
            jobs.any(|(job, version)| by_jobs.get(job).is_some_and(|used| used.contains(version)))
        };
        let is_kept = |(position, version): &(usize, Version)| {
            *position < self.keep
                || in_use.contains(&version.digest.as_str())
                || is_of_jobs(version)
        };
        let versions = self.versions().into_iter().enumerate();
        let (kept, gone): (Vec<_>, Vec<_>) = versions.partition(is_kept);
        for (_, version) in gone {
            remove(&self.version_file(&version.digest))?;
        }
        let wanted: BTreeSet<PathBuf> = kept
            .iter()
            .flat_map(|(_, version)| version.plugins.values())
            .map(|digest| self.plugin_file(digest))
            .collect();
        let plugins = fs::read_dir(self.folder.join("plugins"));
        for entry in plugins.into_iter().flatten().flatten() {
            if !wanted.contains(&entry.path()) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn version_file(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.json"))
    }

    fn plugin_file(&self, digest: &str) -> PathBuf {
        self.folder.join("plugins").join(format!("{digest}.wasm"))
    }
}

fn digest_of(bytes: &[u8]) -> String {
    hexadecimal::text(&Sha256::digest(bytes))
}

fn failed(path: &Path, error: io::Error) -> ReloadError {
    ReloadError::Archive {
        path: path.to_owned(),
        error,
    }
}

fn remove(path: &Path) -> Result<(), ReloadError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

/// Under another name first, so that there is never a part of a file under its own.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReloadError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        })
        .map_err(|error| failed(path, error))
}
