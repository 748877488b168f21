//! All aggregates of a window together.

use std::sync::Arc;

use jackfield_expression::Value;
use jackfield_window::{Aggregate, CountEvictor, Element, Evictor, TimeEvictor};
use serde::{Deserialize, Serialize};

use crate::configuration::EvictOption;
use crate::measure::{Cell, Contribution, Measure};

/// What a record contributes to each aggregate.
pub(crate) type Contributions = Element<Vec<Contribution>>;

/// All aggregates. `IN_SLICES` says whether overlapping windows may share parts.
#[derive(Clone)]
pub(crate) struct Summary<const IN_SLICES: bool> {
    pub(crate) measures: Arc<[Measure]>,
    /// With it, records are kept.
    pub(crate) evict: Option<EvictOption>,
}

/// What is remembered of a window. Cases are only ever added, at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Held {
    /// For each aggregate, by its place.
    #[expect(
        private_interfaces,
        reason = "the state of the stage, which nobody looks into"
    )]
    Cells(Vec<Cell>),
    /// What each record contributes, where some of them are going to be evicted.
    #[expect(
        private_interfaces,
        reason = "the state of the stage, which nobody looks into"
    )]
    Records(Vec<Contributions>),
}

impl<const IN_SLICES: bool> Summary<IN_SLICES> {
    fn add_to_cells(&self, cells: &mut Vec<Cell>, record: &Contributions) {
        for (place, (measure, contribution)) in self.measures.iter().zip(&record.value).enumerate()
        {
            if place == cells.len() {
                cells.push(measure.nothing());
            }
            measure.add(&mut cells[place], contribution, record.timestamp);
        }
    }

    fn results(&self, cells: &mut [Cell]) -> Vec<Value<'static>> {
        let places = self.measures.iter().enumerate();
        let result = |(place, measure): (usize, &Measure)| match cells.get_mut(place) {
            Some(cell) => measure.result(cell),
            None => measure.result(&mut measure.nothing()),
        };
        places.map(result).collect()
    }
}

impl<const SHARED: bool> Aggregate for Summary<SHARED> {
    type Input = Contributions;
    type Accumulator = Held;
    type Output = Vec<Value<'static>>;
    const IN_SLICES: bool = SHARED;

    fn begin(&self, record: &Contributions) -> Held {
        if self.evict.is_some() {
            return Held::Records(vec![record.clone()]);
        }
        let mut cells = Vec::with_capacity(self.measures.len());
        self.add_to_cells(&mut cells, record);
        Held::Cells(cells)
    }

    fn add(&self, held: &mut Held, record: &Contributions) {
        match held {
            Held::Cells(cells) => self.add_to_cells(cells, record),
            Held::Records(records) => records.push(record.clone()),
        }
    }

    fn merge(&self, held: &mut Held, part: &Held) {
        match (held, part) {
            (Held::Cells(cells), Held::Cells(part)) => {
                for ((measure, cell), part) in self.measures.iter().zip(cells).zip(part) {
                    measure.merge(cell, part);
                }
            }
            (Held::Records(records), Held::Records(part)) => records.extend_from_slice(part),
            (held, part) => {
                // One was begun before the configuration said otherwise: what is kept is the records.
                if matches!(held, Held::Cells(_)) {
                    *held = part.clone();
                }
            }
        }
    }

    fn result(&self, held: &mut Held) -> Vec<Value<'static>> {
        match held {
            Held::Cells(cells) => self.results(cells),
            Held::Records(records) => {
                match self.evict {
                    Some(EvictOption::KeepLast(count)) => {
                        CountEvictor::last(count).evict_before(records)
                    }
                    Some(EvictOption::KeepWithin(span)) => {
                        TimeEvictor::last(span.as_millis()).evict_before(records)
                    }
                    None => {}
                }
                let mut cells = Vec::new();
                for record in records.iter() {
                    self.add_to_cells(&mut cells, record);
                }
                self.results(&mut cells)
            }
        }
    }

    fn is_spent(&self, held: &Held) -> bool {
        matches!(held, Held::Records(records) if records.is_empty())
    }
}
