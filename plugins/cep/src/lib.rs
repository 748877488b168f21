//! Complex event processing: patterns over keyed event streams.
//!
//! A library for plugins, and for whatever else keeps state by key: it knows no clock, no host and no key. A [`Pattern`] says
//! which events have to follow each other, and is compiled into a [`Matcher`]; what is remembered of a key is a
//! [`PatternState`], which the caller keeps and passes in; time is the watermark that the caller passes in too, when
//! [`Matcher::next_timer`] says so.
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use jackfield_cep::{Output, Pattern, PatternState};
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
//! let advanced = matcher.advance(&mut state, 4, |output| {
//!     if let Output::Match(complete) = output {
//!         assert_eq!(complete.timestamp(), 4);
//!         assert_eq!(complete.stage("failure").count(), 3);
//!         found += 1;
//!     }
//!     Ok::<(), Infallible>(())
//! });
//! assert!(advanced.is_ok());
//! assert_eq!(found, 1);
//! assert!(state.is_empty());
//! # Ok::<(), jackfield_cep::PatternError>(())
//! ```
//!
//! # What a pattern means
//!
//! The semantics are those of the Pattern API of Apache Flink 2.3, compared case by case with what Flink makes of thousands of
//! random patterns. The events of a key wait for the watermark and are then taken in the order of (event time, arrival); an
//! event whose time the watermark has passed is late. Times are milliseconds since the Unix epoch.
//!
//! | Flink | here |
//! |---|---|
//! | `begin`, `next`, `followedBy`, `followedByAny` | [`begin`](Pattern::begin), [`next`](Pattern::next), [`followed_by`](Pattern::followed_by), [`followed_by_any`](Pattern::followed_by_any); of a group with `_group` behind the name |
//! | `notNext`, `notFollowedBy` | [`not_next`](Pattern::not_next), [`not_followed_by`](Pattern::not_followed_by) |
//! | `where`, `or`, `until` | [`filter`](Pattern::filter), [`or`](Pattern::or), [`until`](Pattern::until); with `_with` behind the name they see what was matched so far |
//! | `times(n)`, `times(a, b)`, `timesOrMore`, `oneOrMore` | [`times`](Pattern::times), [`times_range`](Pattern::times_range), [`times_or_more`](Pattern::times_or_more), [`one_or_more`](Pattern::one_or_more) |
//! | their argument `Duration` | [`gap`](Pattern::gap) |
//! | `optional`, `greedy`, `consecutive`, `allowCombinations` | [`optional`](Pattern::optional), [`greedy`](Pattern::greedy), [`consecutive`](Pattern::consecutive), [`allow_combinations`](Pattern::allow_combinations) |
//! | `within` of `FIRST_AND_LAST`, of `PREVIOUS_AND_CURRENT` | [`within`](Pattern::within), [`within_previous`](Pattern::within_previous) |
//! | `AfterMatchSkipStrategy` | [`SkipStrategy`] |
//! | `EventComparator` | [`order_ties`](Matcher::order_ties) |
//! | time-outs, late events | [`Output::TimedOut`], [`Arrival::Late`] |
//!
//! # Where Flink surprises
//!
//! All of this is followed, so that a pattern can be moved from there to here and back:
//!
//! - What is said by `within` of any stage holds for the whole pattern, the shortest of several; of the last stage of a group
//!   it is passed over.
//! - An event exactly `within` after the first is too late.
//! - `within_previous` on a stage with a quantifier is passed over; `gap` holds for all states of the stage but the one that
//!   is made first: of `times(n)` the wait for the last event, of a loop the loop itself.
//! - `times` and loops are relaxed inside unless said otherwise, also behind [`next`](Pattern::next).
//! - A loop as the last stage has a match at every event that it takes.
//! - Who waits for an optional event, with [`followed_by`](Pattern::followed_by), cannot go on without it any more: the choice is
//!   made by the first event that is passed over.
//! - A quantifier replaces what was said before it: `optional` in front of `times` is forgotten.
//! - Once an event of an optional stage is taken, what was not to follow before that stage may follow.
//! - An event that fits both a stage and what is not to follow before it ends the match, unless it completes it: then the match
//!   is found, once, and a last stage that loops does not go on.
//! - `not_followed_by` as the last stage says nothing if only an earlier stage has a `within`. Otherwise it has its match when
//!   time has passed, with the time up to which the key has then come, not that of its limit.
//! - `not_next` as the last stage takes another event to be complete. The event is not part of the match.
//! - If all that comes before a stage that is not to happen is in a group of optional stages, and it happens first, Flink fails
//!   ([`MatchError::StoppedBeforeStart`]). So it does when an optional greedy loop with `until`, behind `not_followed_by`, ends
//!   ([`MatchError::NoWayOn`]).
//! - Under a skip strategy a match waits for all partial matches that began before it; what frees it may be their time-out.
//!   Which of several matches with the same first event is found first is left to a heap, which is rebuilt here ([`SkipStrategy`]).
//! - [`SkipStrategy::to_first`] of the stage that a match begins with drops what began before, which under this strategy is
//!   nothing.
//! - All groups share one name, `GroupPattern`, which a skip strategy accepts and never finds.
//!
//! Where following would do harm, it is not followed:
//!
//! - A group that can match nothing and is repeated: Flink never comes back from it. Refused ([`PatternError::EmptyLoop`]).
//! - A limit of no time: to Flink, no limit. Refused ([`PatternError::TimeLimit`]).
//! - What runs out of time between neighbours is noticed at once, and nothing of it stays; in Flink, when the key is looked at
//!   next. [`Timers::AsFlink`] does the same.
//! - Memory has limits ([`Limits`]): beyond them the match that began first goes, and is told of.
//!
//! # State
//!
//! The events that partial matches have taken are kept once for all of them, and the ways along which they were taken are a
//! tree; a match is one place in it. A key of which nothing can match any more has an empty state, without exception but for
//! patterns without any limit of time. States are serialised compactly, and know their pattern ([`PatternState::pattern`]); when
//! that changes, its partial matches are finished by the former one ([`Matcher::finishing`]), dropped
//! ([`PatternState::restart`], [`Matcher::give_up`]) or moved ([`Matcher::adopt`]).
//!
//! # Why
//!
//! [`Matcher::states`] and [`Matcher::edges`] show what a pattern became, [`Matcher::standings`] what has begun of a key, and
//! [`Matcher::trials`] what an event would do to each match, with the answer of every condition.

mod automaton;
mod condition;
mod matched;
mod matcher;
mod pattern;
mod skip;
mod state;

pub use automaton::{Action, EdgeDescription, Fingerprint, StateDescription, StateKind};
pub use matched::{Match, Taken};
pub use matcher::{
    AdvanceError, Arrival, Limits, MatchError, Matcher, Output, Shape, Standing, Timers, Trial,
    TriedEdge,
};
pub use pattern::{Contiguity, Pattern, PatternError, Phase};
pub use skip::{SkipStrategy, SkipTarget};
pub use state::{PatternState, Usage, Version1};
