//! The greatest few.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Aggregate;

/// The `k` greatest records, greatest first; of equal ones, those that came first. Exact: what it keeps is what it gives.
#[derive(Clone, Copy, Debug)]
pub struct Top<T> {
    k: usize,
    record: PhantomData<fn(&T)>,
}

impl<T> Top<T> {
    /// The `k` greatest.
    pub const fn of(k: usize) -> Self {
        Self {
            k,
            record: PhantomData,
        }
    }
}

impl<T: Ord + Clone + Serialize + DeserializeOwned> Aggregate for Top<T> {
    type Input = T;
    type Accumulator = Vec<T>;
    type Output = Vec<T>;

    fn begin(&self, input: &T) -> Vec<T> {
        let mut top = Vec::new();
        self.add(&mut top, input);
        top
    }

    fn add(&self, top: &mut Vec<T>, input: &T) {
        let place = top.partition_point(|other| other >= input);
        if place < self.k {
            top.truncate(self.k - 1);
            top.insert(place, input.clone());
        }
    }

    fn merge(&self, top: &mut Vec<T>, part: &Vec<T>) {
        for record in part {
            self.add(top, record);
        }
    }

    fn result(&self, top: &mut Vec<T>) -> Vec<T> {
        top.clone()
    }
}
