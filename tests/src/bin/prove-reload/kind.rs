//! What a reload brings, good or bad, and what has to come of it.

use crate::step::Step;

/// Records that no shadow works on.
const BEYOND_SHADOW: u64 = 4_000;
/// Records and milliseconds of a comparison that tells what is wrong.
const ENOUGH_TO_TELL: (u64, u64) = (2_500, LONG);
/// Milliseconds that are longer than anything that is waited for.
const LONG: u64 = 120_000;

/// What a reload brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Another component that does the same, for one or several stages.
    Component,
    /// The same in other words.
    Configuration,
    /// As many workers more or less.
    Parallelism,
    /// A sink more or less.
    Sink,
    /// A plugin that traps at its first record.
    Trap,
    /// One that traps when it has taken over.
    LateTrap,
    /// One that makes something else, where nothing else may be made.
    WrongOutput,
    /// One that makes something else, where only people look at it: they take it back.
    WrongOutputObserved,
    /// One that takes a hundred times as long.
    Slow,
    /// One that takes memory until it has none left.
    Leak,
    /// One that does so when it has taken over.
    LateLeak,
    /// One that cannot load what is remembered.
    RefusedState,
    /// A good one, which is taken back.
    TakenBackAsShadow,
    TakenBackAtCutOver,
    TakenBackOnProbation,
    TakenBackWhenDone,
    /// The version before, which comes back.
    Former,
}

impl Kind {
    /// Those that are drawn.
    pub const ALL: [Self; 16] = [
        Self::Component,
        Self::LateTrap,
        Self::WrongOutput,
        Self::Configuration,
        Self::WrongOutputObserved,
        Self::Parallelism,
        Self::TakenBackOnProbation,
        Self::Sink,
        Self::Trap,
        Self::TakenBackWhenDone,
        Self::Leak,
        Self::TakenBackAsShadow,
        Self::Slow,
        Self::TakenBackAtCutOver,
        Self::LateLeak,
        Self::RefusedState,
    ];

    /// How it may end.
    pub fn ends(self) -> &'static [Step] {
        match self {
            Self::Component
            | Self::Configuration
            | Self::Parallelism
            | Self::Sink
            | Self::TakenBackWhenDone
            | Self::Former => &[Step::Done],
            Self::Trap | Self::WrongOutput | Self::RefusedState => &[Step::Refused],
            Self::LateTrap
            | Self::LateLeak
            | Self::WrongOutputObserved
            | Self::TakenBackOnProbation => &[Step::RolledBack],
            Self::Slow | Self::Leak => &[Step::Refused, Step::RolledBack],
            Self::TakenBackAsShadow => &[Step::Cancelled],
            // It is over before the word arrives, at times.
            Self::TakenBackAtCutOver => &[Step::Cancelled, Step::RolledBack],
        }
    }

    /// The steps that it always comes to.
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::Component | Self::Configuration | Self::TakenBackWhenDone => {
                &Step::UNDER_WAY[..4]
            }
            Self::Parallelism | Self::Sink => &[Step::Preparing, Step::CutOver, Step::Probation],
            Self::Trap | Self::WrongOutput | Self::Slow | Self::Leak | Self::TakenBackAsShadow => {
                &Step::UNDER_WAY[..2]
            }
            Self::LateTrap
            | Self::LateLeak
            | Self::WrongOutputObserved
            | Self::TakenBackOnProbation => &Step::UNDER_WAY,
            Self::TakenBackAtCutOver => &Step::UNDER_WAY[..3],
            Self::RefusedState | Self::Former => &Step::UNDER_WAY[..1],
        }
    }

    /// The step at which somebody takes it back.
    pub fn taken_back_at(self) -> Option<Step> {
        match self {
            Self::TakenBackAsShadow => Some(Step::Shadow),
            Self::TakenBackAtCutOver => Some(Step::CutOver),
            Self::TakenBackOnProbation | Self::WrongOutputObserved => Some(Step::Probation),
            _ => None,
        }
    }

    /// What falter does wrong, and how many records it works on before.
    pub fn misbehaviour(self) -> Option<(&'static str, u64)> {
        Some(match self {
            Self::Trap => ("trap", 0),
            Self::LateTrap => ("trap", BEYOND_SHADOW),
            Self::WrongOutput => ("wrong-output", 0),
            Self::WrongOutputObserved => ("wrong-output", 100),
            Self::Slow => ("slow", 0),
            Self::Leak => ("leak", 0),
            Self::LateLeak => ("leak", BEYOND_SHADOW),
            Self::RefusedState => ("refuse-state", 0),
            _ => return None,
        })
    }

    pub fn terms(self) -> Terms {
        let brief = Terms::default();
        match self {
            // They have to be found, however long that takes on a busy machine.
            Self::Trap | Self::WrongOutput | Self::Slow | Self::Leak => Terms {
                shadow: ENOUGH_TO_TELL,
                probation_millis: LONG,
                ..brief
            },
            Self::LateTrap
            | Self::LateLeak
            | Self::TakenBackAtCutOver
            | Self::TakenBackOnProbation => Terms {
                probation_millis: LONG,
                ..brief
            },
            Self::WrongOutputObserved => Terms {
                policy: "observe",
                probation_millis: LONG,
                ..brief
            },
            Self::TakenBackAsShadow => Terms {
                shadow: (10_000_000, LONG),
                ..brief
            },
            _ => brief,
        }
    }
}

/// How a version is taken in.
#[derive(Clone, Debug)]
pub struct Terms {
    pub policy: &'static str,
    /// Records and milliseconds.
    pub shadow: (u64, u64),
    pub probation_millis: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            policy: "require-equal",
            shadow: (1_000, 300),
            probation_millis: 400,
        }
    }
}
