//! A sink on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::channel::{Event, Fault, Signal, ToSink};
use super::worker::Shared;
use crate::record::Batch;
use crate::sink::Sink;

/// Writes what the workers send until they go away. An epoch has arrived when `upstream` workers have said so.
pub(super) fn run(
    shared: &Shared,
    index: usize,
    sink: &mut dyn Sink,
    upstream: usize,
    inbox: &Receiver<ToSink>,
    events: &Sender<Event>,
) -> Result<(), Fault> {
    let mut barriers = 0;
    let mut wanted = false;
    let mut held = Held::default();
    let undoes = shared.plan.sinks[index].undoes();
    while let Some(message) = next(inbox, sink)? {
        match message {
            ToSink::Deliver {
                from,
                signal: Signal::Batch(batch),
            } => {
                if undoes || !shared.is_on_probation.load(Relaxed) {
                    write(shared, index, sink, from, batch)?;
                } else {
                    held.hold(from, batch);
                }
                if !wanted && (sink.wants_checkpoint() || held.is_full()) {
                    wanted = true;
                    events.send(Event::Wanted)?;
                }
            }
            ToSink::Deliver {
                from,
                signal: Signal::Silence,
            } => sink.silence(from)?,
            ToSink::Barrier => {
                barriers += 1;
                if barriers == upstream {
                    (barriers, wanted) = (0, false);
                    for (from, batch) in held.release() {
                        write(shared, index, sink, from, batch)?;
                    }
                    shared.write_dead_letters(&sink.refused())?;
                    let position = sink.prepare()?;
                    events.send(Event::Prepared {
                        sink: index,
                        position,
                    })?;
                }
            }
        }
    }
    Ok(())
}

/// Bytes of records that are held back for a sink.
const ROOM: usize = 64 << 20;

/// Records for a sink that cannot undo what it does, while that may become necessary. When there is no more room for them, it is time for a checkpoint.
#[derive(Default)]
struct Held {
    batches: Vec<(usize, Arc<Batch>)>,
    bytes: usize,
}

impl Held {
    fn hold(&mut self, from: usize, batch: Arc<Batch>) {
        self.bytes += batch.values.bytes() + batch.keys.bytes();
        self.batches.push((from, batch));
    }

    fn is_full(&self) -> bool {
        self.bytes >= ROOM
    }

    fn release(&mut self) -> Vec<(usize, Arc<Batch>)> {
        self.bytes = 0;
        std::mem::take(&mut self.batches)
    }
}

/// Waits for a message, and has the sink flush when that is due. None when nobody sends any more.
fn next(inbox: &Receiver<ToSink>, sink: &mut dyn Sink) -> Result<Option<ToSink>, Fault> {
    loop {
        let Some(due) = sink.flush_at() else {
            return Ok(inbox.recv().ok());
        };
        if due <= Instant::now() {
            sink.flush()?;
            continue;
        }
        match inbox.recv_deadline(due) {
            Ok(message) => return Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

fn write(
    shared: &Shared,
    index: usize,
    sink: &mut dyn Sink,
    from: usize,
    batch: Arc<Batch>,
) -> Result<(), Fault> {
    let name = &shared.plan.sinks[index].name;
    let misfits = sink.write(from, &batch)?;
    let taken = (batch.len() - misfits.len()) as u64;
    shared.progress.sinks()[index]
        .records
        .fetch_add(taken, Relaxed);
    let letters: Vec<_> = misfits
        .into_iter()
        .map(|misfit| misfit.into_letter(name, &batch))
        .collect();
    shared.write_dead_letters(&letters)?;
    // Let go of before the next is waited for: the batch is the largest thing in flight.
    drop(Arc::into_inner(batch));
    Ok(())
}
