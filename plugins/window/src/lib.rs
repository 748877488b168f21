//! Event-time windows over keyed state.
//!
//! A library for plugins, and for whatever else keeps state by key: it knows no clock, no host and no key. What is
//! remembered of a key is a [`WindowState`], which the caller keeps and passes in; time is the watermark that the caller
//! passes in too. The semantics are those of Apache Flink: a window that ends at `end` (exclusive) takes records with times up
//! to `end - 1`, fires once the watermark reaches `end - 1`, and a record of a window that has fired is late.
//!
//! ```
//! use jackfield_window::{Count, Placement, TumblingWindows, Window, WindowState, Windowed};
//!
//! let per_ten_seconds = Windowed::new(TumblingWindows::of(10_000)?, Count);
//! let mut state = WindowState::default();
//! let window = Window { start: 0, end: 10_000 };
//! assert_eq!(per_ten_seconds.add(&mut state, 1_500, i64::MIN, ()), Placement::Window(window));
//! assert_eq!(per_ten_seconds.add(&mut state, 9_999, i64::MIN, ()), Placement::Window(window));
//! assert_eq!(per_ten_seconds.fire(&mut state, 9_999), Some((window, 2)));
//! assert_eq!(per_ten_seconds.add(&mut state, 9_000, 9_999, ()), Placement::Late);
//! # Ok::<(), jackfield_window::AssignerError>(())
//! ```
//!
//! Times are milliseconds since the Unix epoch.

mod aggregate;
mod assigner;
mod windowed;

pub use aggregate::{Aggregate, Count, Max, Min, Sum};
pub use assigner::{AssignerError, TumblingWindows, Window};
pub use windowed::{Placement, WindowState, Windowed};
