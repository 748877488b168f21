//! What is added to a job: entries, what they mean beside themselves, and where the job stands then. All of it or nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Transaction, params};
use xxhash_rust::xxh3::xxh3_64;

use super::{callbacks, encode, outbox, stream};
use crate::job::call::{Expectation, Time};
use crate::job::journal::{Entry, Fact, Outcome};
use crate::job::machine::{Effect, Standing};
use crate::job::view::State;

/// What is added to a job, all of it or nothing.
#[derive(Clone, Debug)]
pub struct Append {
    /// The job's number.
    pub number: i64,
    /// The version that it is of.
    pub version: Option<String>,
    /// Whether there is no way back to the version that it had before.
    pub settles: bool,
    /// How many entries were written before.
    pub written: i64,
    /// In their order.
    pub entries: Vec<(Entry, Effect)>,
    /// Where the job stands then.
    pub standing: Standing,
    /// What is kept for it, if that has changed.
    pub expectations: Option<BTreeSet<Expectation>>,
    /// Its output ports, by index.
    pub ports: Arc<[Port]>,
}

/// An output port of a job, and who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Whether a stage or sink of the pipeline does.
    pub is_consumed: bool,
    /// Whether a client does, for each job its own.
    pub is_streamed: bool,
}

/// Writes it, if the journal is as long as it has to be.
pub(super) fn write(transaction: &Transaction<'_>, append: &Append) -> rusqlite::Result<()> {
    let number = append.number;
    for (entry, effect) in &append.entries {
        if *effect == Effect::Cut {
            transaction
                .prepare_cached("DELETE FROM jackfield_job_entries WHERE job = ?1")?
                .execute([number])?;
        }
        let fact = encode(&entry.fact)?;
        transaction
            .prepare_cached(
                "INSERT INTO jackfield_job_entries (job, at, fact, checksum) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![number, entry.at, fact, xxh3_64(&fact).cast_signed()])?;
        affect(transaction, append, entry, effect)?;
    }
    if let Some(expectations) = &append.expectations {
        expect(transaction, number, expectations)?;
    }
    stand(transaction, append)
}

/// What an entry means beside itself.
fn affect(
    transaction: &Transaction<'_>,
    append: &Append,
    entry: &Entry,
    effect: &Effect,
) -> rusqlite::Result<()> {
    match effect {
        Effect::Emit { port, records } => {
            let port = append.ports.get(*port as usize);
            if let Some(port) = port.filter(|port| port.is_consumed) {
                outbox::write(transaction, append.number, &port.name, entry.at, records)?;
            }
            if let Some(port) = port.filter(|port| port.is_streamed) {
                stream::write(transaction, append.number, &port.name, records)?;
            }
        }
        Effect::Progress(text) => {
            transaction
                .prepare_cached("UPDATE jackfield_jobs SET progress = ?2 WHERE number = ?1")?
                .execute(params![append.number, text])?;
        }
        Effect::None | Effect::Cut => {}
    }
    match &entry.fact {
        Fact::CalledBack(callback) => callbacks::taken(transaction, append.number, callback),
        _ => Ok(()),
    }
}

fn expect(
    transaction: &Transaction<'_>,
    number: i64,
    expectations: &BTreeSet<Expectation>,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM jackfield_expectations WHERE job = ?1")?
        .execute([number])?;
    for Expectation {
        trigger,
        correlation,
    } in expectations
    {
        transaction
            .prepare_cached(
                "INSERT INTO jackfield_expectations (trigger_name, correlation, job) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![trigger, correlation, number])?;
    }
    Ok(())
}

/// Where the job stands; an append that does not fit what was written before comes to nothing, and all that is committed with it.
fn stand(transaction: &Transaction<'_>, append: &Append) -> rusqlite::Result<()> {
    let last = append.entries.last().map(|(entry, _)| entry);
    let at = last.map_or(0, |entry| entry.at);
    let ended = append
        .entries
        .iter()
        .rev()
        .find_map(|(entry, _)| match &entry.fact {
            Fact::Finished(outcome) => Some((entry.at, outcome)),
            _ => None,
        });
    let ended = ended.filter(|_| append.standing == Standing::Finished);
    let (state, wakes_at) = match (&append.standing, ended) {
        (Standing::Finished, Some((_, outcome))) => (State::of(outcome), None),
        // What says so is still to be written: until then it can go on.
        (Standing::Finished, None) | (Standing::Ready, _) => (State::Ready, Some(at)),
        (Standing::Waiting(until), _) => (State::Waiting, Some(*until)),
        (Standing::Asking, _) => (State::Asking, None),
    };
    let outcome = ended
        .map(|(_, outcome)| encode::<Outcome>(outcome))
        .transpose()?;
    let written = append.written + i64::try_from(append.entries.len()).unwrap_or(0);
    let changed = transaction
        .prepare_cached(
            "UPDATE jackfield_jobs SET state = ?2, wakes_at = CASE WHEN ?3 = ?10 THEN wakes_at ELSE ?3 END, finished_at = ?4, outcome = ?5, written = ?6,
             former = CASE WHEN ?9 THEN NULL ELSE former END
             WHERE number = ?1 AND written = ?7 AND version IS ?8",
        )?
        .execute(params![
            append.number,
            state.as_str(),
            wakes_at,
            ended.map(|(at, _)| at),
            outcome,
            written,
            append.written,
            append.version,
            append.settles,
            // Without its definition nobody knows by when it has to be done: that stays as it is.
            Time::MAX
        ])?;
    match changed {
        1 => Ok(()),
        _ => Err(rusqlite::Error::StatementChangedRows(changed)),
    }
}
