//! Loops.

use super::{Environment, Failure, Item};
use crate::Value;
use crate::program::{Loop, Node, Step};

impl<'s, 'v> Environment<'s, 'v> {
    pub(super) fn repeat(self, repeated: &'s Loop) -> Result<Value<'v>, Failure> {
        let range = self.value(&repeated.range)?;
        match &*range {
            Value::List(items) => self.each(items.iter(), &repeated.step),
            Value::Map(fields) => {
                self.work.spend(fields.len())?;
                let names: Vec<Value<'v>> = fields
                    .iter()
                    .map(|(name, _)| Value::Text(name.clone()))
                    .collect();
                self.each(names.iter(), &repeated.step)
            }
            other => {
                let message = format!(
                    "a loop goes through a list or the names of a map, not through a value of type {}",
                    other.type_of()
                );
                Err(Failure::wrong_type(message).at(&repeated.range))
            }
        }
    }

    fn each<'i>(
        self,
        items: impl Iterator<Item = &'i Value<'v>>,
        step: &'i Step,
    ) -> Result<Value<'v>, Failure>
    where
        's: 'i,
        'v: 'i,
    {
        match step {
            Step::All(condition) => self.decisive(items, condition, false),
            Step::Exists(condition) => self.decisive(items, condition, true),
            Step::ExistsOne(condition) => {
                let mut found = 0_u64;
                for item in items {
                    found += u64::from(self.of_item(item, |inner| inner.truth(condition))?);
                }
                Ok(Value::Bool(found == 1))
            }
            Step::Collect {
                condition,
                item: made,
            } => {
                let mut list = Vec::new();
                for item in items {
                    let chosen = match condition {
                        Some(condition) => self.of_item(item, |inner| inner.truth(condition))?,
                        None => true,
                    };
                    if chosen {
                        list.push(self.of_item(item, |inner| {
                            inner.value(made).map(|value| value.into_owned())
                        })?);
                    }
                }
                Ok(Value::list(list))
            }
        }
    }

    /// `all`, which one `false` decides, or `exists`, which one `true` decides, even if the condition fails for other items.
    fn decisive<'i>(
        self,
        items: impl Iterator<Item = &'i Value<'v>>,
        condition: &'i Node,
        decisive: bool,
    ) -> Result<Value<'v>, Failure>
    where
        's: 'i,
        'v: 'i,
    {
        let mut failed = None;
        for item in items {
            match self.of_item(item, |inner| inner.truth(condition)) {
                Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(failure) if failure.is_final() => return Err(failure),
                Err(failure) => failed = Some(failure),
            }
        }
        failed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    /// Evaluates with an item of a loop.
    fn of_item<'i, T>(
        self,
        value: &'i Value<'v>,
        evaluate: impl FnOnce(Environment<'_, 'v>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.work.spend(1)?;
        let item = Item {
            value,
            around: self.item,
        };
        evaluate(Environment {
            variables: self.variables,
            work: self.work,
            item: Some(&item),
        })
    }
}
