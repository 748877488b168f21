//! Patterns as text.
//!
//! Whoever watches a stream wants to change what is watched for without writing a plugin. So a pattern can be said in a
//! manifest: as a table of stages ([`Definition`]), or as the clause `MATCH_RECOGNIZE` of SQL ([`sql`]), with conditions and outputs
//! in the Common Expression Language. Both become a [`jackfield_cep::Pattern`]; several of them over the same events are
//! a [`PatternSet`]. It knows no host and no clock: the ready plugin `match-patterns` runs it, `jackfield pattern test` does
//! ([`trace::Trace`]), and `jackfield pattern explain` draws it ([`Explanation`]).
//!
//! ```
//! use std::convert::Infallible;
//! use jackfield_expression::Format;
//! use jackfield_pattern_language::{Definitions, Found, Intake, KeyState, PatternSet};
//!
//! let definitions: Definitions = serde_json::from_str(r#"{ "callbacks": {
//!     "stages": [
//!         { "name": "failure", "where": "event.status == 'FAILURE'", "times": 3, "consecutive": true },
//!         { "name": "callback", "contiguity": "next", "where": "event.status == 'CALLBACK_REQUEST'" }
//!     ],
//!     "within": "30s",
//!     "output": { "customer": "key", "failures": "size(failure)", "kind": "'REPEATED_FAILURE_CALLBACK'" }
//! } }"#)?;
//! let patterns = PatternSet::compile(&definitions, Intake::new(Format::Json, None, None)?)?;
//!
//! let mut state = KeyState::default();
//! for (time, status) in [(1, "FAILURE"), (2, "FAILURE"), (3, "FAILURE"), (4, "CALLBACK_REQUEST")] {
//!     let record = format!(r#"{{"status":"{status}"}}"#);
//!     if let Some(event) = patterns.take_in(record.as_bytes(), time).unwrap() {
//!         state.add(time, event);
//!     }
//! }
//! let mut found = Vec::new();
//! patterns.advance("c7", &mut state, 4, |output| {
//!     if let Found::Match(record) = output {
//!         found.push(String::from_utf8_lossy(record.json).into_owned());
//!     }
//!     Ok::<(), Infallible>(())
//! })?;
//! assert_eq!(found, [r#"{"customer":"c7","failures":3,"kind":"REPEATED_FAILURE_CALLBACK"}"#]);
//! assert!(state.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advance;
mod compile;
mod condition;
mod configuration;
mod definition;
mod drawing;
mod event;
mod explain;
mod fault;
mod key_state;
mod report;
mod set;
pub mod sql;
pub mod trace;

pub use advance::{Found, Record, Stuck};
pub use configuration::Configuration;
pub use definition::{
    Definition, Definitions, Follows, LimitsDefinition, OnChange, OnError, Skip, StageDefinition,
    Times, TimesRange,
};
pub use event::Event;
pub use explain::{Edge, ExplainedStage, Explanation, State};
pub use fault::{Fault, code};
pub use key_state::KeyState;
pub use set::{BegunBefore, Fate, Intake, PatternSet};
