//! Compiled expressions.

use std::collections::BTreeSet;

use cel::Env;
use thiserror::Error;

use crate::evaluate::{Environment, Failure, Work};
use crate::program::{Node, lower};
use crate::refusal::code;
use crate::{Names, Refusal, Value};

/// The longest text of an expression, in bytes.
pub const LONGEST_TEXT: usize = 4096;

/// An expression, compiled once and evaluated for each record.
#[derive(Clone, Debug)]
pub struct Expression {
    name: String,
    text: String,
    root: Node,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: line {line}, column {column}: {message}; {remedy}")]
pub struct CompileError {
    /// What the expression is for.
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What was found.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Expression {
    /// Compiles `text`; `name` says in messages what it is for.
    ///
    /// # Errors
    /// If the text is not of the language, or names what is not there.
    pub fn compile(name: &str, text: &str, names: &Names) -> Result<Self, CompileError> {
        let error = |(line, column), message: String, remedy: String| CompileError {
            name: name.to_owned(),
            line,
            column,
            message,
            remedy,
        };
        if text.len() > LONGEST_TEXT {
            let message = format!(
                "the expression has {} bytes, and at most {LONGEST_TEXT} are taken",
                text.len()
            );
            return Err(error((1, 1), message, "take it apart".to_owned()));
        }
        let program = Env::stdlib().compile(text).map_err(|errors| {
            let Some(first) = errors.errors.first() else {
                return error((1, 1), "it cannot be read".to_owned(), remedy_of_syntax());
            };
            let place = |number: isize| usize::try_from(number).unwrap_or(0).max(1);
            // Of what the parser says, the first line is for people.
            let message = first.msg.lines().next().unwrap_or_default().to_owned();
            error(
                (place(first.pos.0), place(first.pos.1)),
                message,
                remedy_of_syntax(),
            )
        })?;
        match lower(program.expression(), program.source_info(), names) {
            Ok(root) => Ok(Self {
                name: name.to_owned(),
                text: text.to_owned(),
                root,
            }),
            Err(fault) => Err(error(
                place_of(text, fault.offset),
                fault.message,
                fault.remedy,
            )),
        }
    }

    /// The text that it was compiled from.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// Whether the variable in this place is needed.
    pub fn uses(&self, place: usize) -> bool {
        let mut used = false;
        self.root.uses(place, &mut |_| used = true);
        used
    }

    /// Which fields of the variable in this place are read; none if the whole of it is needed.
    pub fn fields_of(&self, place: usize) -> Option<BTreeSet<&str>> {
        let mut fields = Some(BTreeSet::new());
        self.root
            .uses(place, &mut |field| match (field, &mut fields) {
                (Some(field), Some(fields)) => {
                    fields.insert(field);
                }
                _ => fields = None,
            });
        fields
    }

    /// Its value with these variables, in the order of the names that it was compiled with. What it does not
    /// [use](Self::uses) can be anything.
    ///
    /// # Errors
    /// Any [`code`], with the place in the expression.
    pub fn evaluate<'v>(&self, variables: &[Value<'v>]) -> Result<Value<'v>, Refusal> {
        let work = Work::full();
        let evaluated = Environment::new(variables, &work).value(&self.root);
        evaluated
            .map(|value| value.into_owned())
            .map_err(|failure| self.refuse(&failure))
    }

    /// Whether it holds with these variables.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate); also `wrong-type` if it is neither true nor false.
    pub fn holds(&self, variables: &[Value<'_>]) -> Result<bool, Refusal> {
        let work = Work::full();
        Environment::new(variables, &work)
            .truth(&self.root)
            .map_err(|failure| self.refuse(&failure))
    }

    /// Its value as a time, milliseconds since the Unix epoch; none if it is null.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate); also `wrong-type` if it is no whole number, and `invalid-value` if that is no time.
    pub fn time(&self, variables: &[Value<'_>]) -> Result<Option<i64>, Refusal> {
        match self.evaluate(variables)? {
            Value::Null => Ok(None),
            // The least number stands for no time.
            Value::Int(time) if time > i64::MIN => Ok(Some(time)),
            Value::Int(time) => {
                let message = format!("{}: {time} is no time", self.name);
                Err(Refusal::new(code::INVALID_VALUE, message))
            }
            other => {
                let message = format!(
                    "{}: a value of type {}, where a time is expected: a whole number of milliseconds since 1970",
                    self.name,
                    other.type_of()
                );
                Err(Refusal::new(code::WRONG_TYPE, message))
            }
        }
    }

    /// Writes its value to `key`, as a key has it: text as it is, anything else as JSON.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate); also `wrong-type` if it is null.
    pub fn key(&self, variables: &[Value<'_>], key: &mut Vec<u8>) -> Result<(), Refusal> {
        let work = Work::full();
        key.clear();
        let evaluated = Environment::new(variables, &work).value(&self.root);
        let written = evaluated.and_then(|value| match &*value {
            Value::Text(text) => {
                key.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Value::Null => Err(Failure::new(code::WRONG_TYPE, "null is no key")),
            other => crate::value::write_json(other, key, &work),
        });
        written.map_err(|failure| self.refuse(&failure))
    }

    pub(crate) fn write_json(
        &self,
        variables: &[Value<'_>],
        work: &Work,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let evaluated = Environment::new(variables, work).value(&self.root);
        evaluated
            .and_then(|value| crate::value::write_json(&value, out, work))
            .map_err(|failure| self.refuse(&failure))
    }

    #[cold]
    fn refuse(&self, failure: &Failure) -> Refusal {
        let (line, column) = place_of(&self.text, failure.offset());
        let message = format!(
            "{}: line {line}, column {column}: {}",
            self.name,
            failure.message()
        );
        Refusal::new(failure.code(), message)
    }
}

fn remedy_of_syntax() -> String {
    "write an expression of CEL, such as record.amount > 100 && record.status == 'DONE'".to_owned()
}

/// Line and column of an offset in bytes; both from 1, the column in characters.
fn place_of(text: &str, offset: u32) -> (usize, usize) {
    let before = text
        .char_indices()
        .take_while(|(at, _)| *at < offset as usize);
    before.fold((1, 1), |(line, column), (_, letter)| match letter {
        '\n' => (line + 1, 1),
        _ => (line, column + 1),
    })
}
