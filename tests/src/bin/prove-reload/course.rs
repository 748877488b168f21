//! Reloads one after another, each followed to its end, whatever happens to the host meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use jackfield_tests::harness::Host;
use jackfield_tests::random::Xorshift;

use crate::draft::{Draft, STAGES};
use crate::kind::Kind;
use crate::ledger::{Endings, Ledger, Report, View};
use crate::place::Place;
use crate::step::Step;
use crate::trail::Trail;

/// No reload takes longer; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long a process that was started again may take to begin with a reload that it owes.
const OWED: Duration = Duration::from_secs(5);
/// How long it is looked closely between two questions for the status.
const CLOSELY: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(1);

/// A reload to be made: what it brings, and at which steps the host is killed.
#[derive(Debug)]
pub struct Planned {
    pub kind: Kind,
    pub kills: VecDeque<Step>,
}

/// The way that the pipeline has come.
pub struct Course<'a> {
    place: Place<'a>,
    random: Xorshift,
    /// Nobody takes back what makes something else.
    takes_nothing_back: bool,
    host: Option<Host>,
    lives: u64,
    pub ledger: Ledger,
    trail: Trail,
    /// What is in force, and whether the process watches its files.
    draft: Draft,
    watches: bool,
    /// The digest of the manifest that lies there.
    laid: String,
    drafts: u64,
    pub endings: Endings,
    /// What steps the host was killed at.
    pub hits: BTreeMap<Option<Step>, u64>,
}

/// What there is to be compared when all is over.
pub struct Ended<'a> {
    pub place: Place<'a>,
    pub ledger: Ledger,
    /// How reloads ended.
    pub endings: Endings,
    /// How many kills hit each step.
    pub hits: BTreeMap<Option<Step>, u64>,
}

impl<'a> Course<'a> {
    /// Starts the pipeline, and waits for its first checkpoint.
    pub fn begin(
        place: Place<'a>,
        mut random: Xorshift,
        takes_nothing_back: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let draft = Draft::first(random.below(2) == 0);
        let laid = place.lay(&draft)?;
        let mut course = Self {
            trail: Trail::of(&place.audit_folder()),
            place,
            random,
            takes_nothing_back,
            host: None,
            lives: 0,
            ledger: Ledger::new(laid.clone()),
            watches: draft.watch,
            draft,
            laid,
            drafts: 0,
            endings: Endings::default(),
            hits: BTreeMap::new(),
        };
        course.start(course.watches)?;
        while !course.look()?.is_some_and(|view| view.has_checkpoint) {
            thread::sleep(PAUSE);
        }
        Ok(course)
    }

    fn start(&mut self, watches: bool) -> Result<(), Box<dyn Error>> {
        self.lives += 1;
        self.watches = watches;
        self.host = Some(
            self.place
                .pipeline
                .start_as(&format!("host-{}", self.lives))?,
        );
        Ok(())
    }

    /// Asks for the status; none if there is nobody to answer yet.
    fn look(&mut self) -> Result<Option<View>, Box<dyn Error>> {
        let asked = self
            .place
            .pipeline
            .run_command(&["status"], &["--format", "json"])?;
        let line = asked
            .stdout
            .lines()
            .next()
            .filter(|_| asked.status.success());
        let view = match line {
            Some(line) => self.ledger.look(serde_json::from_str(line)?),
            None => None,
        };
        if view.is_none()
            && let Some(host) = &mut self.host
            && !host.is_running()?
        {
            return Err(self.lost("the host has ended; if its input has, give more RECORDS"));
        }
        Ok(view)
    }

    fn lost(&mut self, what: &str) -> Box<dyn Error> {
        let said = match self.host.take().map(Host::kill) {
            Some(Ok(ended)) => ended.stderr,
            _ => String::new(),
        };
        format!("{what}\n{said}").into()
    }

    /// Makes a reload of this kind, and follows it to its end.
    pub fn reload(&mut self, planned: Planned) -> Result<(), Box<dyn Error>> {
        let kind = planned.kind;
        thread::sleep(Duration::from_millis(self.random.below(300)));
        self.drafts += 1;
        let mut stages: Vec<&'static str> = STAGES.iter().map(|(stage, _)| *stage).collect();
        stages.retain(|_| self.random.below(2) == 0);
        let one = STAGES[self.random.below(4) as usize].0;
        stages.push(one);
        let mut draft = self.draft.next(self.drafts, kind, &stages);
        draft.watch = self.random.below(2) == 0;
        let is_minded = !(self.takes_nothing_back && kind == Kind::WrongOutputObserved);
        if !is_minded {
            draft = draft.unminded();
        }
        self.laid = self.place.lay(&draft)?;
        let ends = if is_minded {
            kind.ends()
        } else {
            &[Step::Done]
        };
        self.ledger.propose(self.laid.clone(), ends);
        let asked = self.ask()?;
        let lives = self.lives;
        let takes_back = kind.taken_back_at().filter(|_| is_minded);
        let end = self.follow_as(kind, takes_back, planned.kills, draft.watch)?;
        if let Some(asked) = asked
            && lives == self.lives
        {
            self.check_answer(asked, end)?;
        }
        let former = self.draft.clone();
        if end == Step::Done {
            self.draft = draft;
        }
        if kind == Kind::TakenBackWhenDone && end == Step::Done {
            self.go_back(former)?;
        }
        Ok(())
    }

    /// Asks for a reload in one of three ways; by the command, which waits for the end, if it gives something.
    fn ask(&mut self) -> Result<Option<Host>, Box<dyn Error>> {
        if self.watches {
            return Ok(None);
        }
        let Some(host) = &self.host else {
            return Ok(None);
        };
        if self.random.below(2) == 0 {
            host.hang_up()?;
            return Ok(None);
        }
        let arguments = ["--wait", "--format", "json"];
        Ok(Some(self.place.pipeline.start_command(
            &["reload"],
            &arguments,
            "reload-log",
        )?))
    }

    /// What the command that waited says is what the status says.
    fn check_answer(&mut self, asked: Host, end: Step) -> Result<(), Box<dyn Error>> {
        let answer = asked.wait()?;
        let told = serde_json::from_str::<Report>(&answer.stdout)
            .ok()
            .map(|report| report.step);
        // A version that is not even tried leaves no report with the command.
        let is_so = told == Some(end) || (told.is_none() && end == Step::Refused);
        if !is_so || answer.status.success() != matches!(end, Step::Done | Step::Cancelled) {
            let (status, stderr) = (answer.status, answer.stderr);
            let what = format!(
                "`reload --wait` says {told:?}, {status} of a reload that ended {end:?}: {stderr}"
            );
            self.ledger.untruths.push(what);
        }
        Ok(())
    }

    /// The version that was before takes the place of the one that has just taken over.
    fn go_back(&mut self, former: Draft) -> Result<(), Box<dyn Error>> {
        let digest = self.place.digest(&former)?;
        self.ledger.propose(digest, Kind::Former.ends());
        self.roll_back()?;
        let end = self.follow_as(Kind::Former, None, VecDeque::new(), self.watches)?;
        if end == Step::Done {
            self.draft = former;
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), Box<dyn Error>> {
        let asked = self.place.pipeline.run_command(&["rollback"], &[])?;
        match asked.status.success() {
            true => Ok(()),
            false => Err(self.lost(&format!("nothing can be taken back: {}", asked.stderr))),
        }
    }

    /// Follows a reload of this kind to its end, and takes note of how it ends.
    fn follow_as(
        &mut self,
        kind: Kind,
        takes_back: Option<Step>,
        kills: VecDeque<Step>,
        watches: bool,
    ) -> Result<Step, Box<dyn Error>> {
        let seen = self.ledger.pauses.len();
        let end = self.follow(takes_back, kills, watches)?;
        self.endings.add(kind, end, &self.ledger.pauses[seen..]);
        Ok(end)
    }

    fn follow(
        &mut self,
        takes_back: Option<Step>,
        mut kills: VecDeque<Step>,
        watches: bool,
    ) -> Result<Step, Box<dyn Error>> {
        let (began, before, mut since) = (Instant::now(), self.ledger.over, Instant::now());
        let lives = self.lives;
        let mut is_taken_back = false;
        loop {
            if began.elapsed() > PATIENCE {
                return Err(self.lost("a reload hangs"));
            }
            if self.comes_to(kills.front().copied())? {
                kills.pop_front();
                self.kill(watches)?;
                (is_taken_back, since) = (false, Instant::now());
            }
            let Some(view) = self.look()? else {
                since = Instant::now();
                continue;
            };
            let is_new = |report: &Report| {
                before.is_none_or(|(process, number)| {
                    process != view.process || number < report.number
                })
            };
            match view.last.filter(is_new).map(|report| report.step) {
                None if lives < self.lives && since.elapsed() > OWED => {
                    return Ok(match self.laid == self.ledger.in_force() {
                        true => Step::Done,
                        false => self.ledger.conclude(view.works_by_candidate),
                    });
                }
                None => {}
                Some(step) if step.is_over() => match kills.pop_front() {
                    None => return Ok(step),
                    // It has not come to where it was to be killed.
                    Some(_) => {
                        self.kill(watches)?;
                        (is_taken_back, since) = (false, Instant::now());
                    }
                },
                // The step itself may be over between two looks.
                Some(step)
                    if !is_taken_back
                        && step < Step::RollBack
                        && takes_back.is_some_and(|at| at <= step) =>
                {
                    self.roll_back()?;
                    is_taken_back = true;
                }
                Some(_) => {}
            }
        }
    }

    /// Looks closely for a while whether a reload comes to this step.
    fn comes_to(&mut self, step: Option<Step>) -> Result<bool, Box<dyn Error>> {
        let Some(step) = step else {
            self.trail.steps()?;
            return Ok(false);
        };
        let until = Instant::now() + CLOSELY;
        while Instant::now() < until {
            if self.trail.steps()?.contains(&step) {
                return Ok(true);
            }
            thread::sleep(PAUSE);
        }
        Ok(false)
    }

    fn kill(&mut self, watches: bool) -> Result<(), Box<dyn Error>> {
        if self.random.below(2) == 0 {
            thread::sleep(Duration::from_micros(self.random.below(50_000)));
        }
        if let Some(host) = self.host.take() {
            let ended = host.kill()?;
            if ended.code().is_some() {
                return Err(format!("the host has ended by itself\n{}", ended.stderr).into());
            }
        }
        let hit = self.trail.last()?;
        *self.hits.entry(hit).or_default() += 1;
        self.start(watches)
    }

    /// Ends the load, lets the pipeline work on what is left, and gives what there is to be compared.
    pub fn end(mut self) -> Result<Ended<'a>, Box<dyn Error>> {
        self.place.stop_feeding()?;
        if let Some(host) = self.host.take() {
            host.terminate()?;
            let ended = host.wait()?;
            if !ended.status.success() {
                return Err(
                    format!("the host ended with {}\n{}", ended.status, ended.stderr).into(),
                );
            }
        }
        self.place.lay(&self.draft.last(self.drafts + 1))?;
        let ended = self.place.pipeline.start_as("last")?.wait()?;
        match ended.status.success() {
            true => Ok(Ended {
                place: self.place,
                ledger: self.ledger,
                endings: self.endings,
                hits: self.hits,
            }),
            false => Err(format!(
                "the last host ended with {}\n{}",
                ended.status, ended.stderr
            )
            .into()),
        }
    }
}
