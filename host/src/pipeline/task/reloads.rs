//! How a task takes in another version of its pipeline: it performs what the [`Machine`] decides.

mod copies;
mod judgement;
mod steps;
mod written;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, never, unbounded};

use self::copies::Capturing;
use super::Task;
use crate::checkpoint::{Checkpoint, Location};
use crate::connection::Services;
use crate::pipeline::channel::Fault;
use crate::pipeline::conduct::Conduct;
use crate::pipeline::plan::Plan;
use crate::pipeline::reload::replica::{Replica, StateChanges, StateSource};
use crate::pipeline::reload::{
    Action, Change, Command, Comparison, Counted, Counters, Event, Machine, Note, Proposal, Step,
    Terms,
};

/// How often it is looked how a version on probation does.
const LOOK: Duration = Duration::from_millis(50);

/// The versions of a task's pipeline.
pub(super) struct Reloads {
    /// What checkpoints say while no reload is under way.
    note: Note,
    pub(super) commands: Receiver<Command>,
    /// What threads that work for a reload have to say, with the round that they work in.
    answer: Sender<Answered>,
    pub(super) answers: Receiver<Answered>,
    source: StateSource,
    under_way: Option<UnderWay>,
    /// What had been counted when the version at work began.
    since: Counters,
    capture: Capturing,
}

/// What a thread has to say.
pub(in crate::pipeline) struct Answered {
    round: u64,
    answer: Answer,
}

enum Answer {
    /// The state has been read: checkpoints may be taken again.
    Loaded,
    Compared(Result<Comparison, String>),
    Followed(Result<(), String>),
    Ready(Box<Replica>),
    /// As [`Loaded`](Answer::Loaded), of a capture.
    Read,
    /// A capture is over.
    Captured,
}

/// What a task is told.
pub(in crate::pipeline) enum Told {
    Command(Command),
    Answered(Answered),
}

/// A version of a pipeline.
#[derive(Clone)]
struct Version {
    plan: Arc<Plan>,
    services: Services,
}

/// A reload that is under way.
struct UnderWay {
    machine: Machine,
    /// What is to be done next.
    wanted: Option<Action>,
    former: Version,
    new: Version,
    change: Change,
    terms: Terms,
    /// Answers of earlier rounds are passed over.
    round: u64,
    /// The state is being read: no checkpoint may be taken meanwhile.
    holds: bool,
    standby: Option<Sender<Order>>,
    copies: u32,
    /// What was counted of the former version until the switch.
    of_former: Counted,
    probation: Option<Instant>,
    /// Changes of state by loading, which belong to the next checkpoint.
    withheld: StateChanges,
    /// Since when the pipeline has been standing still for an attempt of the new version.
    stopped: Option<Instant>,
}

/// To the thread that holds the new version's instances.
enum Order {
    Follow(Arc<StateChanges>),
    HandOver,
}

/// Whether the attempt goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Stay,
    /// Another version goes on, in an attempt of its own.
    Leave,
}

impl Reloads {
    pub(super) fn new(
        version: &str,
        commands: Receiver<Command>,
        (location, pipeline, services): (&Location, &str, &Services),
        last: &Checkpoint,
    ) -> Self {
        let (answer, answers) = unbounded();
        let known = last.note.as_ref().filter(|note| note.version == version);
        let mut refused = known.map_or_else(Vec::new, |note| note.refused.clone());
        // Where the one before it was about to come back, that has come to nothing.
        refused.retain(|refused| refused != version);
        Self {
            note: Note {
                refused,
                ..Note::of(version)
            },
            commands,
            answer,
            answers,
            source: StateSource {
                location: location.clone(),
                pipeline: pipeline.to_owned(),
                services: services.clone(),
            },
            under_way: None,
            since: Counters::default(),
            capture: Capturing::Idle,
        }
    }

    /// What the next checkpoint is to say.
    fn note(&self) -> Note {
        match &self.under_way {
            Some(under_way) => under_way.machine.note(),
            None => self.note.clone(),
        }
    }

    fn under_way(&self) -> Option<&UnderWay> {
        self.under_way.as_ref()
    }

    fn step(&self) -> Option<Step> {
        Some(self.under_way()?.machine.step())
    }
}

impl UnderWay {
    fn begin(machine: Machine, wanted: Action, former: Version, proposal: Proposal) -> Self {
        Self {
            machine,
            wanted: Some(wanted),
            former,
            new: Version {
                plan: Arc::new(proposal.plan),
                services: proposal.services,
            },
            change: proposal.change,
            terms: proposal.terms,
            round: 0,
            holds: false,
            standby: None,
            copies: 0,
            of_former: Counted::default(),
            probation: None,
            withheld: Vec::new(),
            stopped: None,
        }
    }

    /// What threads were about to say does not count any more.
    fn start_round(&mut self) -> u64 {
        self.round += 1;
        self.holds = false;
        self.standby = None;
        self.copies = 0;
        self.round
    }
}

impl Task {
    /// Whether what is done now may have to be undone.
    pub(super) fn is_on_probation(&self) -> bool {
        let step = self.reloads.as_ref().and_then(Reloads::step);
        step == Some(Step::Probation)
    }

    /// How soon the task has to look at a reload again.
    pub(super) fn reload_wait(&self) -> Duration {
        match self.is_on_probation() {
            true => LOOK,
            false => Duration::MAX,
        }
    }

    /// Begins a reload in the middle of its probation, as the last checkpoint says.
    pub(super) fn resume_probation(&mut self, former: (Plan, Services), proposal: Proposal) {
        let note = self.last.note.clone().unwrap_or_default();
        let Some((machine, wanted)) = Machine::resume(&note) else {
            return;
        };
        let former = Version {
            plan: Arc::new(former.0),
            services: former.1,
        };
        let board = &self.progress.reload;
        if board.begin(machine.former()).is_some() {
            board.add(|report| {
                report.new = machine.new_version().to_owned();
                report.change = Some(proposal.change.clone());
            });
        }
        board.enter(machine.step(), None);
        if let Some(reloads) = &mut self.reloads {
            reloads.under_way = Some(UnderWay::begin(machine, wanted, former, proposal));
        }
    }

    /// Takes note of what it was told, and does what is to be done of a reload.
    pub(super) fn turn(&mut self, conduct: &mut Conduct<'_>) -> Result<Turn, Fault> {
        while let Some(told) = conduct.told.pop_front() {
            match told {
                Told::Command(command) => self.obey(command),
                Told::Answered(answered) => self.hear(conduct, answered)?,
            }
        }
        self.look_at_probation();
        while let Some(action) = self.take_wanted() {
            if self.perform(action, conduct)? == Turn::Leave {
                return Ok(Turn::Leave);
            }
        }
        self.capture(conduct)?;
        Ok(Turn::Stay)
    }

    /// A reload cannot go on when there is nothing more to work on. On probation the new version has passed; else the former one stays.
    pub(super) fn end_reload_at_end(&mut self) {
        self.apply(Event::InputEnded);
        if let Some(under_way) = self.under_way() {
            under_way.wanted = None;
        }
        self.finish_reload();
    }

    /// A plugin or something else of the new version failed on probation. Gives whether that is answered by going back to the former version.
    pub(super) fn rolls_back_on(&mut self, fault: &Fault) -> bool {
        if !self.is_on_probation() || fault.is_transient() || fault.is_fenced() {
            return false;
        }
        self.apply(Event::Breach(fault.to_string()));
        true
    }

    /// The attempt that begins goes on from the last checkpoint: which version is it, and what is to be done then?
    pub(super) fn choose_version(&mut self) {
        let note = self.last.note.clone().unwrap_or_default();
        if let Some(reloads) = &mut self.reloads {
            reloads.capture.let_go();
        }
        if self.under_way().is_some() {
            self.apply(Event::Interrupted(note));
        }
        let Some(under_way) = self.under_way() else {
            return;
        };
        under_way.start_round();
        under_way.withheld.clear();
        under_way.probation = None;
        let machine = &under_way.machine;
        let (version, digest) = match machine.runs_new() {
            true => (under_way.new.clone(), machine.new_version().to_owned()),
            false => (under_way.former.clone(), machine.former().to_owned()),
        };
        if !Arc::ptr_eq(&self.plan, &version.plan) {
            self.work_by(version);
        }
        self.progress.reload.runs(&digest);
        self.finish_reload();
    }

    fn work_by(&mut self, version: Version) {
        let names = |plan: &Plan| -> (Vec<String>, Vec<String>) {
            let stages = plan.stages.iter().map(|stage| stage.name.clone());
            let sinks = plan.sinks.iter().map(|sink| sink.name.clone());
            (stages.collect(), sinks.collect())
        };
        let (ours, theirs) = (names(&self.plan), names(&version.plan));
        if ours != theirs || self.plan.parallelism != version.plan.parallelism {
            let (stages, sinks) = theirs;
            self.progress
                .consists_of(stages, version.plan.parallelism, sinks);
        }
        self.plan = version.plan;
        self.services = version.services;
        // What was known of failures is of other plugins, or of others in their places.
        for stage in 0..self.plan.stages.len() {
            self.recovery.on_replacement(stage);
        }
        if let Some(reloads) = &mut self.reloads {
            reloads.since = Counters::of(&self.progress);
        }
    }

    fn under_way(&mut self) -> Option<&mut UnderWay> {
        self.reloads.as_mut()?.under_way.as_mut()
    }

    /// What is to be done next; nothing while a capture reads the state, which no checkpoint may change meanwhile.
    fn take_wanted(&mut self) -> Option<Action> {
        let reloads = self.reloads.as_mut();
        let reloads = reloads.filter(|reloads| !reloads.capture.holds())?;
        reloads.under_way.as_mut()?.wanted.take()
    }

    fn apply(&mut self, event: Event) {
        let Some(under_way) = self.under_way() else {
            return;
        };
        let before = under_way.machine.step();
        if let Some(action) = under_way.machine.apply(event) {
            under_way.wanted = Some(action);
        }
        let (step, reason) = (
            under_way.machine.step(),
            under_way.machine.reason().map(str::to_owned),
        );
        if step != before {
            match &reason {
                Some(reason) => tracing::warn!(?step, "reload: {reason}"),
                None => tracing::info!(?step, "reload"),
            }
            let version = match step {
                Step::Probation | Step::Done => Some(under_way.machine.new_version()),
                Step::Refused | Step::RolledBack | Step::Cancelled => {
                    Some(under_way.machine.former())
                }
                Step::Preparing | Step::Shadow | Step::CutOver | Step::RollBack => None,
            };
            let version = version.map(str::to_owned);
            let board = &self.progress.reload;
            board.enter_by(step, reason.as_deref(), version.as_deref());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reload(proposal) => self.begin_reload(*proposal),
            Command::TakeBack => self.apply(Event::TakenBack),
            Command::Capture(wanted) => self.want_copies(wanted),
        }
    }

    fn begin_reload(&mut self, proposal: Proposal) {
        let former = Version {
            plan: Arc::clone(&self.plan),
            services: self.services.clone(),
        };
        let Some(reloads) = &mut self.reloads else {
            return;
        };
        let shadows = proposal.terms.shadow_records > 0 && !proposal.change.stages.is_empty();
        let (machine, wanted) = match proposal.returns {
            true => Machine::begin_return(&reloads.note, &proposal.version, shadows),
            false => Machine::begin(&reloads.note.version, &proposal.version, shadows),
        };
        let step = machine.step();
        reloads.under_way = Some(UnderWay::begin(machine, wanted, former, proposal));
        self.progress.reload.enter(step, None);
    }

    fn hear(&mut self, conduct: &mut Conduct<'_>, answered: Answered) -> Result<(), Fault> {
        match (&answered.answer, &mut self.reloads) {
            (Answer::Read, Some(reloads)) => reloads.capture.let_go(),
            (Answer::Captured, Some(reloads)) => reloads.capture = Capturing::Idle,
            _ => {}
        }
        let Some(under_way) = self.under_way() else {
            return Ok(());
        };
        if answered.round != under_way.round {
            return Ok(());
        }
        match answered.answer {
            Answer::Loaded => under_way.holds = false,
            Answer::Compared(compared) => self.judge(compared),
            Answer::Followed(Err(reason)) => self.apply(Event::Unfit(reason)),
            Answer::Followed(Ok(())) => {
                under_way.holds = false;
                self.copy_on(conduct)?;
            }
            // Asked for and waited for at the switch.
            Answer::Ready(_) | Answer::Read | Answer::Captured => {}
        }
        Ok(())
    }

    /// Lets go of a reload that is over.
    fn finish_reload(&mut self) {
        let Some(reloads) = &mut self.reloads else {
            return;
        };
        let is_over = |under_way: &UnderWay| under_way.machine.step().is_over();
        if reloads.under_way.as_ref().is_some_and(is_over)
            && let Some(under_way) = reloads.under_way.take()
        {
            reloads.note = under_way.machine.note();
            self.progress.reload.runs(&reloads.note.version);
        }
    }

    pub(super) fn channels(&self) -> (Receiver<Command>, Receiver<Answered>) {
        match &self.reloads {
            Some(reloads) => (reloads.commands.clone(), reloads.answers.clone()),
            None => (never(), never()),
        }
    }
}
