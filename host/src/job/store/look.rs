//! Looking at jobs: for the host and, read-only, for commands while it runs or does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{JobStore, JobStoreError, reader, schema};
use crate::job::call::{Answer, Received, Time};
use crate::job::journal::{Entry, Fact, Pending};
use crate::job::view::{State, View};

const COLUMNS: &str = "id, job, state, submitted_at, finished_at, wakes_at, progress, outcome, version FROM jackfield_jobs";

/// Jobs to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of this job of the manifest alone.
    pub job: Option<String>,
    /// In this state alone.
    pub state: Option<State>,
    /// At most so many, the newest first; all if there is none.
    pub limit: Option<u64>,
}

/// A step of a job, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub number: u32,
    /// What was asked for.
    pub call: String,
    /// When.
    pub asked_at: Time,
    /// When it was answered, if it was.
    pub decided_at: Option<Time>,
    /// What came of it, or what it waits for.
    pub result: String,
}

/// The database of jobs, opened to look at it.
#[derive(Debug)]
pub struct Look {
    path: PathBuf,
    connection: Connection,
}

impl Look {
    /// Opens the database of a pipeline's jobs; the host may be running.
    ///
    /// # Errors
    /// [`JobStoreError::Missing`] where there is none, others where it cannot be used.
    pub fn open(path: &Path, pipeline: &str) -> Result<Self, JobStoreError> {
        if !path.exists() {
            return Err(JobStoreError::Missing {
                path: path.to_owned(),
            });
        }
        let connection = reader(path)?;
        schema::check(&connection, path, pipeline)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Where a job stands; none if there is none.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn view(&self, id: &str) -> Result<Option<View>, JobStoreError> {
        self.found(view(&self.connection, id))
    }

    /// The jobs that fit, the newest first.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn list(&self, filter: &Filter) -> Result<Vec<View>, JobStoreError> {
        self.found(list(&self.connection, filter, |view| view))
    }

    /// The steps that a job's journal holds.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn steps(&self, id: &str) -> Result<Vec<Step>, JobStoreError> {
        self.found(steps(&self.connection, id))
    }

    fn found<R>(&self, found: rusqlite::Result<R>) -> Result<R, JobStoreError> {
        found.map_err(|error| JobStoreError::of_sqlite(&self.path, error))
    }
}

impl JobStore {
    /// As [`Look::view`].
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn view(&self, id: &str) -> Result<Option<View>, JobStoreError> {
        self.read(|connection| view(connection, id))
    }

    /// As [`Look::list`], by what is told of the jobs: one that is stored as ready may be told of as waiting.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn list(
        &self,
        filter: &Filter,
        told: impl Fn(View) -> View,
    ) -> Result<Vec<View>, JobStoreError> {
        self.read(|connection| list(connection, filter, told))
    }

    /// As [`Look::steps`].
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn steps(&self, id: &str) -> Result<Vec<Step>, JobStoreError> {
        self.read(|connection| steps(connection, id))
    }

    /// By job of the manifest: how many are not finished.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn unfinished(&self) -> Result<BTreeMap<String, u64>, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare(
                    "SELECT job, count(*) FROM jackfield_jobs WHERE finished_at IS NULL GROUP BY job",
                )?
                .query_map([], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
                })?
                .collect()
        })
    }
}

fn view(connection: &Connection, id: &str) -> rusqlite::Result<Option<View>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE id = ?1"))?
        .query_row([id], read_view)
        .optional()
}

fn list(
    connection: &Connection,
    filter: &Filter,
    told: impl Fn(View) -> View,
) -> rusqlite::Result<Vec<View>> {
    let limit = filter.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let also = match filter.state {
        Some(State::Waiting) => Some(State::Ready),
        other => other,
    };
    let fits = |view: &View| filter.state.is_none_or(|state| view.state == state);
    // Rows are read as they are asked for, so that the limit bounds the work.
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR state IN (?2, ?3))
             ORDER BY number DESC"
        ))?
        .query_map(
            params![
                filter.job,
                filter.state.map(State::as_str),
                also.map(State::as_str)
            ],
            read_view,
        )?
        .map(|view| view.map(&told))
        .filter(|view| view.as_ref().map_or(true, fits))
        .take(limit)
        .collect()
}

fn read_view(row: &Row<'_>) -> rusqlite::Result<View> {
    let state: String = row.get(2)?;
    let outcome: Option<Vec<u8>> = row.get(7)?;
    Ok(View {
        id: row.get(0)?,
        job: row.get(1)?,
        state: State::parse(&state).ok_or_else(|| damaged(2, "a state that there is not"))?,
        submitted_at: row.get(3)?,
        finished_at: row.get(4)?,
        wakes_at: match state.as_str() {
            "waiting" => row.get(5)?,
            _ => None,
        },
        progress: row.get(6)?,
        outcome: outcome
            .map(|outcome| postcard::from_bytes(&outcome))
            .transpose()
            .map_err(|_| damaged(7, "an outcome that cannot be read"))?,
        version: row.get(8)?,
        waits_for_version: false,
    })
}

fn damaged(column: usize, found: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, found.into())
}

/// A job's journal, in its order.
pub(super) fn entries(connection: &Connection, number: i64) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare_cached(
            "SELECT at, fact, checksum FROM jackfield_job_entries WHERE job = ?1 ORDER BY number",
        )?
        .query_map([number], |row| {
            let (fact, checksum): (Vec<u8>, i64) = (row.get(1)?, row.get(2)?);
            if xxh3_64(&fact).cast_signed() != checksum {
                return Err(damaged(
                    1,
                    "an entry without the checksum it was written with",
                ));
            }
            let fact = postcard::from_bytes(&fact)
                .map_err(|_| damaged(1, "an entry that cannot be read"))?;
            let at = row.get(0)?;
            Ok(Entry { at, fact })
        })?
        .collect()
}

fn steps(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Step>> {
    let number = connection
        .query_row(
            "SELECT number FROM jackfield_jobs WHERE id = ?1",
            [id],
            |row| row.get(0),
        )
        .optional()?;
    let mut steps = Vec::new();
    if let Some(number) = number {
        for entry in entries(connection, number)? {
            tell(&mut steps, &entry);
        }
    }
    Ok(steps)
}

/// Adds what an entry says to what people see.
fn tell(steps: &mut Vec<Step>, Entry { at, fact }: &Entry) {
    let begun = |step: u32, call: &str, decided: Option<Time>, result: String| Step {
        number: step,
        call: call.to_owned(),
        asked_at: *at,
        decided_at: decided,
        result,
    };
    match fact {
        Fact::Asked {
            step,
            call,
            pending,
        } => steps.push(begun(*step, &call.what, None, waits_for(pending))),
        Fact::Decided {
            step, call, answer, ..
        } => steps.push(begun(*step, &call.what, Some(*at), said(answer))),
        Fact::Saved(saved) => {
            steps.clear();
            steps.push(begun(saved.step, "save", Some(*at), "savepoint".to_owned()));
        }
        Fact::Retried { from } => {
            if let Some(from) = from {
                steps.retain(|step| step.number < *from);
            }
        }
        Fact::Responded { step, received, .. } => {
            update(steps, *step, Some(*at), outcome_of(received))
        }
        Fact::Intended { step, .. } => update(steps, *step, None, "sent".to_owned()),
        Fact::Doubted { step, .. } => {
            let result = "in doubt: it may have been sent before the host stopped".to_owned();
            update(steps, *step, None, result);
        }
        Fact::Delivered { step } => update(steps, *step, Some(*at), "called back".to_owned()),
        Fact::Elapsed { step } => update(steps, *step, Some(*at), "time is up".to_owned()),
        Fact::CalledBack(_) | Fact::Finished(_) => {}
    }
}

fn update(steps: &mut [Step], number: u32, decided_at: Option<Time>, result: String) {
    if let Some(step) = steps.iter_mut().find(|step| step.number == number) {
        step.decided_at = decided_at.or(step.decided_at);
        step.result = result;
    }
}

fn waits_for(pending: &Pending) -> String {
    match pending {
        Pending::Responses(_) => "not sent yet".to_owned(),
        Pending::Sleep { .. } => "sleeps".to_owned(),
        Pending::Callback { .. } => "waits".to_owned(),
    }
}

fn said(answer: &Answer) -> String {
    match answer {
        Answer::Time(time) => time.to_string(),
        Answer::Number(number) => number.to_string(),
        _ => "done".to_owned(),
    }
}

fn outcome_of(received: &Received) -> String {
    match received {
        Ok(response) => format!("{}, {} bytes", response.status, response.body.len()),
        Err(failure) => failure.message.clone(),
    }
}
