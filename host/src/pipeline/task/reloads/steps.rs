//! The steps of a reload, as the machine wants them.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, bounded};

use super::super::{Moment, Task};
use super::{Answer, Answered, LOOK, Order, Told, Turn};
use crate::pipeline::channel::{Control, Fault};
use crate::pipeline::conduct::Conduct;
use crate::pipeline::reload::replica::{Replica, StateSource, Unfit};
use crate::pipeline::reload::shadow::Shadow;
use crate::pipeline::reload::{Action, Event};

/// Entries that change between two checkpoints in a row below which the rest is left to the standstill.
const FEW: usize = 10_000;

/// Rounds of copying what has changed, before the rest is left to the standstill however much it is.
const ROUNDS: u32 = 3;

impl Task {
    pub(super) fn perform(
        &mut self,
        action: Action,
        conduct: &mut Conduct<'_>,
    ) -> Result<Turn, Fault> {
        match action {
            Action::Shadow => self.shadow(conduct)?,
            Action::Load => self.load_beside(conduct)?,
            Action::Switch => return self.switch(conduct),
            Action::Watch => self.begin_probation(),
            Action::Commit => {
                self.checkpoint(conduct, Moment::UnderWay)?;
            }
            // The next attempt begins by putting it on record.
            Action::RollBack => return Ok(Turn::Leave),
            Action::Drop => {
                self.finish_reload();
                if !conduct.is_new_version {
                    self.checkpoint(conduct, Moment::UnderWay)?;
                }
            }
        }
        Ok(Turn::Stay)
    }

    pub(super) fn shadow(&mut self, conduct: &mut Conduct<'_>) -> Result<(), Fault> {
        let Some(under_way) = self.under_way() else {
            return Ok(());
        };
        let stages = under_way.change.stages.clone();
        let records = under_way.terms.shadow_records;
        let tapped = stages.keys().copied().collect();
        let (outlet, changes) = self.tap_at_checkpoint(conduct, tapped, records)?;
        let running = stages.keys().map(|&stage| {
            let component = &self.plan.stages[stage].component;
            (stage, component.description().clone())
        });
        let running = running.collect();
        let workers = self.plan.parallelism;
        let Some(under_way) = self.under_way() else {
            return Ok(());
        };
        let shadow = Shadow {
            new: (*under_way.new.plan).clone(),
            stages,
            running,
            workers,
            outlet,
            duration: under_way.terms.shadow_duration,
            cpu_share: under_way.terms.shadow_cpu_share,
        };
        let round = under_way.start_round();
        under_way.holds = true;
        self.spawn("shadow", round, move |source, answer| {
            let compared = shadow.run(source, &changes, || answer(Answer::Loaded));
            answer(Answer::Compared(
                compared.map_err(|unfit| unfit.to_string()),
            ));
        })?;
        self.apply(Event::ShadowStarted);
        Ok(())
    }

    pub(super) fn load_beside(&mut self, conduct: &mut Conduct<'_>) -> Result<(), Fault> {
        let changes = self.checkpoint(conduct, Moment::UnderWay)?;
        let Some(under_way) = self.under_way() else {
            return Ok(());
        };
        let plan = Arc::clone(&under_way.new.plan);
        let stages: Vec<usize> = match under_way.change.in_place {
            true => under_way.change.stages.values().copied().collect(),
            false => (0..plan.stages.len()).collect(),
        };
        let round = under_way.start_round();
        let (orders, ordered) = bounded(1);
        under_way.standby = Some(orders);
        under_way.holds = true;
        self.spawn("standby", round, move |source, answer| {
            let started =
                Replica::start(&plan, stages, plan.parallelism).and_then(|mut replica| {
                    replica.load(source, &changes)?;
                    Ok(replica)
                });
            stand_by(started, &ordered, answer);
        })
    }

    /// The new version has what was committed a while ago: what has changed since is given to it too, until that is little.
    pub(super) fn copy_on(&mut self, conduct: &mut Conduct<'_>) -> Result<(), Fault> {
        let Some(under_way) = self.under_way() else {
            return Ok(());
        };
        under_way.copies += 1;
        if under_way.copies >= ROUNDS {
            self.apply(Event::Loaded);
            return Ok(());
        }
        let changes = self.checkpoint(conduct, Moment::UnderWay)?;
        let entries: usize = changes
            .iter()
            .map(|(_, _, changes)| changes.keys.len())
            .sum();
        if let Some(under_way) = self.under_way() {
            under_way.holds = true;
            if entries < FEW {
                under_way.copies = ROUNDS - 1;
            }
            if let Some(standby) = &under_way.standby {
                // One that has gone has said why.
                let _ = standby.send(Order::Follow(changes));
            }
        }
        Ok(())
    }

    /// Has a thread work for the reload.
    pub(super) fn spawn(
        &self,
        name: &str,
        round: u64,
        work: impl FnOnce(&StateSource, &dyn Fn(Answer)) + Send + 'static,
    ) -> Result<(), Fault> {
        let Some(reloads) = &self.reloads else {
            return Ok(());
        };
        let (answer, source) = (reloads.answer.clone(), reloads.source.clone());
        let body = move || {
            // A task that has ended does not listen any more.
            work(&source, &|said| {
                drop(answer.send(Answered {
                    round,
                    answer: said,
                }))
            });
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map(drop)
            .map_err(|error| Fault::Thread(name.to_owned(), error.to_string()))
    }

    pub(super) fn switch(&mut self, conduct: &mut Conduct<'_>) -> Result<Turn, Fault> {
        let of_former = self.counted();
        if let Some(under_way) = self.under_way() {
            under_way.of_former = of_former;
        }
        let in_place = self
            .under_way()
            .is_some_and(|under_way| under_way.change.in_place);
        let started = Instant::now();
        if !in_place {
            self.checkpoint(conduct, Moment::Stop)?;
            if let Some(under_way) = self.under_way() {
                under_way.stopped = Some(started);
            }
            // What comes next happens in an attempt of the new version.
            return Ok(Turn::Leave);
        }
        let still = self.stand_still(conduct, Moment::UnderWay)?;
        // The last changes are loaded while they are written.
        self.order(Order::Follow(Arc::clone(&still.changes)));
        self.order(Order::HandOver);
        self.commit_still(conduct, still, Moment::UnderWay)?;
        match self.wait_for_replica(conduct)? {
            Ok(replica) => {
                let shared = &conduct.attempt.shared;
                shared.replace(replica.into_instances());
                shared.is_on_probation.store(true, Relaxed);
                conduct.is_new_version = true;
                self.go_on_by_new();
            }
            Err(reason) => self.apply(Event::Unfit(reason)),
        }
        conduct.attempt.tell(Control::Resume);
        let pause = started.elapsed();
        tracing::info!(?pause, "reload: the pipeline stood still");
        self.progress
            .reload
            .add(|report| report.pause_seconds = Some(pause.as_secs_f64()));
        self.settle()?;
        Ok(Turn::Stay)
    }

    /// The new version's instances are about to go on within the attempt.
    pub(super) fn go_on_by_new(&mut self) {
        let Some(under_way) = self.under_way() else {
            return;
        };
        under_way.start_round();
        let (new, digest) = (
            under_way.new.clone(),
            under_way.machine.new_version().to_owned(),
        );
        self.work_by(new);
        self.progress.reload.runs(&digest);
        self.apply(Event::Switched);
    }

    pub(super) fn order(&mut self, order: Order) {
        if let Some(standby) = self
            .under_way()
            .and_then(|under_way| under_way.standby.as_ref())
        {
            // One that has gone has said why.
            let _ = standby.send(order);
        }
    }

    pub(super) fn wait_for_replica(
        &mut self,
        conduct: &mut Conduct<'_>,
    ) -> Result<Result<Box<Replica>, String>, Fault> {
        loop {
            if let Some(found) = self.replica_among(conduct) {
                return Ok(found);
            }
            conduct.next(LOOK)?;
        }
    }

    /// What the standby thread has said, of what was said since the last look; the rest stays to be heard.
    pub(super) fn replica_among(
        &mut self,
        conduct: &mut Conduct<'_>,
    ) -> Option<Result<Box<Replica>, String>> {
        let round = self.under_way()?.round;
        let of_standby = |told: &Told| match told {
            Told::Answered(Answered { round: of, answer }) if *of == round => {
                matches!(answer, Answer::Ready(_) | Answer::Followed(Err(_)))
            }
            _ => false,
        };
        let place = conduct.told.iter().position(of_standby)?;
        match conduct.told.remove(place)? {
            Told::Answered(Answered {
                answer: Answer::Ready(replica),
                ..
            }) => Some(Ok(replica)),
            Told::Answered(Answered {
                answer: Answer::Followed(Err(reason)),
                ..
            }) => Some(Err(reason)),
            _ => None,
        }
    }
}

/// Keeps the instances up to date until they are wanted.
fn stand_by(started: Result<Replica, Unfit>, ordered: &Receiver<Order>, answer: &dyn Fn(Answer)) {
    let mut replica = match started {
        Ok(replica) => replica,
        Err(unfit) => return answer(Answer::Followed(Err(unfit.to_string()))),
    };
    answer(Answer::Followed(Ok(())));
    while let Ok(order) = ordered.recv() {
        match order {
            Order::Follow(changes) => match replica.follow(&changes) {
                Ok(()) => answer(Answer::Followed(Ok(()))),
                Err(unfit) => return answer(Answer::Followed(Err(unfit.to_string()))),
            },
            Order::HandOver => return answer(Answer::Ready(Box::new(replica))),
        }
    }
}
