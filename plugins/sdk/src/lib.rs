//! What the author of a Jackfield plugin writes against.
//!
//! A plugin that works on streams is a *stage*: a deterministic function of what it remembers of a key, the record before
//! it, and the watermark. The host keeps the state, the clock and every connection, so that a stage can be stopped after any
//! record and go on elsewhere with the same results. The author writes a struct, the trait [`Stage`] and one line,
//! [`stage!`]:
//!
//! ```
//! use jackfield_sdk::{Context, NoConfiguration, Port, Record, Rejection, Stage, stage};
//!
//! /// Passes on the first record of every key.
//! struct First;
//!
//! const RECORDS: Port = Port::keyed(0, "records");
//! const FIRSTS: Port = Port::keyed(0, "firsts");
//!
//! impl Stage for First {
//!     type Configuration = NoConfiguration;
//!     type State = bool;
//!     const INPUTS: &'static [Port] = &[RECORDS];
//!     const OUTPUTS: &'static [Port] = &[FIRSTS];
//!
//!     fn new(_: NoConfiguration) -> Result<Self, String> {
//!         Ok(First)
//!     }
//!
//!     fn process(&mut self, record: Record<'_>, context: &mut Context<'_, bool>) -> Result<(), Rejection> {
//!         if context.peek().is_none() {
//!             *context.state() = true;
//!             context.emit(FIRSTS).bytes(record.value());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! stage!(First);
//!
//! // Logic is tested natively, without a sandbox:
//! # use jackfield_sdk::testing::{Driver, Sent};
//! let mut driver = Driver::<First>::new("{}").unwrap();
//! driver.send("records", Sent::new("one").key("a"));
//! driver.send("records", Sent::new("two").key("a"));
//! assert_eq!(driver.take("firsts").len(), 1);
//! ```
//!
//! # State of former versions
//!
//! State outlives the plugin that wrote it: a new version of the plugin begins with what the former one has stored. When the
//! type of the state changes, the former type stays in the plugin, with a step from it to the next, and [`StateVersions`]
//! names them all in one line. What is older goes through all the steps as it is loaded, and is written in the present version
//! at the next checkpoint. Timers stay as they were.
//!
//! ```
//! # use jackfield_sdk::{Context, NoConfiguration, Port, Record, Rejection, Runner, Stage};
//! use jackfield_sdk::StateVersions;
//! use serde::{Deserialize, Serialize};
//!
//! /// How many records: version 1 of the state.
//! #[derive(Deserialize)]
//! struct Count(u64);
//!
//! /// And when the last one was: version 2.
//! #[derive(Default, Deserialize, Serialize)]
//! struct Tally {
//!     count: u64,
//!     last: Option<i64>,
//! }
//!
//! impl From<Count> for Tally {
//!     fn from(Count(count): Count) -> Self {
//!         Self { count, last: None }
//!     }
//! }
//!
//! # struct TallyRecords;
//! impl Stage for TallyRecords {
//!     type State = Tally;
//!     const STATE_VERSIONS: StateVersions<Tally> = StateVersions::since::<Count>(1).now(2);
//!     // ...
//! #   type Configuration = NoConfiguration;
//! #   const INPUTS: &'static [Port] = &[Port::keyed(0, "records")];
//! #   const OUTPUTS: &'static [Port] = &[];
//! #   fn new(_: NoConfiguration) -> Result<Self, String> { Ok(Self) }
//! #   fn process(&mut self, _: Record<'_>, context: &mut Context<'_, Tally>) -> Result<(), Rejection> {
//! #       context.state().count += 1;
//! #       Ok(())
//! #   }
//! }
//! # let mut driver = jackfield_sdk::testing::Driver::<TallyRecords>::new("{}").unwrap();
//! # driver.keep(b"a", 1, &[0, 1, 41]);
//! # driver.start_again().unwrap();
//! # driver.send("records", jackfield_sdk::testing::Sent::new("").key("a"));
//! # let values = driver.flush().values;
//! # assert_eq!(values.string(0), [0, 1, 42, 0]);
//! ```
//!
//! Versions 1 and 2 can be loaded then; the host refuses any other before the pipeline starts. An entry that does not hold what its
//! version says, or that a step made of [`TryFrom`] cannot take, is refused with its key, and nothing is lost: the former plugin
//! can go on from where it stopped.
//!
//! # Jobs
//!
//! A plugin that works for long, over HTTP, is a [`job`](mod@job): straight-line code that may sleep for days. Its author writes a struct, the trait
//! [`Job`] and one line, [`job!`].
//!
//! # Determinism
//!
//! What makes a stage deterministic is kept here and not left to the author: maps are seeded with a constant, timers fire in
//! the order of (time, key), state is flushed by key, and nothing here asks a clock or a source of randomness.

mod batch;
mod configuration;
mod context;
mod emission;
pub mod job;
mod json_text;
mod port;
mod record;
mod rejection;
mod runner;
mod stage;
mod state;
mod timer_queue;

#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub mod component;
pub mod log;
pub mod testing;

pub use batch::{Batch, Column, Mark, NO_TIMESTAMP};
pub use configuration::{Duration, NoConfiguration};
pub use context::{Context, Keyed};
pub use emission::{ObjectBuilder, Outputs, RecordBuilder};
pub use job::{
    Callback, Connection, Delivery, Failure, Field, Fields, Job, LONGEST_IDENTIFIER,
    MALFORMED_RESPONSE, Method, Problem, Problems, Request, RequestCall, RequestFailure,
    RequestFailureKind, Response, Savepoint, Workflow, is_identifier, path_segment,
};
pub use json_text::end_of_plain_text;
pub use port::Port;
pub use record::Record;
pub use rejection::{Rejection, code};
pub use runner::{Changes, Description, Emission, Entries, Output, Refused, Runner};
pub use stage::Stage;
pub use state::{FormerVersions, StateVersions};
