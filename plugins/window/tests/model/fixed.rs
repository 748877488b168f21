//! Windows that lie fixed: all of them that a record is in are found by trying.

use std::collections::BTreeMap;

use crate::{Options, Output, Step};

/// By end, then start.
type Ends = (i64, i64);

pub struct Model {
    size: i64,
    slide: i64,
    offset: i64,
    options: Options,
    /// Event time, value, and the watermark at arrival.
    records: Vec<(i64, i64, i64)>,
    /// How many records there were when the window was emptied.
    purged: BTreeMap<Ends, usize>,
    emitted: BTreeMap<Ends, i64>,
    counts: BTreeMap<Ends, u64>,
    watermark: i64,
    outputs: Vec<Output>,
}

impl Model {
    pub fn new((size, slide, offset): (i64, i64, i64), options: Options) -> Self {
        Self {
            size,
            slide,
            offset,
            options,
            records: Vec::new(),
            purged: BTreeMap::new(),
            emitted: BTreeMap::new(),
            counts: BTreeMap::new(),
            watermark: i64::MIN,
            outputs: Vec::new(),
        }
    }

    pub fn run(mut self, steps: &[Step]) -> Vec<Output> {
        for step in steps {
            match *step {
                Step::Record(timestamp, value) => self.add(timestamp, value),
                Step::Watermark(to) => self.advance(to),
            }
        }
        self.outputs
    }

    /// By rising end.
    fn windows_of(&self, timestamp: i64) -> Vec<Ends> {
        (timestamp - self.size + 1..=timestamp)
            .filter(|start| (start - self.offset).rem_euclid(self.slide) == 0)
            .map(|start| (start + self.size, start))
            .collect()
    }

    fn is_over(&self, (end, _): Ends, watermark: i64) -> bool {
        end - 1 + self.options.lateness <= watermark
    }

    fn add(&mut self, timestamp: i64, value: i64) {
        let windows = self.windows_of(timestamp);
        self.records.push((timestamp, value, self.watermark));
        let mut taken = false;
        for window in windows {
            if self.is_over(window, self.watermark) {
                continue;
            }
            taken = true;
            if let Some(every) = self.options.count {
                let count = self.counts.entry(window).or_default();
                *count += 1;
                if count.is_multiple_of(every) {
                    self.emit(window);
                }
            } else if window.0 - 1 <= self.watermark {
                self.emit(window);
            }
        }
        if !taken && timestamp + self.options.lateness <= self.watermark {
            self.outputs.push(Output::Late(timestamp));
        }
    }

    fn advance(&mut self, to: i64) {
        let from = std::mem::replace(&mut self.watermark, to);
        if self.options.count.is_some() {
            return;
        }
        let mut due: Vec<Ends> = self
            .records
            .iter()
            .flat_map(|(timestamp, ..)| self.windows_of(*timestamp))
            .filter(|(end, _)| from < end - 1 && end - 1 <= to)
            .collect();
        due.sort_unstable();
        due.dedup();
        for window in due {
            self.emit(window);
        }
    }

    fn emit(&mut self, window: Ends) {
        let (end, start) = window;
        let from = self.purged.get(&window).copied().unwrap_or(0);
        let held = self.records[from..].iter().filter(|(timestamp, _, at)| {
            start <= *timestamp && *timestamp < end && !self.is_over(window, *at)
        });
        let values: Vec<i64> = held.map(|(_, value, _)| *value).collect();
        if values.is_empty() {
            return;
        }
        let sum = values.iter().sum();
        if self.options.purging {
            self.purged.insert(window, self.records.len());
        } else if self.options.retractions
            && let Some(before) = self.emitted.insert(window, sum)
        {
            self.outputs.push(Output::Retraction(start, end, before));
        }
        self.outputs.push(Output::Result(start, end, sum));
    }
}
