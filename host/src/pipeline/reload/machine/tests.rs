//! Reloads under every schedule of events: whatever happens, one version is at work, and it is the right one.

use proptest::prelude::*;

use super::*;

const FORMER: &str = "former";
const NEW: &str = "new";
/// One that was refused before.
const EARLIER: &str = "earlier";

/// A pipeline that performs what the machine decides, as simply as can be: what is committed, which version works, and what the machine wants.
struct Pipeline {
    committed: Note,
    machine: Machine,
    wanted: Option<Action>,
    /// Which versions did work that was committed, in order.
    history: Vec<String>,
    /// The new version failed on probation, or was taken back, and no crash came before that was on record.
    was_sent_away: bool,
}

/// What may happen beside what is performed.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// What is wanted is performed well.
    Perform,
    /// The shadow or the loading ends badly.
    Unfit,
    /// The new version fails on probation.
    Breach,
    /// The same, after a commit that nobody could tell of any more.
    BreachAfterCommit,
    /// Something outside fails.
    Interrupt,
    /// The same, after a commit that nobody could tell of any more.
    InterruptAfterCommit,
    /// The process is killed and started again.
    Crash,
    /// Somebody takes the reload back.
    TakeBack,
    /// A checkpoint is due.
    Checkpoint,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => Just(Happening::Perform),
        1 => Just(Happening::Unfit),
        1 => Just(Happening::Breach),
        1 => Just(Happening::BreachAfterCommit),
        1 => Just(Happening::Interrupt),
        1 => Just(Happening::InterruptAfterCommit),
        1 => Just(Happening::Crash),
        1 => Just(Happening::TakeBack),
        2 => Just(Happening::Checkpoint),
    ]
}

impl Pipeline {
    fn start(returns: bool, shadows: bool) -> Self {
        let committed = Note {
            refused: vec![EARLIER.to_owned()],
            ..Note::of(FORMER)
        };
        let (machine, wanted) = match returns {
            true => Machine::begin_return(&committed, NEW, shadows),
            false => Machine::begin(FORMER, NEW, shadows),
        };
        Self {
            committed,
            machine,
            wanted: Some(wanted),
            history: Vec::new(),
            was_sent_away: false,
        }
    }

    fn at_work(&self) -> &str {
        match self.machine.runs_new() {
            true => NEW,
            false => FORMER,
        }
    }

    fn tell(&mut self, event: Event) {
        if let Some(action) = self.machine.apply(event) {
            self.wanted = Some(action);
        }
    }

    fn commit(&mut self) {
        self.history.push(self.at_work().to_owned());
        self.committed = self.machine.note();
    }

    fn perform(&mut self) {
        match self.wanted.take() {
            Some(Action::Shadow) => {
                self.commit();
                self.tell(Event::ShadowStarted);
                self.tell(Event::Agreed);
            }
            Some(Action::Load) => {
                self.commit();
                self.tell(Event::Loaded);
            }
            Some(Action::Switch) => {
                self.commit();
                self.tell(Event::Switched);
            }
            Some(Action::Watch) => self.tell(Event::Passed),
            Some(Action::Commit | Action::RollBack) => {
                self.commit();
                self.tell(Event::Committed);
            }
            Some(Action::Drop) => self.commit(),
            None => {}
        }
    }

    /// What is committed counts, whatever fails afterwards.
    fn breach(&mut self) {
        let is_undone = self.committed.version == FORMER;
        self.was_sent_away |= is_undone && self.machine.step() == Step::Probation;
        self.tell(Event::Breach("it traps".to_owned()));
        if self.wanted == Some(Action::RollBack) {
            // The attempt ends, and the next one looks at what was committed first.
            self.tell(Event::Interrupted(self.committed.clone()));
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Perform => self.perform(),
            Happening::Unfit => self.tell(Event::Unfit("it traps".to_owned())),
            Happening::Breach => self.breach(),
            Happening::BreachAfterCommit => {
                if self.wanted == Some(Action::Commit) {
                    self.wanted = None;
                    self.commit();
                }
                self.breach();
            }
            Happening::TakeBack => {
                self.was_sent_away |= !self.machine.step().is_over();
                self.tell(Event::TakenBack);
            }
            Happening::Checkpoint if self.machine.lets_checkpoints_pass() => {
                // What the task wants next comes first at a switch.
                if self.wanted != Some(Action::Switch) {
                    self.commit();
                }
            }
            Happening::Checkpoint => {}
            Happening::Interrupt => self.tell(Event::Interrupted(self.committed.clone())),
            Happening::InterruptAfterCommit => {
                if matches!(
                    self.wanted,
                    Some(Action::Switch | Action::Commit | Action::RollBack)
                ) {
                    self.wanted = None;
                    self.commit();
                }
                self.tell(Event::Interrupted(self.committed.clone()));
            }
            Happening::Crash => self.start_again(),
        }
    }

    /// As a process does that finds the last checkpoint, and a manifest that is the new version.
    fn start_again(&mut self) {
        let is_refused = self.committed.refuses(NEW);
        // What no checkpoint says is forgotten: the candidate is on probation once more.
        self.was_sent_away &= is_refused;
        let at = |step| (Machine::at(FORMER, NEW, step), None);
        (self.machine, self.wanted) = match Machine::resume(&self.committed) {
            Some((machine, wanted)) => (machine, Some(wanted)),
            // Nothing was under way at the last checkpoint: it is over, or begins anew.
            None if self.committed.version == NEW => at(Step::Done),
            None if is_refused => at(Step::RolledBack),
            None => {
                let (machine, wanted) = Machine::begin(FORMER, NEW, true);
                (machine, Some(wanted))
            }
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn one_version_is_at_work_and_the_new_one_only_once_it_has_the_state(
        shadows: bool,
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut pipeline = Pipeline::start(false, shadows);
        for happening in happenings {
            pipeline.happen(happening);
            // Nothing that the new version did is committed before it has passed.
            if pipeline.committed.version == FORMER {
                prop_assert!(!pipeline.history.contains(&NEW.to_owned()));
            }
            // What was sent away does not come to be the version.
            if pipeline.was_sent_away {
                prop_assert_eq!(&pipeline.committed.version, FORMER);
            }
            // The new version works only from a checkpoint that names it.
            if pipeline.machine.runs_new() {
                let named = pipeline.committed.version == NEW || pipeline.committed.is_of_switch_to(NEW);
                prop_assert!(named, "{:?}", pipeline.committed);
            }
        }
    }

    #[test]
    fn left_in_peace_every_reload_comes_to_its_end(
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut pipeline = Pipeline::start(false, true);
        for happening in happenings {
            pipeline.happen(happening);
        }
        pipeline.start_again();
        for _ in 0..10 {
            pipeline.perform();
        }
        let step = pipeline.machine.step();
        prop_assert!(step.is_over(), "{step:?}");
        if pipeline.committed.version == NEW {
            prop_assert_eq!(pipeline.history.last().map(String::as_str), Some(NEW));
        } else if step == Step::RolledBack {
            prop_assert!(pipeline.committed.refuses(NEW));
        }
    }
}

proptest! {
    #[test]
    fn what_somebody_sent_away_is_not_tried_again_whatever_happens_on_the_way(
        shadows: bool,
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut pipeline = Pipeline::start(true, shadows);
        for happening in happenings {
            // What no checkpoint says yet is forgotten in a crash: nobody comes back then.
            if matches!(happening, Happening::Crash) && pipeline.committed.candidate.is_none() {
                break;
            }
            pipeline.happen(happening);
            prop_assert!(pipeline.committed.refuses(EARLIER));
            if pipeline.committed.version == NEW {
                prop_assert!(pipeline.committed.refuses(FORMER));
            }
        }
    }
}

#[test]
fn a_good_version_takes_over_step_by_step() {
    let (mut machine, wanted) = Machine::begin(FORMER, NEW, true);
    assert_eq!(wanted, Action::Shadow);
    assert_eq!(
        machine.note().candidate.map(|found| found.on_probation),
        Some(false)
    );
    assert_eq!(machine.apply(Event::Agreed), Some(Action::Load));
    assert_eq!(machine.apply(Event::Loaded), Some(Action::Switch));
    assert_eq!(
        machine.note().candidate.map(|found| found.on_probation),
        Some(true)
    );
    assert!(!machine.runs_new());
    assert_eq!(machine.apply(Event::Switched), Some(Action::Watch));
    assert!(machine.runs_new() && !machine.lets_checkpoints_pass());
    assert_eq!(machine.apply(Event::Passed), Some(Action::Commit));
    assert_eq!(machine.note(), Note::of(NEW));
    assert_eq!(machine.apply(Event::Committed), None);
    assert_eq!(machine.step(), Step::Done);
}

#[test]
fn a_version_that_fails_on_probation_is_undone_and_remembered() {
    let (mut machine, _) = Machine::begin(FORMER, NEW, false);
    machine.apply(Event::Loaded);
    machine.apply(Event::Switched);
    let breach = Event::Breach("it traps".to_owned());
    assert_eq!(machine.apply(breach), Some(Action::RollBack));
    assert!(!machine.runs_new());
    assert_eq!(machine.apply(Event::Committed), Some(Action::Drop));
    assert_eq!(machine.note().refused, [NEW]);
    assert_eq!(machine.reason(), Some("it traps"));
}

#[test]
fn a_version_that_somebody_takes_back_is_remembered_and_one_that_input_ran_out_for_is_not() {
    for (event, refused) in [
        (Event::TakenBack, vec![NEW.to_owned()]),
        (Event::InputEnded, Vec::new()),
    ] {
        let (mut machine, _) = Machine::begin(FORMER, NEW, true);
        assert_eq!(machine.apply(event), Some(Action::Drop));
        assert_eq!(machine.step(), Step::Cancelled);
        let expected = Note {
            refused,
            ..Note::of(FORMER)
        };
        assert_eq!(machine.note(), expected);
    }
}

#[test]
fn the_version_that_somebody_leaves_is_remembered_when_the_one_before_it_is_back() {
    let (mut machine, _) = Machine::begin_return(&Note::of(FORMER), NEW, false);
    machine.apply(Event::Loaded);
    machine.apply(Event::Switched);
    let note = Note {
        refused: vec![FORMER.to_owned()],
        ..Note::of(NEW)
    };
    assert_eq!(machine.note(), note);
    machine.apply(Event::Breach("it traps".to_owned()));
    assert_eq!(machine.note().refused, [NEW]);
}

#[test]
fn notes_of_former_releases_name_one_version_at_most() {
    let one: Note = serde_json::from_str(r#"{"version":"b","refused":"c"}"#).unwrap();
    assert!(one.refuses("c"));
    let none: Note = serde_json::from_str(r#"{"version":"b"}"#).unwrap();
    assert_eq!(none, Note::of("b"));
}

#[test]
fn a_version_that_fails_after_it_was_committed_is_the_version() {
    let (mut machine, _) = Machine::begin(FORMER, NEW, false);
    machine.apply(Event::Loaded);
    machine.apply(Event::Switched);
    machine.apply(Event::Passed);
    machine.apply(Event::Breach("a sink is gone".to_owned()));
    assert_eq!(machine.apply(Event::Interrupted(Note::of(NEW))), None);
    assert_eq!((machine.step(), machine.reason()), (Step::Done, None));
    assert!(machine.runs_new());
}

#[test]
fn a_note_says_which_version_was_before_however_many_were_refused_since() {
    let first = Note::of("a").after(None);
    let second = Note::of("b").after(Some(&first));
    let refused = Note {
        refused: vec!["c".to_owned()],
        ..Note::of("b")
    };
    let third = refused.after(Some(&second));
    assert_eq!(
        [&first.before, &second.before, &third.before].map(Option::as_deref),
        [None, Some("a"), Some("a")]
    );
}
