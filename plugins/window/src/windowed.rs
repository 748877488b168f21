//! Windows of one key: records in, results out.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{Aggregate, TumblingWindows, Window};

/// Records of a key, aggregated by window.
#[derive(Clone, Copy, Debug)]
pub struct Windowed<A> {
    assigner: TumblingWindows,
    aggregate: A,
}

/// What is remembered of one key: the windows that have not fired yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState<Accumulator> {
    /// By rising end: start, end, accumulator.
    open: VecDeque<(i64, i64, Accumulator)>,
}

impl<Accumulator> Default for WindowState<Accumulator> {
    fn default() -> Self {
        Self {
            open: VecDeque::new(),
        }
    }
}

impl<Accumulator> WindowState<Accumulator> {
    /// Whether nothing is left to remember.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// When the next window is to fire: once the watermark reaches this time.
    pub fn next_timer(&self) -> Option<i64> {
        self.open.front().map(|(start, end, _)| {
            Window {
                start: *start,
                end: *end,
            }
            .max_timestamp()
        })
    }
}

/// Where a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into this window, which fires at its [`Window::max_timestamp`].
    Window(Window),
    /// Nowhere: its window has fired.
    Late,
}

impl<A: Aggregate> Windowed<A> {
    /// Aggregates by the windows of `assigner`.
    pub const fn new(assigner: TumblingWindows, aggregate: A) -> Self {
        Self {
            assigner,
            aggregate,
        }
    }

    /// Adds a record to its window, unless the watermark has reached the last millisecond of that.
    #[inline]
    pub fn add(
        &self,
        state: &mut WindowState<A::Accumulator>,
        timestamp: i64,
        watermark: i64,
        input: A::Input,
    ) -> Placement {
        let window = self.assigner.assign(timestamp);
        if window.max_timestamp() <= watermark {
            return Placement::Late;
        }
        // Records come nearly in order: their window is among the last.
        let place = state
            .open
            .iter()
            .rposition(|(_, end, _)| *end <= window.end);
        match place.map(|place| &mut state.open[place]) {
            Some((_, end, accumulator)) if *end == window.end => {
                self.aggregate.add(accumulator, input)
            }
            _ => {
                let opened = (window.start, window.end, self.aggregate.begin(input));
                state
                    .open
                    .insert(place.map_or(0, |place| place + 1), opened);
            }
        }
        Placement::Window(window)
    }

    /// Takes the earliest window that `watermark` has made due, with what it comes to; to be called until there is none.
    pub fn fire(
        &self,
        state: &mut WindowState<A::Accumulator>,
        watermark: i64,
    ) -> Option<(Window, A::Output)> {
        if state.next_timer()? > watermark {
            return None;
        }
        let (start, end, accumulator) = state.open.pop_front()?;
        Some((Window { start, end }, self.aggregate.result(&accumulator)))
    }
}
