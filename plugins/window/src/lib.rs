//! Event-time windows over keyed state.

mod aggregate;
mod assigner;
mod evictor;
mod state;
mod trigger;
mod window;
mod windowed;

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
