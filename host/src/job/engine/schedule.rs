//! The thread that starts what is due, and forgets what is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::definition::Defined;
use super::{Engine, locked, run};
use crate::job::JobError;
use crate::job::call::Time;
use crate::pipeline::clock::now;

/// Runs at a time, of all jobs of a pipeline: each is a thread and an instance.
const MOST: usize = 256;

/// The longest that nothing is looked at: clocks are set.
const LOOK: Duration = Duration::from_secs(5);

/// Between two looks at what is due and cannot be started.
const PAUSE: Duration = Duration::from_millis(100);

/// After the store could not be read.
const BREATH: Duration = Duration::from_secs(1);

/// How often what is over is looked for.
const TIDY: Duration = Duration::from_secs(30);

/// How long a callback is kept that no job has asked for.
const KEPT: Duration = Duration::from_hours(24);

pub(super) fn start(engine: &Arc<Engine>, signalled: Receiver<()>) {
    let driven = Arc::clone(engine);
    let spawned = thread::Builder::new()
        .name("jobs".to_owned())
        .spawn(move || serve(&driven, &signalled));
    match spawned {
        Ok(thread) => locked(&engine.threads).push(thread),
        Err(error) => tracing::error!(%error, "jobs cannot be run: their thread does not start"),
    }
}

fn serve(engine: &Arc<Engine>, signalled: &Receiver<()>) {
    let mut tidied = Instant::now();
    while !engine.is_stopping() {
        let wait = turn(engine).unwrap_or_else(|error| {
            tracing::error!(%error, "jobs cannot be looked at");
            BREATH
        });
        if tidied.elapsed() >= TIDY {
            tidied = Instant::now();
            tidy(engine);
        }
        // Also when somebody has left: to be stopped is said otherwise.
        let _ = signalled.recv_timeout(wait);
    }
}

/// Starts what is due and has a place; gives how long nothing more can be.
fn turn(engine: &Arc<Engine>) -> Result<Duration, JobError> {
    engine.drop_former();
    let versions = engine.versions().all();
    let mut running = engine.versions().running();
    for (defined, runs) in &versions {
        let (name, version) = (&defined.definition.name, &defined.version);
        let here = defined.counts.running.load(Ordering::Acquire);
        let free = runs.saturating_sub(here);
        let free = free.min(MOST.saturating_sub(running));
        if free == 0 {
            continue;
        }
        // Those that run are ready too.
        let due = engine.store.due(name, version, now(), free + here)?;
        let fresh = due.into_iter().filter(|due| !engine.slots.has(&due.id));
        for due in fresh.take(free) {
            running += 1;
            spawn(engine, defined, &due.id);
        }
    }
    threads_that_ended(engine);
    let mut next: Option<Time> = None;
    for (defined, _) in &versions {
        let wake = engine
            .store
            .next_wake(&defined.definition.name, &defined.version)?;
        next = next.into_iter().chain(wake).min();
    }
    let until = next.map(|next| u64::try_from(next.saturating_sub(now())).unwrap_or(0));
    Ok(match until {
        // It is due and has no place, or is being waited for by its own run: when there is a place is said.
        Some(0) => PAUSE,
        Some(until) => Duration::from_millis(until).min(LOOK),
        None => LOOK,
    })
}

fn spawn(engine: &Arc<Engine>, defined: &Defined, id: &str) {
    let counts = Arc::clone(&defined.counts);
    counts.running.fetch_add(1, Ordering::AcqRel);
    let slot = engine.slots.take(id);
    let taken = Arc::clone(&slot);
    let job = defined.definition.name.clone();
    let driven = Arc::clone(engine);
    let spawned = thread::Builder::new()
        .name(format!("job {job}"))
        .spawn(move || {
            run::run(&driven, &taken);
            driven.slots.leave(taken);
            counts.running.fetch_sub(1, Ordering::AcqRel);
            driven.poke();
        });
    match spawned {
        Ok(thread) => locked(&engine.threads).push(thread),
        Err(error) => {
            defined.counts.running.fetch_sub(1, Ordering::AcqRel);
            engine.slots.leave(slot);
            tracing::error!(%error, "a job cannot be run: its thread does not start");
        }
    }
}

fn threads_that_ended(engine: &Engine) {
    locked(&engine.threads).retain(|thread| !thread.is_finished());
}

fn tidy(engine: &Engine) {
    let before = |age: Duration| now().saturating_sub_unsigned(age.as_millis() as u64);
    let versions = engine.versions().all();
    // The last of a job's versions is the one that says.
    let says: BTreeMap<_, _> = versions
        .iter()
        .map(|(defined, _)| (&defined.definition.name, defined.definition.keep_finished))
        .collect();
    for (name, age) in says {
        if let Err(error) = engine.store.forget(name.clone(), before(age)).wait() {
            tracing::warn!(%error, "finished jobs cannot be removed");
        }
    }
    if let Err(error) = engine.store.forget_callbacks(before(KEPT)).wait() {
        tracing::warn!(%error, "old callbacks cannot be removed");
    }
}
