//! Event-time windows over keyed state.
//!
//! A library for plugins, and for whatever else keeps state by key: it knows no clock, no host and no key. What is
//! remembered of a key is a [`WindowState`], which the caller keeps and passes in; time is the watermark that the caller
//! passes in too, and timers are the caller's. So it works in the sandbox and outside of it, and what comes out follows from
//! what went in alone.
//!
//! The semantics are those of Apache Flink: a window that ends at `end` (exclusive) takes records with times up to `end - 1`,
//! fires once the watermark reaches `end - 1`, and a record of a window that is over is late. Where they surprise is said in
//! [`surprises`].
//!
//! ```
//! use jackfield_window::{Count, Placement, TumblingWindows, Window, Windowed};
//!
//! let per_ten_seconds = Windowed::new(TumblingWindows::of(10_000)?, Count);
//! let mut state = per_ten_seconds.new_state();
//! let mut emitted = Vec::new();
//! let mut emit = |firing: jackfield_window::Firing<u64>| emitted.push((firing.window, firing.output));
//!
//! // The first record of a window says when to call again.
//! let placement = per_ten_seconds.add(&mut state, 1_500, i64::MIN, &(), &mut emit);
//! assert_eq!(placement, Placement::Placed { timer: Some(9_999) });
//! per_ten_seconds.add(&mut state, 9_999, i64::MIN, &(), &mut emit);
//! per_ten_seconds.fire(&mut state, 9_999, &mut emit);
//! assert_eq!(per_ten_seconds.add(&mut state, 9_000, 9_999, &(), &mut emit), Placement::Late);
//!
//! assert!(state.is_empty());
//! assert_eq!(emitted, [(Window { start: 0, end: 10_000 }, 2)]);
//! # Ok::<(), jackfield_window::AssignerError>(())
//! ```
//!
//! # What there is
//!
//! | | |
//! |---|---|
//! | windows | [`TumblingWindows`], [`SlidingWindows`], [`SessionWindows`], [`GlobalWindows`], [by count](Windowed::by_count), [the caller's own](Windowed::add_to_windows) |
//! | triggers | [`EventTimeTrigger`], [`CountTrigger`], [`ContinuousEventTimeTrigger`], [`NeverTrigger`], [`PurgingTrigger`], [`EitherTrigger`]; any [`Trigger`] |
//! | aggregates | [`Count`], [`Sum`], [`Min`], [`Max`], [`Average`], [`Distinct`], [`Quantiles`], [`Top`], several as a tuple, each [of](AggregateExt::of) a part of the record; any [`Aggregate`] |
//! | all records together | [`WholeWindow`], with a [`CountEvictor`], [`TimeEvictor`], [`DeltaEvictor`] or any [`Evictor`] |
//! | late records | [allowed lateness](Windowed::with_allowed_lateness), [retractions](Windowed::with_retractions), [`Placement::Late`] |
//!
//! For windows over all records rather than by key, keep one state. Triggers by the clock of the machine are left out: what comes
//! out would not follow from what went in.
//!
//! # A plugin
//!
//! A stage sets a timer where [`Windowed::add`] names one; when it fires, it calls [`Windowed::fire`] and sets the next:
//!
//! ```text
//! fn process(..) {
//!     match self.windows.add(context.state(), timestamp, watermark, &input, emit) {
//!         Placement::Placed { timer: Some(timer) } => context.set_timer(timer),
//!         Placement::Placed { timer: None } | Placement::Outside => {}
//!         Placement::Late => return context.late(&record),
//!     }
//! }
//!
//! fn on_timer(time, ..) {
//!     self.windows.fire(keyed.state(), time, emit);
//!     if let Some(timer) = self.windows.next_timer(keyed.state()) {
//!         keyed.set_timer(timer);
//!     }
//!     // Once the state is empty, the key can be forgotten.
//! }
//! ```
//!
//! Times are milliseconds since the Unix epoch.

mod aggregate;
mod assigner;
mod evictor;
mod state;
mod trigger;
mod window;
mod windowed;

#[doc = include_str!("surprises.md")]
pub mod surprises {}

pub use aggregate::{
    Aggregate, AggregateExt, Average, CompensatedSum, Count, Distinct, DistinctAccumulator,
    Element, Max, Min, Number, Of, PrecisionError, Quantiles, QuantilesAccumulator, RankError, Sum,
    Top, WholeWindow,
};
pub use assigner::{
    Assigner, AssignerError, GlobalWindows, SessionWindows, SlidingWindows, TumblingWindows,
};
pub use evictor::{Afterwards, CountEvictor, DeltaEvictor, Evictor, NoEvictor, TimeEvictor};
pub use state::WindowState;
pub use trigger::{
    Arrival, ConfiguredTrigger, ConfiguredTriggerState, ContinuousEventTimeTrigger, CountTrigger,
    Decision, EitherTrigger, EventTimeTrigger, IntervalError, NeverTrigger, PurgingTrigger, Ticks,
    Trigger,
};
pub use window::Window;
pub use windowed::{Firing, FiringKind, LatenessError, Placement, StateOf, Timing, Windowed};
