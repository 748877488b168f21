//! Complex event processing: patterns over keyed event streams.
//!
//! A library for plugins, and for whatever else keeps state by key: it knows no clock, no host and no key. A [`Pattern`] says
//! which events have to follow each other, and is compiled into a [`Matcher`]; what is remembered of a key is a
//! [`PatternState`], which the caller keeps and passes in; time is the watermark that the caller passes in too.
//!
//! The semantics are those of Apache Flink: the events of a key wait for the watermark and are then taken in the order of
//! (event time, arrival), an event whose time the watermark has passed is late, and every combination of events that fits
//! the pattern is a match (no skip).
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use jackfield_cep::{Pattern, PatternState};
//!
//! let pattern = Pattern::begin("failure").filter(|event: &&str| *event == "FAILURE").times(3).consecutive()
//!     .next("callback").filter(|event| *event == "CALLBACK_REQUEST")
//!     .within(Duration::from_secs(30));
//! let matcher = pattern.compile()?;
//!
//! let mut state = PatternState::default();
//! for (timestamp, event) in [(3, "FAILURE"), (1, "FAILURE"), (2, "FAILURE"), (4, "CALLBACK_REQUEST")] {
//!     matcher.add(&mut state, timestamp, i64::MIN, event);
//! }
//! let mut found = 0;
//! let Ok(()) = matcher.advance(&mut state, 4, |complete| {
//!     assert_eq!(complete.timestamp(), 4);
//!     assert_eq!(complete.stage("failure").count(), 3);
//!     found += 1;
//!     Ok::<(), Infallible>(())
//! });
//! assert_eq!(found, 1);
//! assert!(state.is_empty());
//! # Ok::<(), jackfield_cep::PatternError>(())
//! ```
//!
//! Times are milliseconds since the Unix epoch.

mod matcher;
mod numbers;
mod pattern;
mod state;
mod waiting;

pub use matcher::{Arrival, Match, Matcher};
pub use pattern::{Contiguity, Pattern, PatternError};
pub use state::PatternState;
