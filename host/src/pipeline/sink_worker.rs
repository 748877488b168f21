//! A sink on a thread of its own.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use super::channel::{Event, Fault, ToSink};
use super::worker::Shared;
use crate::sink::{Misfit, Sink};

/// Writes what the workers send until they go away. An epoch has arrived when `upstream` workers have said so.
pub(super) fn run(
    shared: &Shared,
    index: usize,
    sink: &mut dyn Sink,
    upstream: usize,
    inbox: &Receiver<ToSink>,
    events: &Sender<Event>,
) -> Result<(), Fault> {
    let name = &shared.plan.sinks[index].name;
    let mut barriers = 0;
    while let Ok(message) = inbox.recv() {
        match message {
            ToSink::Batch(batch) => {
                let misfits: Vec<Misfit> = sink.write(&batch)?;
                let letters: Vec<_> = misfits
                    .into_iter()
                    .map(|misfit| misfit.into_letter(name, &batch))
                    .collect();
                shared.write_dead_letters(&letters)?;
                // Let go of before the next is waited for: the batch is the largest thing in flight.
                drop(Arc::into_inner(batch));
            }
            ToSink::Barrier => {
                barriers += 1;
                if barriers == upstream {
                    barriers = 0;
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
