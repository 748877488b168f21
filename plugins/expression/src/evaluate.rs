//! Evaluating expressions, in bounded work.

mod arithmetic;
mod function;
mod repeat;

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use crate::Value;
use crate::program::{Comparison, Node, Operation};
use crate::refusal::code;
use crate::value::{equal, order};

/// How many steps one evaluation may take: an operation is one, so is each value that it looks at or makes, and so are each 64
/// bytes of text. It takes about a tenth of a millisecond, so that a batch of ten thousand records that all go to the limit takes a second.
pub const WORK_LIMIT: u32 = 10_000;

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Work {
    left: Cell<u32>,
}

/// Why an evaluation has no result. Behind a pointer, for results are passed on at every step, and few of them are failures.
#[derive(Debug)]
pub(crate) struct Failure(Box<Reason>);

#[derive(Debug)]
struct Reason {
    code: &'static str,
    message: String,
    /// Where in the text: the innermost operation that failed.
    offset: Option<u32>,
}

impl Failure {
    #[cold]
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Reason {
            code,
            message: message.into(),
            offset: None,
        }))
    }

    #[cold]
    fn wrong_type(message: impl Into<String>) -> Self {
        Self::new(code::WRONG_TYPE, message)
    }

    #[cold]
    fn at(mut self, node: &Node) -> Self {
        self.0.offset.get_or_insert(node.offset);
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// Bytes from the beginning of the text.
    pub(crate) fn offset(&self) -> u32 {
        self.0.offset.unwrap_or(0)
    }

    /// Whether nothing beside it may decide instead.
    fn is_final(&self) -> bool {
        self.0.code == code::TOO_MUCH_WORK
    }
}

impl Work {
    pub(crate) fn full() -> Self {
        Self {
            left: Cell::new(WORK_LIMIT),
        }
    }

    #[inline]
    pub(crate) fn spend(&self, steps: usize) -> Result<(), Failure> {
        let left = u32::try_from(steps)
            .ok()
            .and_then(|steps| self.left.get().checked_sub(steps));
        match left {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.exhausted()),
        }
    }

    #[inline]
    pub(crate) fn spend_on_bytes(&self, bytes: usize) -> Result<(), Failure> {
        self.spend(bytes / 64)
    }

    #[cold]
    fn exhausted(&self) -> Failure {
        self.left.set(0);
        let message = format!(
            "the evaluation takes more than {WORK_LIMIT} steps: look at less, or at shorter lists"
        );
        Failure::new(code::TOO_MUCH_WORK, message)
    }
}

/// What an expression is evaluated with.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'s, 'v> {
    pub(crate) variables: &'s [Value<'v>],
    pub(crate) work: &'s Work,
    /// What the loop around goes through.
    item: Option<&'s Item<'s, 'v>>,
}

/// What a loop goes through, and what the loop around it does.
struct Item<'s, 'v> {
    value: &'s Value<'v>,
    around: Option<&'s Self>,
}

type Evaluated<'s, 'v> = Result<Cow<'s, Value<'v>>, Failure>;

impl<'s, 'v> Environment<'s, 'v> {
    pub(crate) fn new(variables: &'s [Value<'v>], work: &'s Work) -> Self {
        Self {
            variables,
            work,
            item: None,
        }
    }

    /// The value of an operation: borrowed where it is there already.
    pub(crate) fn value(self, node: &'s Node) -> Evaluated<'s, 'v> {
        self.work.spend(1)?;
        let owned = match &node.operation {
            Operation::Literal(value) => return Ok(Cow::Borrowed(value)),
            Operation::Variable(place) => {
                return self.variable(*place).map_err(|failure| failure.at(node));
            }
            Operation::Item(around) => {
                return self.item(*around).map_err(|failure| failure.at(node));
            }
            Operation::Field(operand, name) => {
                let operand = self.value(operand)?;
                return self
                    .field(operand, name)
                    .map_err(|failure| failure.at(node));
            }
            Operation::Index(operands) => {
                let [container, index] = &**operands;
                let (container, index) = (self.value(container)?, self.value(index)?);
                return self
                    .index(container, &index)
                    .map_err(|failure| failure.at(node));
            }
            Operation::Conditional(operands) => {
                let [condition, one, other] = &**operands;
                return self.value(if self.truth(condition)? { one } else { other });
            }
            Operation::Negate(operand) => arithmetic::negate(&*self.value(operand)?),
            Operation::Calculate(operation, operands) => {
                let [one, other] = &**operands;
                let (one, other) = (self.value(one)?, self.value(other)?);
                arithmetic::calculate(*operation, &one, &other, self.work)
            }
            Operation::Call(called, operands) => self.call(*called, operands),
            Operation::List(items) => {
                let items = items.iter().map(|item| Ok(self.value(item)?.into_owned()));
                items.collect::<Result<_, Failure>>().map(Value::list)
            }
            Operation::Map(entries) => self.map(entries),
            Operation::Loop(repeated) => self.repeat(repeated),
            _ => self.decide(node).map(Value::Bool),
        };
        owned.map(Cow::Owned).map_err(|failure| failure.at(node))
    }

    /// Whether a condition holds.
    pub(crate) fn truth(self, node: &'s Node) -> Result<bool, Failure> {
        match &node.operation {
            Operation::Not(_)
            | Operation::And(_)
            | Operation::Or(_)
            | Operation::Compare(..)
            | Operation::In(_)
            | Operation::Has(..) => {
                self.work.spend(1)?;
                self.decide(node).map_err(|failure| failure.at(node))
            }
            _ => match &*self.value(node)? {
                Value::Bool(value) => Ok(*value),
                other => {
                    let message = format!(
                        "it is of type {}, where true or false is expected",
                        other.type_of()
                    );
                    Err(Failure::wrong_type(message).at(node))
                }
            },
        }
    }

    /// An operation whose result is true or false.
    fn decide(self, node: &'s Node) -> Result<bool, Failure> {
        match &node.operation {
            Operation::Not(operand) => Ok(!self.truth(operand)?),
            Operation::And(operands) => self.both(operands, false),
            Operation::Or(operands) => self.both(operands, true),
            Operation::Compare(comparison, operands) => {
                let [one, other] = &**operands;
                let (one, other) = (self.value(one)?, self.value(other)?);
                self.compare(*comparison, &one, &other)
            }
            Operation::In(operands) => {
                let [value, container] = &**operands;
                let (value, container) = (self.value(value)?, self.value(container)?);
                self.contains(&container, &value)
            }
            Operation::Has(operand, name) => match &*self.value(operand)? {
                Value::Map(fields) => {
                    self.work.spend(fields.len() / 16)?;
                    Ok(fields.get(name).is_some())
                }
                other => {
                    let message = format!("a value of type {} has no fields", other.type_of());
                    Err(Failure::wrong_type(message))
                }
            },
            _ => Err(Failure::wrong_type("it is neither true nor false")),
        }
    }

    /// `&&`, which `false` decides, or `||`, which `true` decides, even if the other side fails.
    fn both(self, operands: &'s [Node; 2], decisive: bool) -> Result<bool, Failure> {
        let [one, other] = operands;
        match self.truth(one) {
            Ok(value) if value == decisive => Ok(decisive),
            Ok(_) => self.truth(other),
            Err(failure) if failure.is_final() => Err(failure),
            Err(failure) => match self.truth(other) {
                Ok(value) if value == decisive => Ok(decisive),
                Err(other) if other.is_final() => Err(other),
                _ => Err(failure),
            },
        }
    }

    fn compare(
        self,
        comparison: Comparison,
        one: &Value<'v>,
        other: &Value<'v>,
    ) -> Result<bool, Failure> {
        match comparison {
            Comparison::Equal => return equal(one, other, self.work),
            Comparison::NotEqual => return Ok(!equal(one, other, self.work)?),
            _ => {}
        }
        let Some(order) = order(one, other, self.work)? else {
            let message = format!(
                "{} does not compare values of type {} and {}",
                comparison.sign(),
                one.type_of(),
                other.type_of()
            );
            return Err(Failure::wrong_type(message));
        };
        Ok(match comparison {
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }

    fn contains(self, container: &Value<'v>, value: &Value<'v>) -> Result<bool, Failure> {
        match (container, value) {
            (Value::List(items), _) => {
                for item in items.iter() {
                    if equal(item, value, self.work)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Map(fields), Value::Text(name)) => {
                self.work.spend(fields.len() / 16)?;
                Ok(fields.get(name).is_some())
            }
            // The names of a map are text alone.
            (Value::Map(_), Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
                Ok(false)
            }
            _ => {
                let message = format!(
                    "in looks for a value in a list, or for text among the names of a map, not for {} in {}",
                    value.type_of(),
                    container.type_of()
                );
                Err(Failure::wrong_type(message))
            }
        }
    }

    fn variable(self, place: usize) -> Evaluated<'s, 'v> {
        // Whoever compiles an expression gives it all its variables.
        let variable = self.variables.get(place);
        let missing = || Failure::new(code::MISSING_FIELD, "the variable is not given");
        variable.map(Cow::Borrowed).ok_or_else(missing)
    }

    fn item(self, around: usize) -> Evaluated<'s, 'v> {
        let loops = std::iter::successors(self.item, |item| item.around);
        let item = loops.map(|item| item.value).nth(around);
        let missing = || Failure::new(code::MISSING_FIELD, "the loop is not there");
        item.map(Cow::Borrowed).ok_or_else(missing)
    }

    fn field(self, operand: Cow<'s, Value<'v>>, name: &str) -> Evaluated<'s, 'v> {
        let missing = || {
            Failure::new(
                code::MISSING_FIELD,
                format!("there is no field {name:?}; has(…) tells whether there is one"),
            )
        };
        let no_fields = |value: &Value<'v>| {
            Failure::wrong_type(format!(
                "a value of type {} has no field {name:?}",
                value.type_of()
            ))
        };
        match operand {
            Cow::Borrowed(Value::Map(fields)) => {
                self.work.spend(fields.len() / 16)?;
                fields.get(name).map(Cow::Borrowed).ok_or_else(missing)
            }
            Cow::Owned(Value::Map(fields)) => {
                self.work.spend(fields.len() / 16)?;
                fields
                    .get(name)
                    .cloned()
                    .map(Cow::Owned)
                    .ok_or_else(missing)
            }
            other => Err(no_fields(&other)),
        }
    }

    fn index(self, container: Cow<'s, Value<'v>>, index: &Value<'v>) -> Evaluated<'s, 'v> {
        if let (Value::Map(_), Value::Text(name)) = (&*container, index) {
            return self.field(container, name);
        }
        let (Value::List(items), Some(place)) = (&*container, whole_index(index)) else {
            let message = format!(
                "a value of type {} has no item at one of type {}",
                container.type_of(),
                index.type_of()
            );
            return Err(Failure::wrong_type(message));
        };
        let outside = || {
            let message = format!("there is no item {place} in a list of {}", items.len());
            Failure::new(code::INDEX_OUT_OF_RANGE, message)
        };
        let place = usize::try_from(place).map_err(|_| outside())?;
        match &container {
            Cow::Borrowed(Value::List(items)) => {
                items.get(place).map(Cow::Borrowed).ok_or_else(outside)
            }
            _ => items
                .get(place)
                .cloned()
                .map(Cow::Owned)
                .ok_or_else(outside),
        }
    }

    fn map(self, entries: &'s [(Node, Node)]) -> Result<Value<'v>, Failure> {
        let mut fields = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let found = self.value(name)?;
            let Value::Text(text) = &*found else {
                let message = format!(
                    "the names of a map are text, and this one is of type {}",
                    found.type_of()
                );
                return Err(Failure::wrong_type(message).at(name));
            };
            self.work.spend(fields.len() / 16)?;
            if fields.iter().any(|(known, _)| known == text) {
                let message = format!("the name {:?} is there twice", &**text);
                return Err(Failure::new(code::DUPLICATE_FIELD, message).at(name));
            }
            fields.push((text.clone(), self.value(value)?.into_owned()));
        }
        Ok(Value::Map(crate::Map::of_distinct(fields)))
    }
}

fn whole_index(index: &Value<'_>) -> Option<i128> {
    match index {
        Value::Int(place) => Some(i128::from(*place)),
        Value::Uint(place) => Some(i128::from(*place)),
        Value::Double(place) if place.fract() == 0.0 => Some(*place as i128),
        _ => None,
    }
}
