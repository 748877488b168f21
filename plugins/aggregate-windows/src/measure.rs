//! One aggregate of several: what a record contributes to it, and what is remembered.

use std::cmp::Ordering;

use jackfield_expression::{CompileError, Expression, Names, Value};
use jackfield_sdk::{Rejection, code};
use jackfield_window::{
    Aggregate, CompensatedSum, Distinct, DistinctAccumulator, Number, Quantiles,
    QuantilesAccumulator,
};
use serde::{Deserialize, Serialize};

use crate::configuration::{CollectOption, DistinctOption, Function};
use crate::reject;

/// How many values are listed where the configuration does not say.
const COLLECTED: usize = 1000;

/// An aggregate.
#[derive(Debug)]
pub(crate) struct Measure {
    name: String,
    kind: Kind,
    /// What a record contributes.
    of: Option<Expression>,
    /// What it is compared by, where that is something else.
    by: Option<Expression>,
}

#[derive(Debug)]
enum Kind {
    Count,
    CountIf,
    Sum,
    Average,
    Min,
    Max,
    Distinct(Distinct),
    Quantile(Quantiles),
    Top(usize),
    First,
    Last,
    Collect(usize),
}

/// What a record contributes to one aggregate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Contribution {
    Nothing,
    Itself,
    Number(f64),
    Whole(i64),
    Value(Value<'static>),
    Ranked(Ranked),
    Bytes(Vec<u8>),
}

/// A value, and what it is compared by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ranked {
    by: Value<'static>,
    value: Option<Value<'static>>,
}

/// What is remembered of the records of a window for one aggregate. Cases are only ever added, at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Cell {
    Count(u64),
    Total(Total),
    Best(Option<Ranked>),
    Distinct(Option<DistinctAccumulator>),
    Quantiles(Option<QuantilesAccumulator>),
    Top(Vec<Ranked>),
    /// With its time.
    AtEnd(Option<(i64, Value<'static>)>),
    Collected(Vec<Value<'static>>),
}

/// A sum, exact where all numbers are whole.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Total {
    whole: i128,
    rest: CompensatedSum,
    /// How many numbers, and how many of them are not whole.
    count: u64,
    not_whole: u64,
}

/// Compares numbers as numbers and text as text; across types, truth values come first, then numbers, text, and all else.
fn compare(one: &Value<'_>, other: &Value<'_>) -> Ordering {
    let rank = |value: &Value<'_>| match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => 1,
        Value::Text(_) => 2,
        _ => 3,
    };
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Int(one), Value::Int(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => (**one).cmp(&**other),
        _ => match (one.as_number(), other.as_number()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => rank(one).cmp(&rank(other)),
        },
    }
}

impl Ranked {
    fn value(&self) -> Value<'static> {
        self.value.as_ref().unwrap_or(&self.by).clone()
    }
}

impl Measure {
    pub(crate) fn compile(name: &str, function: &Function, names: &Names) -> Result<Self, String> {
        let describe = |error: CompileError| error.to_string();
        let place = format!("aggregates.{name}");
        let of = |text: &str| {
            Expression::compile(&place, text, names)
                .map(Some)
                .map_err(describe)
        };
        let mut compared_by = None;
        let (kind, of) = match function {
            Function::Count => (Kind::Count, None),
            Function::CountIf(condition) => (Kind::CountIf, of(condition)?),
            Function::Sum(text) => (Kind::Sum, of(text)?),
            Function::Avg(text) => (Kind::Average, of(text)?),
            Function::Min(text) => (Kind::Min, of(text)?),
            Function::Max(text) => (Kind::Max, of(text)?),
            Function::First(text) => (Kind::First, of(text)?),
            Function::Last(text) => (Kind::Last, of(text)?),
            Function::Distinct(DistinctOption::Of(text)) => {
                (Kind::Distinct(Distinct::default()), of(text)?)
            }
            Function::Distinct(DistinctOption::Exactly {
                of: text,
                precision,
            }) => {
                let distinct = Distinct::with_precision(*precision)
                    .map_err(|error| format!("{place}.precision: {error}"))?;
                (Kind::Distinct(distinct), of(text)?)
            }
            Function::Quantile { of: text, rank } => {
                let quantiles =
                    Quantiles::of(&[*rank]).map_err(|error| format!("{place}.rank: {error}"))?;
                (Kind::Quantile(quantiles), of(text)?)
            }
            Function::Top { of: text, by, k } => {
                let by = by
                    .as_ref()
                    .map(|by| Expression::compile(&format!("{place}.by"), by, names));
                compared_by = by.transpose().map_err(describe)?;
                (Kind::Top(*k), of(text)?)
            }
            Function::Collect(CollectOption::Of(text)) => (Kind::Collect(COLLECTED), of(text)?),
            Function::Collect(CollectOption::AtMost { of: text, limit }) => {
                (Kind::Collect(*limit), of(text)?)
            }
        };
        Ok(Self {
            name: name.to_owned(),
            kind,
            of,
            by: compared_by,
        })
    }

    /// Whether it matters in which order records come, or what it remembers grows with them: overlapping windows then share nothing.
    pub(crate) fn needs_its_own_records(&self) -> bool {
        matches!(self.kind, Kind::Collect(_))
    }

    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.of.iter().chain(&self.by)
    }

    /// What a record contributes.
    ///
    /// # Errors
    /// What an expression says of the record; `wrong-type` if the aggregate cannot take the value.
    pub(crate) fn contribution(&self, variables: &[Value<'_>]) -> Result<Contribution, Rejection> {
        let Some(of) = &self.of else {
            return Ok(Contribution::Itself);
        };
        let value = of.evaluate(variables).map_err(reject)?;
        match (&self.kind, &value) {
            (_, Value::Null) => Ok(Contribution::Nothing),
            (Kind::CountIf, Value::Bool(holds)) => Ok(if *holds {
                Contribution::Itself
            } else {
                Contribution::Nothing
            }),
            (Kind::Sum | Kind::Average, Value::Int(number)) => Ok(Contribution::Whole(*number)),
            (Kind::Sum | Kind::Average | Kind::Quantile(_), number) => match number.as_number() {
                Some(number) => Ok(Contribution::Number(number)),
                None => Err(self.unfit(number, "a number")),
            },
            (Kind::CountIf, other) => Err(self.unfit(other, "true or false")),
            (Kind::Distinct(_), Value::Text(text)) => {
                Ok(Contribution::Bytes(text.as_bytes().to_vec()))
            }
            (Kind::Distinct(_), other) => {
                // Not what text could be: it begins with a byte that text cannot.
                let mut bytes = vec![0xff];
                serde_json::to_writer(&mut bytes, other)
                    .map_err(|error| Rejection::new(code::INVALID_VALUE, error.to_string()))?;
                Ok(Contribution::Bytes(bytes))
            }
            (Kind::Min | Kind::Max, _) => {
                let by = self.comparable(&value)?;
                Ok(Contribution::Ranked(Ranked { by, value: None }))
            }
            (Kind::Top(_), _) => match &self.by {
                None => {
                    let by = self.comparable(&value)?;
                    Ok(Contribution::Ranked(Ranked { by, value: None }))
                }
                Some(by) => {
                    let by = self.comparable(&by.evaluate(variables).map_err(reject)?)?;
                    let value = Some(value.to_owned_value().map_err(reject)?);
                    Ok(Contribution::Ranked(Ranked { by, value }))
                }
            },
            _ => value
                .to_owned_value()
                .map(Contribution::Value)
                .map_err(reject),
        }
    }

    fn comparable(&self, value: &Value<'_>) -> Result<Value<'static>, Rejection> {
        if value.as_number().is_some() || matches!(value, Value::Bool(_) | Value::Text(_)) {
            return value.to_owned_value().map_err(reject);
        }
        Err(self.unfit(value, "a number, text or a truth value"))
    }

    fn unfit(&self, value: &Value<'_>, expected: &str) -> Rejection {
        let message = format!(
            "aggregates.{}: a value of type {}, where {expected} is expected",
            self.name,
            value.type_of()
        );
        Rejection::new(code::WRONG_TYPE, message)
    }

    /// What is remembered of no record.
    pub(crate) fn nothing(&self) -> Cell {
        match &self.kind {
            Kind::Count | Kind::CountIf => Cell::Count(0),
            Kind::Sum | Kind::Average => Cell::Total(Total::default()),
            Kind::Min | Kind::Max => Cell::Best(None),
            Kind::Distinct(_) => Cell::Distinct(None),
            Kind::Quantile(_) => Cell::Quantiles(None),
            Kind::Top(_) => Cell::Top(Vec::new()),
            Kind::First | Kind::Last => Cell::AtEnd(None),
            Kind::Collect(_) => Cell::Collected(Vec::new()),
        }
    }

    /// Adds what a record contributes. What does not fit, which other aggregates under the same name have left, is begun anew.
    pub(crate) fn add(&self, cell: &mut Cell, contribution: &Contribution, timestamp: i64) {
        match (cell, contribution, &self.kind) {
            (_, Contribution::Nothing, _) => {}
            (Cell::Count(count), Contribution::Itself, _) => *count = count.saturating_add(1),
            (Cell::Total(total), Contribution::Whole(number), _) => total.add_whole(*number),
            (Cell::Total(total), Contribution::Number(number), _) => total.add(*number),
            (Cell::Best(best), Contribution::Ranked(ranked), _) => self.choose(best, ranked),
            (Cell::Distinct(sketch), Contribution::Bytes(bytes), Kind::Distinct(distinct)) => {
                match sketch {
                    Some(sketch) => distinct.add(sketch, bytes),
                    None => *sketch = Some(distinct.begin(bytes)),
                }
            }
            (Cell::Quantiles(digest), number, Kind::Quantile(quantiles)) => {
                let number = match number {
                    Contribution::Number(number) => *number,
                    _ => return,
                };
                match digest {
                    Some(digest) => quantiles.add(digest, &number),
                    None => *digest = Some(quantiles.begin(&number)),
                }
            }
            (Cell::Top(top), Contribution::Ranked(ranked), Kind::Top(k)) => insert(top, ranked, *k),
            (Cell::AtEnd(found), Contribution::Value(value), _) => {
                self.place(found, timestamp, value)
            }
            (Cell::Collected(list), Contribution::Value(value), Kind::Collect(limit)) => {
                if list.len() < *limit {
                    list.push(value.clone());
                }
            }
            (cell, _, _) => *cell = self.nothing(),
        }
    }

    /// Adds what another part of the same window holds.
    pub(crate) fn merge(&self, cell: &mut Cell, part: &Cell) {
        match (cell, part, &self.kind) {
            (Cell::Count(count), Cell::Count(part), _) => *count = count.saturating_add(*part),
            (Cell::Total(total), Cell::Total(part), _) => total.merge(part),
            (Cell::Best(best), Cell::Best(Some(part)), _) => self.choose(best, part),
            (
                Cell::Distinct(Some(sketch)),
                Cell::Distinct(Some(part)),
                Kind::Distinct(distinct),
            ) => distinct.merge(sketch, part),
            (Cell::Distinct(sketch @ None), Cell::Distinct(Some(part)), _) => {
                *sketch = Some(part.clone())
            }
            (
                Cell::Quantiles(Some(digest)),
                Cell::Quantiles(Some(part)),
                Kind::Quantile(quantiles),
            ) => quantiles.merge(digest, part),
            (Cell::Quantiles(digest @ None), Cell::Quantiles(Some(part)), _) => {
                *digest = Some(part.clone())
            }
            (Cell::Top(top), Cell::Top(part), Kind::Top(k)) => {
                part.iter().for_each(|ranked| insert(top, ranked, *k))
            }
            (Cell::AtEnd(found), Cell::AtEnd(Some((timestamp, value))), _) => {
                self.place(found, *timestamp, value)
            }
            (Cell::Collected(list), Cell::Collected(part), Kind::Collect(limit)) => {
                let room = limit.saturating_sub(list.len());
                list.extend(part.iter().take(room).cloned());
            }
            _ => {}
        }
    }

    /// What a window comes to.
    pub(crate) fn result(&self, cell: &mut Cell) -> Value<'static> {
        match (cell, &self.kind) {
            (Cell::Count(count), _) => (*count).into(),
            (Cell::Total(total), Kind::Average) => total.mean().map_or(Value::Null, Value::Double),
            (Cell::Total(total), _) => total.sum(),
            (Cell::Best(best), _) => best.as_ref().map_or(Value::Null, Ranked::value),
            (Cell::Distinct(sketch), Kind::Distinct(distinct)) => {
                let count = sketch.as_mut().map_or(0, |sketch| distinct.result(sketch));
                count.into()
            }
            (Cell::Quantiles(digest), Kind::Quantile(quantiles)) => {
                let found = digest.as_mut().and_then(|digest| quantiles.result(digest));
                found
                    .and_then(|found| found.first().copied())
                    .map_or(Value::Null, Value::Double)
            }
            (Cell::Top(top), _) => Value::list(top.iter().map(Ranked::value).collect()),
            (Cell::AtEnd(found), _) => found
                .as_ref()
                .map_or(Value::Null, |(_, value)| value.clone()),
            (Cell::Collected(list), _) => Value::list(list.clone()),
            _ => Value::Null,
        }
    }

    /// Keeps the better of two; of equal ones the first.
    fn choose(&self, best: &mut Option<Ranked>, ranked: &Ranked) {
        let wanted = match self.kind {
            Kind::Min => Ordering::Less,
            _ => Ordering::Greater,
        };
        match best {
            Some(best) if compare(&ranked.by, &best.by) != wanted => {}
            _ => *best = Some(ranked.clone()),
        }
    }

    /// Keeps the value of the earlier or later time; of equal times the first value, or the last.
    fn place(
        &self,
        found: &mut Option<(i64, Value<'static>)>,
        timestamp: i64,
        value: &Value<'static>,
    ) {
        let keep = match (found.as_ref(), &self.kind) {
            (None, _) => false,
            (Some((time, _)), Kind::First) => *time <= timestamp,
            (Some((time, _)), _) => *time > timestamp,
        };
        if !keep {
            *found = Some((timestamp, value.clone()));
        }
    }
}

/// Inserts behind those that are as great, and keeps the first `k`.
fn insert(top: &mut Vec<Ranked>, ranked: &Ranked, k: usize) {
    let place = top.partition_point(|other| compare(&other.by, &ranked.by) != Ordering::Less);
    if place < k {
        top.insert(place, ranked.clone());
        top.truncate(k);
    }
}

impl Total {
    fn add_whole(&mut self, number: i64) {
        self.whole = self.whole.saturating_add(i128::from(number));
        self.count = self.count.saturating_add(1);
    }

    fn add(&mut self, number: f64) {
        number.add_to(&mut self.rest);
        self.count = self.count.saturating_add(1);
        self.not_whole = self.not_whole.saturating_add(1);
    }

    fn merge(&mut self, part: &Self) {
        self.whole = self.whole.saturating_add(part.whole);
        f64::merge(&mut self.rest, &part.rest);
        self.count = self.count.saturating_add(part.count);
        self.not_whole = self.not_whole.saturating_add(part.not_whole);
    }

    fn all(&self) -> f64 {
        let mut all = self.rest;
        (self.whole as f64).add_to(&mut all);
        f64::sum(&all)
    }

    /// A whole number where all are and 64 bits hold it.
    fn sum(&self) -> Value<'static> {
        match i64::try_from(self.whole) {
            Ok(whole) if self.not_whole == 0 => Value::Int(whole),
            _ => Value::Double(self.all()),
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.all() / self.count as f64)
    }
}
