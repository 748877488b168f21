//! Functions of all the records of a window together.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Aggregate;
use crate::evictor::{Evictor, NoEvictor};

/// A record that is kept, with its event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element<T> {
    /// The event time.
    pub timestamp: i64,
    /// The record, or what of it is of interest.
    pub value: T,
}

/// A function of all the records of a window, which are kept for it in the order of their arrival; those of a merged session
/// session by session.
///
/// An [`Evictor`] takes records out before the function or after it. This is what costs memory: where an aggregate that
/// forgets records will do, take that.
#[derive(Clone, Debug)]
pub struct WholeWindow<T, F, E = NoEvictor> {
    function: F,
    evictor: E,
    record: PhantomData<fn(&T)>,
}

impl<T, O, F: Fn(&[Element<T>]) -> O> WholeWindow<T, F> {
    /// What `function` makes of the records.
    pub const fn new(function: F) -> Self {
        Self {
            function,
            evictor: NoEvictor,
            record: PhantomData,
        }
    }

    /// The same, of the records that `evictor` leaves.
    pub fn with_evictor<E: Evictor<T>>(self, evictor: E) -> WholeWindow<T, F, E> {
        WholeWindow {
            function: self.function,
            evictor,
            record: PhantomData,
        }
    }
}

impl<T, O, F, E> Aggregate for WholeWindow<T, F, E>
where
    T: Clone + Serialize + DeserializeOwned,
    F: Fn(&[Element<T>]) -> O,
    E: Evictor<T>,
{
    type Input = Element<T>;
    type Accumulator = Vec<Element<T>>;
    type Output = O;
    const IN_SLICES: bool = false;

    fn begin(&self, input: &Element<T>) -> Vec<Element<T>> {
        vec![input.clone()]
    }

    fn add(&self, elements: &mut Vec<Element<T>>, input: &Element<T>) {
        elements.push(input.clone());
    }

    fn merge(&self, elements: &mut Vec<Element<T>>, part: &Vec<Element<T>>) {
        elements.extend_from_slice(part);
    }

    fn result(&self, elements: &mut Vec<Element<T>>) -> O {
        self.evictor.evict_before(elements);
        let output = (self.function)(elements);
        self.evictor.evict_after(elements);
        output
    }

    fn is_spent(&self, elements: &Vec<Element<T>>) -> bool {
        elements.is_empty()
    }
}
