//! Complex event processing: patterns over keyed event streams.

mod automaton;
mod condition;
mod matched;
mod matcher;
mod pattern;
mod skip;
mod state;

pub use automaton::{Action, EdgeDescription, Fingerprint, StateDescription, StateKind};
pub use matched::{Match, Taken};
pub use matcher::{AdvanceError, Arrival, Limits, MatchError, Matcher, Output, Shape, Timers};
pub use pattern::{Contiguity, Pattern, PatternError, Phase};
pub use skip::{SkipStrategy, SkipTarget};
pub use state::{PatternState, Usage, Version1};
