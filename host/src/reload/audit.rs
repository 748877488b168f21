//! The audit log of reloads: who comes after an incident reads there which version worked when, and why. It is a hash chain as that of the sink `audit`
//! ([`audit`](crate::audit)); `jackfield audit verify` checks it.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::ReloadError;
use crate::audit::{Chain, Hash, file_name};
use crate::pipeline::reload::{Report, Step, Witness};

/// The log of one pipeline.
#[derive(Debug)]
pub struct AuditTrail {
    pipeline: String,
    path: PathBuf,
    log: Mutex<Log>,
}

#[derive(Debug)]
struct Log {
    file: File,
    chain: Chain,
}

/// What is written of a step.
#[derive(Serialize)]
struct Entry<'a> {
    at: i64,
    pipeline: &'a str,
    reload: u64,
    step: Step,
    former: &'a str,
    new: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_seconds: Option<f64>,
}

/// What is read back of a line.
#[derive(Deserialize)]
struct Line {
    sequence: u64,
}

impl AuditTrail {
    /// Opens the log in `folder`, or begins one. A line that a crash left half written is cut off.
    ///
    /// # Errors
    /// [`ReloadError::Archive`] where it cannot be read or written.
    pub fn open(folder: &Path, pipeline: &str) -> Result<Self, ReloadError> {
        let path = folder.join(file_name(1));
        let log = fs::create_dir_all(folder)
            .and_then(|()| Log::open(&path))
            .map_err(|error| ReloadError::Archive {
                path: path.clone(),
                error,
            })?;
        Ok(Self {
            pipeline: pipeline.to_owned(),
            path,
            log: Mutex::new(log),
        })
    }
}

impl Log {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let content = fs::read(path)?;
        let whole = memchr::memrchr(b'\n', &content).map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        let last = content[..whole]
            .split(|byte| *byte == b'\n')
            .rfind(|line| !line.is_empty());
        let chain = match last {
            None => Chain::default(),
            Some(line) => Chain {
                sequence: serde_json::from_slice::<Line>(line)?.sequence,
                head: Hash::of(line),
            },
        };
        Ok(Self { file, chain })
    }

    fn append(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let record = serde_json::to_vec(entry)?;
        let mut line = Vec::new();
        let mut chain = self.chain;
        chain.append(&record, &mut line)?;
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.chain = chain;
        Ok(())
    }
}

impl Witness for AuditTrail {
    fn tell(&self, report: &Report) {
        let compared = report.comparison.as_ref();
        let is_news = report.step == Step::CutOver || report.step == Step::Refused;
        let entry = Entry {
            at: report.steps.last().map_or(0, |step| step.at),
            pipeline: &self.pipeline,
            reload: report.number,
            step: report.step,
            former: &report.former,
            new: &report.new,
            reason: report.reason.as_deref(),
            differences: report.change.as_ref().map(|change| &change.differences[..]),
            compared: compared.filter(|_| is_news).map(|found| found.records),
            differing: compared.filter(|_| is_news).map(|found| found.differing()),
            pause_seconds: report.pause_seconds,
        };
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = log.append(&entry) {
            let path = self.path.display();
            tracing::error!(%error, "a step of a reload is missing in the audit log {path}");
        }
    }
}
