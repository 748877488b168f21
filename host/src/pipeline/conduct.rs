//! What happens to an attempt while it runs: what its threads say, and whether it is to stop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, at, never, select};

use super::attempt::Attempt;
use super::attention::Attention;
use super::channel::{Event, Fault};
use super::commit::Commitment;
use super::epoch::EpochClock;
use super::halt::Halt;
use super::progress::{Progress, TaskState};
use super::reload::Command;
use super::task::{Answered, Told};

/// What an attempt is conducted with.
pub(super) struct Conduct<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) progress: &'a Progress,
    pub(super) epoch: &'a Arc<EpochClock>,
    pub(super) commitment: &'a Commitment,
    pub(super) halt: &'a Halt,
    pub(super) attention: &'a mut Attention,
    /// Workers of segment 0 that have read everything.
    pub(super) ended: usize,
    pub(super) repartitioned: bool,
    /// A sink wants a checkpoint before it is due.
    pub(super) wanted: bool,
    /// Everything that was read has come to the sinks and is committed.
    pub(super) swept: bool,
    /// Where the task is told of other versions.
    pub(super) commands: Receiver<Command>,
    pub(super) answers: Receiver<Answered>,
    /// What it was told, and has not looked at yet.
    pub(super) told: VecDeque<Told>,
    /// Whether the version that a reload brings is at work.
    pub(super) is_new_version: bool,
}

impl Conduct<'_> {
    /// Waits for what the threads or the one who may stop the pipeline have to say. What concerns the course of the attempt is noted here, the rest is
    /// given back.
    pub(super) fn next(&mut self, wait: Duration) -> Result<Option<Event>, Fault> {
        // A deadline that cannot be told is none.
        let timeout = Instant::now().checked_add(wait).map_or_else(never, at);
        select! {
            recv(self.attempt.events) -> event => match event.map_err(|_| Fault::Disconnected)? {
                Event::Ended => self.ended += 1,
                Event::Repartitioned => self.repartitioned = true,
                Event::Wanted => self.wanted = true,
                Event::Failed(fault) => return Err(fault),
                event @ (Event::Flushed(_) | Event::Prepared { .. }) => return Ok(Some(event)),
            },
            recv(self.attention.channel()) -> told => {
                self.attention.hear(told.is_ok());
                if self.attention.is_pressed() {
                    return Err(Fault::Abandoned);
                }
                if self.attention.is_told() {
                    self.progress.state.enter(TaskState::Stopping);
                }
            },
            recv(self.commands) -> command => match command {
                Ok(command) => self.told.push_back(Told::Command(command)),
                // Nobody is left who could tell.
                Err(_) => self.commands = never(),
            },
            recv(self.answers) -> answered => {
                self.told.extend(answered.ok().map(Told::Answered));
            },
            recv(timeout) -> _ => {}
        }
        Ok(None)
    }
}
