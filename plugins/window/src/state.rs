//! What is remembered of one key.

mod combiner;
mod slices;
mod stored;

use std::collections::VecDeque;

pub(crate) use combiner::Combiner;
pub(crate) use slices::Slices;

use crate::Window;

/// What is remembered of one key: the windows that are open, and of those that have fired the ones that late records may
/// still come into.
///
/// It is stored by [`Serialize`](serde::Serialize), compactly and with a version of its own, and goes on exactly where it
/// was. It belongs to the [`Windowed`](crate::Windowed) that made it, whose trigger's state is its second parameter: by
/// default that of [`EventTimeTrigger`](crate::EventTimeTrigger).
#[derive(Clone, Debug)]
pub struct WindowState<Accumulator, TriggerState = bool> {
    /// By rising end, then start, each once.
    pub(crate) open: VecDeque<Open<Accumulator, TriggerState>>,
    /// Of windows that overlap, where they share what they hold; none if there is no slice.
    pub(crate) slices: Option<Box<Slices<Accumulator>>>,
}

/// A window with records of its own.
#[derive(Clone, Debug)]
pub(crate) struct Open<Accumulator, TriggerState> {
    pub(crate) window: Window,
    /// None after a purge, until the next record.
    pub(crate) accumulator: Option<Accumulator>,
    pub(crate) trigger: TriggerState,
    /// What the window held when it last fired, where results are retracted.
    pub(crate) emitted: Option<Box<Accumulator>>,
}

impl<Accumulator, TriggerState> Default for WindowState<Accumulator, TriggerState> {
    fn default() -> Self {
        Self {
            open: VecDeque::new(),
            slices: None,
        }
    }
}

impl<Accumulator, TriggerState> WindowState<Accumulator, TriggerState> {
    /// Whether nothing is left to remember.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.slices.is_none()
    }

    /// How many windows, or slices of them, are remembered.
    pub fn len(&self) -> usize {
        self.open.len() + self.slices.as_ref().map_or(0, |slices| slices.len())
    }
}

impl<Accumulator, TriggerState: Default> WindowState<Accumulator, TriggerState> {
    /// The place of a window, which is opened if it is not there; and whether it was.
    #[inline]
    pub(crate) fn find_or_open(&mut self, window: Window) -> (usize, bool) {
        // Records come nearly in order: their window is mostly the last.
        match self.open.back() {
            Some(last) if last.window == window => (self.open.len() - 1, true),
            _ => self.search_or_open(window),
        }
    }

    #[inline(never)]
    fn search_or_open(&mut self, window: Window) -> (usize, bool) {
        let place = self
            .open
            .partition_point(|open| open.window.order() < window.order());
        if let Some(open) = self.open.get(place)
            && open.window == window
        {
            return (place, true);
        }
        // Most keys have one window open, and room for four would be most of what they take.
        if self.open.capacity() == 0 {
            self.open.reserve_exact(1);
        }
        self.open.insert(place, Open::new(window));
        (place, false)
    }
}

impl<Accumulator, TriggerState: Default> Open<Accumulator, TriggerState> {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            accumulator: None,
            trigger: TriggerState::default(),
            emitted: None,
        }
    }
}
