//! Windows of one key: records in, results out.

mod merging;
mod separate;
mod sliced;

use thiserror::Error;

use crate::{
    Aggregate, Assigner, CountTrigger, EventTimeTrigger, GlobalWindows, PurgingTrigger,
    SlidingWindows, Trigger, Window, WindowState,
};

/// Records of a key, aggregated by window: what Flink calls a window operator.
///
/// One value serves all keys; what it remembers of each is a [`WindowState`], which the caller keeps and passes in. The caller also
/// keeps time:
///
/// - The watermark that is passed in never falls.
/// - [`add`](Self::add) names a time that the windows it opened wait for, if there is one that is not waited for already.
/// - Once the watermark reaches the earliest of these times, and before another record is added, [`fire`](Self::fire) is called; it does
///   everything that is due. [`next_timer`](Self::next_timer) then tells the next time.
/// - A call that comes too early does nothing. So a key needs one timer, set for the earliest of the times.
#[derive(Clone, Copy, Debug)]
pub struct Windowed<A, T = EventTimeTrigger> {
    assigner: Assigner,
    aggregate: A,
    trigger: T,
    lateness: i64,
    retractions: bool,
}

/// The allowed lateness is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an allowed lateness of {lateness} ms: it cannot be negative")]
pub struct LatenessError {
    /// The lateness, in milliseconds.
    pub lateness: i64,
}

/// The state of one key of a [`Windowed<A, T>`](Windowed).
pub type StateOf<A, T = EventTimeTrigger> =
    WindowState<<A as Aggregate>::Accumulator, <T as Trigger<<A as Aggregate>::Input>>::State>;

/// Where a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into its windows.
    Placed {
        /// A time to call [`Windowed::fire`] at, which was not told before.
        timer: Option<i64>,
    },
    /// Nowhere: it lies in a gap between windows.
    Outside,
    /// Nowhere: everything that could have taken it is over.
    Late,
}

/// What a window emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing<O> {
    /// The window. What it emits has the event time [`Window::max_timestamp`].
    pub window: Window,
    /// Whether this is a result, or takes one back.
    pub kind: FiringKind,
    /// Whether the window is complete.
    pub timing: Timing,
    /// What the window comes to; of a retraction, what it came to before.
    pub output: O,
}

/// Whether a result is given or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiringKind {
    /// What the window comes to.
    Result,
    /// What it came to before does not hold any more.
    Retraction,
}

/// How a firing lies to the end of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timing {
    /// Before the watermark has reached the end: more is to be expected.
    Early,
    /// As it reaches the end.
    OnTime,
    /// After it, for a late record.
    Late,
}

/// A record, as windows see it.
struct Incoming<'i, I: ?Sized> {
    timestamp: i64,
    watermark: i64,
    input: &'i I,
}

impl<I: ?Sized> Clone for Incoming<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I: ?Sized> Copy for Incoming<'_, I> {}

impl<A: Aggregate> Windowed<A> {
    /// Aggregates by the windows of `assigner`; each fires when the watermark reaches its last millisecond. That of [`GlobalWindows`] is the
    /// end of all input, so that another trigger is called for there.
    pub fn new(assigner: impl Into<Assigner>, aggregate: A) -> Self {
        Self {
            assigner: assigner.into(),
            aggregate,
            trigger: EventTimeTrigger,
            lateness: 0,
            retractions: false,
        }
    }
}

impl<A: Aggregate> Windowed<A, PurgingTrigger<CountTrigger>> {
    /// Aggregates every `records` records of a key; fewer that are left never fire.
    pub fn by_count(records: u64, aggregate: A) -> Self {
        Windowed::new(GlobalWindows, aggregate)
            .with_trigger(PurgingTrigger::of(CountTrigger::of(records)))
    }
}

impl<A: Aggregate, T> Windowed<A, T> {
    /// The same with another trigger.
    pub fn with_trigger<U: Trigger<A::Input>>(self, trigger: U) -> Windowed<A, U> {
        Windowed {
            assigner: self.assigner,
            aggregate: self.aggregate,
            trigger,
            lateness: self.lateness,
            retractions: self.retractions,
        }
    }

    /// The same, but windows are kept for `lateness` milliseconds after their end, and fire again for records that come late.
    ///
    /// # Errors
    /// If that is negative.
    pub fn with_allowed_lateness(self, lateness: i64) -> Result<Self, LatenessError> {
        if lateness < 0 {
            return Err(LatenessError { lateness });
        }
        Ok(Self { lateness, ..self })
    }

    /// The same, but a window that fires again first takes back what it emitted before, as does one that becomes part of a longer
    /// session. For this each window remembers what it held when it fired. A trigger that purges makes each
    /// result stand for itself, and nothing is taken back.
    #[must_use]
    pub fn with_retractions(self) -> Self {
        Self {
            retractions: true,
            ..self
        }
    }
}

impl<A: Aggregate, T: Trigger<A::Input>> Windowed<A, T> {
    /// The state of a key of which nothing is remembered.
    pub fn new_state(&self) -> StateOf<A, T> {
        WindowState::default()
    }

    /// Adds a record to its windows, and emits what it makes them fire at once.
    ///
    /// `watermark` is where the watermark stands, the least number as long as there is none.
    #[inline]
    pub fn add(
        &self,
        state: &mut StateOf<A, T>,
        timestamp: i64,
        watermark: i64,
        input: &A::Input,
        mut emit: impl FnMut(Firing<A::Output>),
    ) -> Placement {
        let incoming = Incoming {
            timestamp,
            watermark,
            input,
        };
        match self.assigner {
            Assigner::Tumbling(windows) => {
                self.add_to(state, windows.assign(timestamp), incoming, &mut emit)
            }
            Assigner::Sliding(windows) if self.shares_slices(windows) => {
                self.add_to_slice(state, windows, incoming, &mut emit)
            }
            Assigner::Sliding(windows) => {
                self.add_to_each(state, windows.assign(timestamp), incoming, &mut emit)
            }
            Assigner::Session(windows) => {
                self.add_merging(state, windows.assign(timestamp), incoming, &mut emit)
            }
            Assigner::Global => self.add_to(state, Window::GLOBAL, incoming, &mut emit),
        }
    }

    /// Adds a record to windows that the caller has chosen, for ways to assign them that are not here. Of an
    /// [`Assigner::Session`] they are merged with those that they touch, so that the gap can depend on the record.
    pub fn add_to_windows(
        &self,
        state: &mut StateOf<A, T>,
        windows: impl IntoIterator<Item = Window>,
        (timestamp, watermark): (i64, i64),
        input: &A::Input,
        mut emit: impl FnMut(Firing<A::Output>),
    ) -> Placement {
        let incoming = Incoming {
            timestamp,
            watermark,
            input,
        };
        if !matches!(self.assigner, Assigner::Session(_)) {
            return self.add_to_each(state, windows, incoming, &mut emit);
        }
        self.add_each(incoming, windows, |window| {
            self.add_merging(state, window, incoming, &mut emit)
        })
    }

    /// Does everything that is due at `watermark`: emits what windows come to, and forgets windows that are over.
    pub fn fire(
        &self,
        state: &mut StateOf<A, T>,
        watermark: i64,
        mut emit: impl FnMut(Firing<A::Output>),
    ) {
        if !state.open.is_empty() {
            self.fire_separate(state, watermark, &mut emit);
        }
        if let Assigner::Sliding(windows) = self.assigner
            && let Some(slices) = &mut state.slices
            && self.fire_slices(slices, windows, watermark, &mut emit)
        {
            state.slices = None;
        }
    }

    /// When something is due next, if anything is.
    pub fn next_timer(&self, state: &StateOf<A, T>) -> Option<i64> {
        let separate = self.earliest(state).map(|(_, time)| time);
        let sliced = match (self.assigner, &state.slices) {
            (Assigner::Sliding(windows), Some(slices)) => self.next_slice_timer(slices, windows),
            _ => None,
        };
        earlier(separate, sliced)
    }

    /// Whether overlapping windows can be put together from slices: if a window holds what its span holds, and nothing is
    /// to be decided about one of them alone.
    #[inline]
    fn shares_slices(&self, windows: SlidingWindows) -> bool {
        A::IN_SLICES && windows.overlap() && self.trigger.fires_at_end_only()
    }
}

/// The earlier of two times.
fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// How a firing at `time` lies to the end of a window.
fn timing(time: i64, window: Window) -> Timing {
    match time.cmp(&window.max_timestamp()) {
        std::cmp::Ordering::Less => Timing::Early,
        std::cmp::Ordering::Equal => Timing::OnTime,
        std::cmp::Ordering::Greater => Timing::Late,
    }
}

/// How a firing for a record lies to the end of a window: it is never the one for which the window waited.
fn timing_of_record(watermark: i64, window: Window) -> Timing {
    if watermark < window.max_timestamp() {
        Timing::Early
    } else {
        Timing::Late
    }
}
