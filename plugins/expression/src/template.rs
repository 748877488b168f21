//! Templates for what comes out.

use serde_json::Value as Json;

use crate::evaluate::Work;
use crate::{CompileError, Expression, Names, Refusal, Value};

/// A record to be written as JSON: tables, lists, numbers and true and false stand for themselves, and **every text is an
/// expression**. Text that is to come out as it stands is quoted in the expression: `"'ALERT'"`.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
    /// Behind the last part.
    end: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Part {
    /// What stands before the value.
    before: Vec<u8>,
    value: Expression,
}

impl Template {
    /// Compiles a template; `name` says in messages what it is for.
    ///
    /// # Errors
    /// What is wrong with one of its expressions, named by its place in the template.
    pub fn compile(name: &str, template: &Json, names: &Names) -> Result<Self, CompileError> {
        let mut compiled = Self {
            parts: Vec::new(),
            end: Vec::new(),
        };
        compiled.add(name, template, names)?;
        Ok(compiled)
    }

    fn add(&mut self, name: &str, template: &Json, names: &Names) -> Result<(), CompileError> {
        match template {
            Json::String(text) => {
                let value = Expression::compile(name, text, names)?;
                let before = std::mem::take(&mut self.end);
                self.parts.push(Part { before, value });
            }
            Json::Array(items) => {
                self.end.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.end.push(b',');
                    }
                    self.add(&format!("{name}[{place}]"), item, names)?;
                }
                self.end.push(b']');
            }
            Json::Object(fields) => {
                self.end.push(b'{');
                for (place, (field, value)) in fields.iter().enumerate() {
                    if place > 0 {
                        self.end.push(b',');
                    }
                    self.end
                        .extend_from_slice(Json::from(field.as_str()).to_string().as_bytes());
                    self.end.push(b':');
                    self.add(&format!("{name}.{field}"), value, names)?;
                }
                self.end.push(b'}');
            }
            plain => self.end.extend_from_slice(plain.to_string().as_bytes()),
        }
        Ok(())
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().map(|part| &part.value)
    }

    /// Appends the record to `out`, as JSON.
    ///
    /// # Errors
    /// As [`Expression::evaluate`]; all its expressions together may take [`WORK_LIMIT`](crate::WORK_LIMIT) steps. What was
    /// appended till then is to be dropped.
    pub fn write(&self, variables: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let work = Work::full();
        for part in &self.parts {
            out.extend_from_slice(&part.before);
            part.value.write_json(variables, &work, out)?;
        }
        out.extend_from_slice(&self.end);
        Ok(())
    }
}
