//! Which records of a window are taken out of it when it fires.

use crate::Element;

/// Takes records out of a window, for good.
pub trait Evictor<T> {
    /// Takes records out before the function of the window sees them.
    fn evict_before(&self, elements: &mut Vec<Element<T>>) {
        let _ = elements;
    }

    /// Takes records out after the function of the window has seen them.
    fn evict_after(&self, elements: &mut Vec<Element<T>>) {
        let _ = elements;
    }
}

/// Takes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvictor;

impl<T> Evictor<T> for NoEvictor {}

/// Evicts after the function what another evictor would have before it.
#[derive(Clone, Copy, Debug)]
pub struct Afterwards<E>(pub E);

impl<T, E: Evictor<T>> Evictor<T> for Afterwards<E> {
    fn evict_after(&self, elements: &mut Vec<Element<T>>) {
        self.0.evict_before(elements);
    }
}

/// Leaves the records that came last.
#[derive(Clone, Copy, Debug)]
pub struct CountEvictor {
    records: usize,
}

impl CountEvictor {
    /// Leaves the last `records` records.
    pub const fn last(records: usize) -> Self {
        Self { records }
    }
}

impl<T> Evictor<T> for CountEvictor {
    fn evict_before(&self, elements: &mut Vec<Element<T>>) {
        let surplus = elements.len().saturating_sub(self.records);
        elements.drain(..surplus);
    }
}

/// Leaves the records whose event time is near to the latest in the window.
#[derive(Clone, Copy, Debug)]
pub struct TimeEvictor {
    span: i64,
}

impl TimeEvictor {
    /// Leaves the records of the last `span` milliseconds: those whose time is later than the latest minus the span.
    pub const fn last(span: i64) -> Self {
        Self { span }
    }
}

impl<T> Evictor<T> for TimeEvictor {
    fn evict_before(&self, elements: &mut Vec<Element<T>>) {
        let Some(latest) = elements.iter().map(|element| element.timestamp).max() else {
            return;
        };
        let cut = latest.saturating_sub(self.span);
        elements.retain(|element| element.timestamp > cut);
    }
}

/// Leaves the records that are near to the one that came last.
#[derive(Clone, Copy, Debug)]
pub struct DeltaEvictor<F> {
    threshold: f64,
    distance: F,
}

impl<F> DeltaEvictor<F> {
    /// Leaves the records with a `distance(record, last record)` below `threshold`.
    pub const fn within(threshold: f64, distance: F) -> Self {
        Self {
            threshold,
            distance,
        }
    }
}

impl<T: Clone, F: Fn(&T, &T) -> f64> Evictor<T> for DeltaEvictor<F> {
    fn evict_before(&self, elements: &mut Vec<Element<T>>) {
        let Some(last) = elements.last().cloned() else {
            return;
        };
        elements.retain(|element| {
            let distance = (self.distance)(&element.value, &last.value);
            // A distance that is not a number evicts nothing.
            distance < self.threshold || distance.is_nan()
        });
    }
}
