//! Reloads, asked for through the control socket.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::protocol::{Content, Refusal};
use crate::pipeline::reload::{Report, Step};
use crate::reload::{Acceptance, Preview, ReloadError, Reloader};

/// The longest that a report is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The longest that copies are waited for.
const LONGEST_CAPTURE: Duration = Duration::from_secs(60);

/// What is to be done about versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadRequest {
    /// Say what a reload would do.
    Preview(Acceptance),
    /// Take in what the manifest says now.
    Reload(Acceptance),
    /// Leave off the reload that is under way, or go back to the version before the one that runs.
    RollBack(Acceptance),
    /// Write batches of these stages, of all if none is named, and the state that they met into a file.
    Capture {
        /// The stages.
        stages: Vec<String>,
        /// Records in all.
        records: u64,
        /// For no longer than this, milliseconds.
        within: u64,
        /// The file, absolute.
        to: PathBuf,
    },
    /// Say how the reload fares, as soon as it is beyond this step.
    Look(Step),
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadAnswer {
    /// What it would do.
    Preview(Box<Preview>),
    /// It has begun, as the reload of this number.
    Begun(u64),
    /// The reload of this number was under way, and is being left off.
    LeftOff(u64),
    /// So many records of these stages were captured.
    Captured(Vec<(String, u64)>),
    /// How it fares; none if there was none since the start of the process.
    Report(Option<Box<Report>>),
}

pub(super) async fn answer(wanted: ReloadRequest, reloader: &Reloader) -> Content {
    let reloader = reloader.clone();
    let served = tokio::task::spawn_blocking(move || serve(wanted, &reloader)).await;
    match served {
        Ok(Ok(answer)) => Content::Reload(Box::new(answer)),
        Ok(Err(error)) => refused(&error),
        Err(_) => refused(&ReloadError::Ended),
    }
}

fn serve(wanted: ReloadRequest, reloader: &Reloader) -> Result<ReloadAnswer, ReloadError> {
    Ok(match wanted {
        ReloadRequest::Preview(acceptance) => {
            ReloadAnswer::Preview(Box::new(reloader.preview(acceptance)?))
        }
        ReloadRequest::Reload(acceptance) => ReloadAnswer::Begun(reloader.reload(acceptance)?),
        ReloadRequest::RollBack(acceptance) => match reloader.leave_off()? {
            Some(number) => ReloadAnswer::LeftOff(number),
            None => ReloadAnswer::Begun(reloader.go_back(acceptance)?),
        },
        ReloadRequest::Capture {
            stages,
            records,
            within,
            to,
        } => {
            let within = Duration::from_millis(within).min(LONGEST_CAPTURE);
            let captured = reloader.capture(&stages, records, within, &to)?;
            let stages = captured.stages.iter();
            ReloadAnswer::Captured(
                stages
                    .map(|stage| (stage.name.clone(), stage.records() as u64))
                    .collect(),
            )
        }
        ReloadRequest::Look(step) => {
            reloader.wait_beyond(step, LONGEST_WAIT);
            ReloadAnswer::Report(reloader.report().map(Box::new))
        }
    })
}

pub(super) fn refused(error: &ReloadError) -> Content {
    Content::Error(Refusal {
        code: error.code().id.to_owned(),
        problem: error.to_string(),
    })
}
