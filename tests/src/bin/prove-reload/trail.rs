//! The audit log of reloads, which is written at each step: nothing else is as soon known.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::step::Step;

/// Steps as they come.
pub struct Trail {
    path: PathBuf,
    /// Bytes that have been read.
    read: u64,
    last: Option<Step>,
}

#[derive(Deserialize)]
struct Line {
    record: Entry,
}

#[derive(Deserialize)]
struct Entry {
    step: Step,
}

impl Trail {
    /// What comes from now on.
    pub fn of(folder: &Path) -> Self {
        let path = folder.join("000001.jsonl");
        let read = fs::metadata(&path).map_or(0, |file| file.len());
        Self {
            path,
            read,
            last: None,
        }
    }

    /// The steps since the last look.
    pub fn steps(&mut self) -> io::Result<Vec<Step>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        file.seek(SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        self.read += whole as u64;
        let lines = text[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let steps: Vec<Step> = lines
            .map(|line| Ok(serde_json::from_slice::<Line>(line)?.record.step))
            .collect::<io::Result<_>>()?;
        self.last = steps.last().copied().or(self.last);
        Ok(steps)
    }

    /// The last step that was ever taken.
    pub fn last(&mut self) -> io::Result<Option<Step>> {
        self.steps()?;
        Ok(self.last)
    }
}
