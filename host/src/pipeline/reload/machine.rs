//! What is to happen next in a reload: events in, actions out.
//!
//! The machine knows the versions by their digests alone. What has to survive a crash of it is the [`Note`] that is part of every checkpoint: a process that finds one
//! goes on where it says. The note says nothing that the checkpoint beside it does not make true.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, Serialize};

/// What a checkpoint says of the version of the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The digest of the version whose work is committed.
    pub version: String,
    /// The one that is to take its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// Those that were refused, rolled back or taken back since the manifest was last taken in: they are not tried again unless that is asked for. While the running version is
    /// among them, the candidate is the one before it, which somebody wants back.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "one_or_several"
    )]
    pub refused: Vec<String>,
    /// The version whose work was committed before that of `version` was: the one to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Note {
    /// Of a pipeline that runs this version and no other.
    #[must_use]
    pub fn of(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            ..Self::default()
        }
    }

    /// The same in the checkpoint after the one that says `last`.
    #[must_use]
    pub fn after(self, last: Option<&Self>) -> Self {
        let before = last.and_then(|last| match last.version == self.version {
            true => last.before.clone(),
            false => Some(last.version.clone()),
        });
        Self { before, ..self }
    }

    /// Whether the version is not to be tried again by itself.
    #[must_use]
    pub fn refuses(&self, version: &str) -> bool {
        self.refused.iter().any(|refused| refused == version)
    }

    /// Whether the version works, on probation, from the checkpoint on that says this.
    fn is_of_switch_to(&self, version: &str) -> bool {
        let candidate = self.candidate.as_ref();
        candidate.is_some_and(|candidate| candidate.on_probation && candidate.version == version)
    }
}

/// Checkpoints of former releases name at most one.
fn one_or_several<'de, D: Deserializer<'de>>(found: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Refused {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Refused::deserialize(found)? {
        Refused::One(one) => vec![one],
        Refused::Several(several) => several,
    })
}

/// A version that is to take the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Its digest.
    pub version: String,
    /// Whether it works from this checkpoint on.
    pub on_probation: bool,
}

/// Where a reload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The new version is looked for and looked at; nothing has been decided that would have to be kept.
    Preparing,
    /// The new version works on copies.
    Shadow,
    /// The new version is given the state.
    CutOver,
    /// The new version works, and nothing of it is committed yet.
    Probation,
    /// The former version is about to go on from the cut-over.
    RollBack,
    /// The new version is the version of the pipeline.
    Done,
    /// It was not let in: the running version has not noticed.
    Refused,
    /// It was let in and sent away.
    RolledBack,
    /// Whoever asked for it took that back.
    Cancelled,
}

impl Step {
    /// Whether nothing more happens.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Refused | Self::RolledBack | Self::Cancelled
        )
    }
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The checkpoint from which the shadow starts was committed, with the machine's note.
    ShadowStarted,
    /// What the shadow made is close enough to what the running version made.
    Agreed,
    /// The new version may not take over, for this reason: it failed as a shadow, or made something else.
    Unfit(String),
    /// The new version holds the state of the last checkpoint.
    Loaded,
    /// A checkpoint with the machine's note was committed, and the new version works.
    Switched,
    /// The new version did well on probation for as long as it had to.
    Passed,
    /// The new version did not do well on probation, for this reason.
    Breach(String),
    /// The attempt is over for a reason outside of the versions; the next one goes on from the checkpoint with this note.
    Interrupted(Note),
    /// The machine's note was committed: with a checkpoint of the new version after [`Action::Commit`], with that of the cut-over once more after
    /// [`Action::RollBack`].
    Committed,
    /// Somebody wants the former version to stay or to come back.
    TakenBack,
    /// There is nothing more to work on, so that nothing more can be found out about the new version.
    InputEnded,
}

/// What is to be done. Each is answered by an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take a checkpoint, and let the new version work on copies of what comes after it.
    Shadow,
    /// Give the new version the state of the last checkpoint, beside the running one.
    Load,
    /// Take a checkpoint, and let the new version go on from it.
    Switch,
    /// Look at how the new version does, and take no checkpoint meanwhile.
    Watch,
    /// Take a checkpoint of what the new version has done.
    Commit,
    /// Drop the attempt, commit the machine's note with the last checkpoint as it is, and only then let the former version go on from there.
    RollBack,
    /// Let go of the new version: nothing of it is left.
    Drop,
}

/// A reload under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    former: String,
    new: String,
    step: Step,
    /// Whether a checkpoint was committed from which on the new version works.
    has_switched: bool,
    reason: Option<String>,
    /// Versions that are not to be tried again however this reload ends. The former one is among them where somebody wants the new one back in its place.
    refused: Vec<String>,
    /// Whether the new version is not to be tried again either.
    refuses_new: bool,
}

impl Machine {
    /// Begins to put `new` in the place of `former`; `shadows` says whether it works on copies first.
    #[must_use]
    pub fn begin(former: &str, new: &str, shadows: bool) -> (Self, Action) {
        let (step, action) = match shadows {
            true => (Step::Shadow, Action::Shadow),
            false => (Step::CutOver, Action::Load),
        };
        (Self::at(former, new, step), action)
    }

    /// Begins to put `new` back in the place of the version that the note is of. Neither that one nor what the note refuses is tried again when this is done: what the manifest says
    /// is not what somebody wants.
    #[must_use]
    pub fn begin_return(note: &Note, new: &str, shadows: bool) -> (Self, Action) {
        let (mut machine, action) = Self::begin(&note.version, new, shadows);
        machine.refused.clone_from(&note.refused);
        machine.refused.push(note.version.clone());
        (machine, action)
    }

    /// Goes on with a reload from the note of the last checkpoint; none if no reload is under way there.
    #[must_use]
    pub fn resume(note: &Note) -> Option<(Self, Action)> {
        let candidate = note.candidate.as_ref()?;
        let (step, action) = match candidate.on_probation {
            true => (Step::Probation, Action::Watch),
            false => (Step::Shadow, Action::Shadow),
        };
        let mut machine = Self::at(&note.version, &candidate.version, step);
        machine.has_switched = candidate.on_probation;
        machine.refused.clone_from(&note.refused);
        Some((machine, action))
    }

    fn at(former: &str, new: &str, step: Step) -> Self {
        Self {
            former: former.to_owned(),
            new: new.to_owned(),
            step,
            has_switched: false,
            reason: None,
            refused: Vec::new(),
            refuses_new: false,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// Why it was refused or rolled back.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The digest of the former version.
    #[must_use]
    pub fn former(&self) -> &str {
        &self.former
    }

    /// The digest of the new version.
    #[must_use]
    pub fn new_version(&self) -> &str {
        &self.new
    }

    /// Whether the new version is the one that works on the pipeline's records.
    #[must_use]
    pub fn runs_new(&self) -> bool {
        self.step == Step::Done || (self.step == Step::Probation && self.has_switched)
    }

    /// Whether checkpoints may be taken as they come due. On probation none may: what the new version does must be possible to undo.
    #[must_use]
    pub fn lets_checkpoints_pass(&self) -> bool {
        !matches!(self.step, Step::Probation | Step::RollBack)
    }

    /// What the next checkpoint is to say.
    #[must_use]
    pub fn note(&self) -> Note {
        let candidate = |on_probation| {
            Some(Candidate {
                version: self.new.clone(),
                on_probation,
            })
        };
        let (version, candidate) = match self.step {
            Step::Shadow => (&self.former, candidate(false)),
            // Once the new version is ready, the next checkpoint is that of the switch.
            Step::CutOver => (&self.former, candidate(self.has_switched)),
            Step::Probation | Step::Done => (&self.new, None),
            Step::Preparing
            | Step::RollBack
            | Step::Refused
            | Step::RolledBack
            | Step::Cancelled => (&self.former, None),
        };
        let mut refused = self.refused.clone();
        if self.refuses_new {
            refused.push(self.new.clone());
        }
        // One that stays, or comes back, has been let in.
        refused.retain(|refused| candidate.is_some() || refused != version);
        refused.sort_unstable();
        refused.dedup();
        Note {
            candidate,
            refused,
            ..Note::of(version)
        }
    }

    /// Takes note of what has happened and says what is to be done. What does not belong to where the machine stands is passed over: it was under way when
    /// something else was decided.
    pub fn apply(&mut self, event: Event) -> Option<Action> {
        match (self.step, event) {
            (Step::Shadow, Event::Agreed) => {
                self.step = Step::CutOver;
                Some(Action::Load)
            }
            (_, Event::Interrupted(note)) => self.go_on(&note),
            (Step::Shadow | Step::CutOver, Event::Unfit(reason)) => self.refuse(reason),
            (Step::Shadow | Step::CutOver, Event::TakenBack) => {
                self.refuses_new = true;
                self.cancel()
            }
            (Step::Shadow | Step::CutOver, Event::InputEnded) => self.cancel(),
            (Step::CutOver, Event::Loaded) => {
                self.has_switched = true;
                Some(Action::Switch)
            }
            (Step::CutOver, Event::Switched) if self.has_switched => {
                self.step = Step::Probation;
                Some(Action::Watch)
            }
            (Step::Probation, Event::Passed | Event::InputEnded) => Some(Action::Commit),
            (Step::Probation, Event::Committed) => {
                self.step = Step::Done;
                None
            }
            (Step::Probation, Event::Breach(reason)) => self.send_away(reason),
            (Step::Probation, Event::TakenBack) => self.send_away("it was taken back".to_owned()),
            (Step::RollBack, Event::Committed) => {
                self.step = Step::RolledBack;
                Some(Action::Drop)
            }
            _ => None,
        }
    }

    /// A checkpoint may have been committed although nobody could say so any more.
    fn go_on(&mut self, note: &Note) -> Option<Action> {
        match self.step {
            Step::Shadow => Some(Action::Shadow),
            Step::CutOver if note.is_of_switch_to(&self.new) => self.apply(Event::Switched),
            Step::CutOver => {
                self.has_switched = false;
                Some(Action::Load)
            }
            Step::Probation if note.version == self.new => self.apply(Event::Committed),
            Step::Probation if note.is_of_switch_to(&self.new) => Some(Action::Watch),
            // What was read when the process began did not count: the former version has come back since, or was never left.
            Step::Probation => {
                self.has_switched = false;
                self.step = match note.refuses(&self.new) {
                    true => Step::RolledBack,
                    false => Step::Cancelled,
                };
                Some(Action::Drop)
            }
            Step::RollBack if note.refuses(&self.new) => self.apply(Event::Committed),
            // What it did was committed before it failed: there is nothing left to undo.
            Step::RollBack if note.version == self.new => {
                self.reason = None;
                self.refuses_new = false;
                self.step = Step::Done;
                None
            }
            Step::RollBack => Some(Action::RollBack),
            Step::Preparing | Step::Done | Step::Refused | Step::RolledBack | Step::Cancelled => {
                None
            }
        }
    }

    fn refuse(&mut self, reason: String) -> Option<Action> {
        self.has_switched = false;
        self.refuses_new = true;
        self.step = Step::Refused;
        self.reason = Some(reason);
        Some(Action::Drop)
    }

    fn cancel(&mut self) -> Option<Action> {
        self.has_switched = false;
        self.step = Step::Cancelled;
        Some(Action::Drop)
    }

    fn send_away(&mut self, reason: String) -> Option<Action> {
        self.refuses_new = true;
        self.step = Step::RollBack;
        self.reason = Some(reason);
        Some(Action::RollBack)
    }
}
