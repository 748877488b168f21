//! From what `cel` has parsed to what is evaluated here.

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, MapExpr, SourceInfo, operators,
};

use super::{Arithmetic, CallForm, Comparison, FUNCTIONS, Loop, Node, Operation, Step};
use crate::{Names, Type, Value};

/// How deep operations may be nested: each level takes room on the stack.
const DEEPEST: usize = 64;

/// What is wrong, and where.
pub(crate) struct Fault {
    pub(crate) offset: u32,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

/// What names mean at one place of the expression.
#[derive(Clone)]
struct Scope<'a> {
    names: &'a Names,
    source: &'a SourceInfo,
    /// Of the loops around, the innermost last.
    items: Vec<&'a str>,
    depth: usize,
}

/// Looks up all names of an expression.
pub(crate) fn lower(
    expression: &IdedExpr,
    source: &SourceInfo,
    names: &Names,
) -> Result<Node, Fault> {
    let scope = Scope {
        names,
        source,
        items: Vec::new(),
        depth: 0,
    };
    scope.node(expression)
}

impl<'a> Scope<'a> {
    fn fault<T>(
        &self,
        id: u64,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Result<T, Fault> {
        Err(Fault {
            offset: self.offset(id),
            message: message.into(),
            remedy: remedy.into(),
        })
    }

    fn offset(&self, id: u64) -> u32 {
        self.source.offset_for(id).map_or(0, |(start, _)| start)
    }

    fn node(&self, expression: &'a IdedExpr) -> Result<Node, Fault> {
        if self.depth == DEEPEST {
            let message = format!("operations are nested more than {DEEPEST} deep");
            return self.fault(expression.id, message, "take the expression apart");
        }
        let inner = Self {
            depth: self.depth + 1,
            ..self.clone()
        };
        Ok(Node {
            offset: self.offset(expression.id),
            operation: inner.operation(expression)?,
        })
    }

    fn boxed(&self, expression: &'a IdedExpr) -> Result<Box<Node>, Fault> {
        self.node(expression).map(Box::new)
    }

    fn nodes(&self, expressions: &'a [IdedExpr]) -> Result<Vec<Node>, Fault> {
        expressions
            .iter()
            .map(|expression| self.node(expression))
            .collect()
    }

    fn operation(&self, expression: &'a IdedExpr) -> Result<Operation, Fault> {
        let id = expression.id;
        match &expression.expr {
            Expr::Literal(literal) => match value_of(literal) {
                Some(value) => Ok(Operation::Literal(value)),
                None => self.fault(
                    id,
                    "bytes are not known here",
                    "write text, without the b before it",
                ),
            },
            Expr::Ident(name) => self.variable(id, name),
            Expr::Select(select) => {
                let operand = self.boxed(&select.operand)?;
                let field = select.field.as_str().into();
                Ok(if select.test {
                    Operation::Has(operand, field)
                } else {
                    Operation::Field(operand, field)
                })
            }
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) if list.optional_indices.is_empty() => {
                Ok(Operation::List(self.nodes(&list.elements)?.into()))
            }
            Expr::Map(map) => self.map(id, map),
            Expr::Comprehension(comprehension) => self.repeated(id, comprehension),
            Expr::List(_) | Expr::Struct(_) | Expr::Unspecified => self.fault(
                id,
                "optional values and messages are not known here",
                "write a map: {'field': value}",
            ),
        }
    }

    fn variable(&self, id: u64, name: &str) -> Result<Operation, Fault> {
        if let Some(around) = self.items.iter().rev().position(|item| *item == name) {
            return Ok(Operation::Item(around));
        }
        if let Some(place) = self.names.place(name) {
            return Ok(Operation::Variable(place));
        }
        match Type::ALL.into_iter().find(|known| known.name() == name) {
            Some(known) => Ok(Operation::Literal(Value::Type(known))),
            None => {
                let message = format!("there is no variable {name:?}");
                let quoted = format!("{}; text stands in quotes: '{name}'", self.names.listed());
                self.fault(id, message, quoted)
            }
        }
    }

    fn map(&self, id: u64, map: &'a MapExpr) -> Result<Operation, Fault> {
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                return self.fault(
                    id,
                    "messages are not known here",
                    "write a map: {'field': value}",
                );
            };
            if entry.optional {
                return self.fault(id, "optional entries are not known here", "leave the ? out");
            }
            entries.push((self.node(&entry.key)?, self.node(&entry.value)?));
        }
        Ok(Operation::Map(entries.into()))
    }

    fn call(&self, id: u64, call: &'a CallExpr) -> Result<Operation, Fault> {
        match (&call.target, call.args.as_slice()) {
            (None, [operand]) if call.func_name == operators::LOGICAL_NOT => {
                Ok(Operation::Not(self.boxed(operand)?))
            }
            (None, [operand]) if call.func_name == operators::NEGATE => {
                Ok(Operation::Negate(self.boxed(operand)?))
            }
            (None, [one, other]) => match binary(&call.func_name) {
                Some(operation) => Ok(operation(Box::new([self.node(one)?, self.node(other)?]))),
                None => self.function(id, call),
            },
            (None, [condition, one, other]) if call.func_name == operators::CONDITIONAL => {
                let operands = [self.node(condition)?, self.node(one)?, self.node(other)?];
                Ok(Operation::Conditional(Box::new(operands)))
            }
            _ => self.function(id, call),
        }
    }

    fn function(&self, id: u64, call: &'a CallExpr) -> Result<Operation, Fault> {
        let name = call.func_name.as_str();
        let Some((_, form, count, function)) = FUNCTIONS.iter().find(|known| known.0 == name)
        else {
            return self.unknown_function(id, name);
        };
        let form_fits = match call.target {
            Some(_) => *form != CallForm::Global,
            None => *form != CallForm::Method,
        };
        if !form_fits || call.args.len() + usize::from(call.target.is_some()) != *count {
            let others = vec!["…"; *count - 1].join(", ");
            let right = match form {
                CallForm::Global => format!("{name}(…)"),
                CallForm::Method | CallForm::Either => format!("value.{name}({others})"),
            };
            return self.fault(
                id,
                format!("{name} is not called like this"),
                format!("write {right}"),
            );
        }
        let mut operands = Vec::with_capacity(*count);
        if let Some(target) = &call.target {
            operands.push(self.node(target)?);
        }
        operands.extend(self.nodes(&call.args)?);
        Ok(Operation::Call(*function, operands.into()))
    }

    fn unknown_function<T>(&self, id: u64, name: &str) -> Result<T, Fault> {
        let message = format!("there is no function {name:?}");
        let remedy = match name {
            "matches" => {
                "there are no regular expressions here: use contains, startsWith or endsWith"
                    .to_owned()
            }
            "timestamp" | "duration" => {
                "times are whole numbers of milliseconds: compare and subtract them as they are"
                    .to_owned()
            }
            "all" | "exists" | "exists_one" | "map" | "filter" | "has" => {
                "loops are written list.all(x, condition), presence has(record.field)".to_owned()
            }
            _ => {
                let names: Vec<&str> = FUNCTIONS.iter().map(|known| known.0).collect();
                format!("there are {}", names.join(", "))
            }
        };
        self.fault(id, message, remedy)
    }

    /// A loop, recognised by the forms that the macros of `cel` expand to; nothing else makes one.
    fn repeated(&self, id: u64, comprehension: &'a ComprehensionExpr) -> Result<Operation, Fault> {
        let mut inner = self.clone();
        inner.items.push(&comprehension.iter_var);
        let is_result = |node: &IdedExpr| matches!(&node.expr, Expr::Ident(name) if *name == comprehension.accu_var);
        let step = match arguments(&comprehension.loop_step) {
            Some((operators::LOGICAL_AND, [result, condition])) if is_result(result) => {
                Step::All(inner.node(condition)?)
            }
            Some((operators::LOGICAL_OR, [result, condition])) if is_result(result) => {
                Step::Exists(inner.node(condition)?)
            }
            Some((operators::CONDITIONAL, [condition, then, _])) => match appended(then) {
                Some(item) => Step::Collect {
                    condition: Some(inner.node(condition)?),
                    item: inner.node(item)?,
                },
                None => Step::ExistsOne(inner.node(condition)?),
            },
            _ => match appended(&comprehension.loop_step) {
                Some(item) => Step::Collect {
                    condition: None,
                    item: inner.node(item)?,
                },
                None => {
                    return self.fault(
                        id,
                        "this loop is not known here",
                        "use all, exists, exists_one, map or filter",
                    );
                }
            },
        };
        let range = self.node(&comprehension.iter_range)?;
        Ok(Operation::Loop(Box::new(Loop { range, step })))
    }
}

/// Name and arguments of a call.
fn arguments(expression: &IdedExpr) -> Option<(&str, &[IdedExpr])> {
    match &expression.expr {
        Expr::Call(call) if call.target.is_none() => Some((&call.func_name, &call.args)),
        _ => None,
    }
}

/// What a step appends to its list: the result of `@result + [item]`.
fn appended(step: &IdedExpr) -> Option<&IdedExpr> {
    match arguments(step)? {
        (operators::ADD, [_, added]) => match &added.expr {
            Expr::List(list) => list.elements.first(),
            _ => None,
        },
        _ => None,
    }
}

fn value_of(literal: &LiteralValue) -> Option<Value<'static>> {
    Some(match literal {
        LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
        LiteralValue::Int(value) => Value::Int(*value.inner()),
        LiteralValue::UInt(value) => Value::Uint(*value.inner()),
        LiteralValue::Double(value) => Value::Double(*value.inner()),
        LiteralValue::String(value) => Value::owned_text(value.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::Bytes(_) => return None,
    })
}

/// Makes an operation of two operands.
type Binary = fn(Box<[Node; 2]>) -> Operation;

fn binary(name: &str) -> Option<Binary> {
    Some(match name {
        operators::LOGICAL_AND => Operation::And,
        operators::LOGICAL_OR => Operation::Or,
        operators::INDEX => Operation::Index,
        operators::IN => Operation::In,
        operators::EQUALS => |operands| Operation::Compare(Comparison::Equal, operands),
        operators::NOT_EQUALS => |operands| Operation::Compare(Comparison::NotEqual, operands),
        operators::LESS => |operands| Operation::Compare(Comparison::Less, operands),
        operators::LESS_EQUALS => |operands| Operation::Compare(Comparison::LessOrEqual, operands),
        operators::GREATER => |operands| Operation::Compare(Comparison::Greater, operands),
        operators::GREATER_EQUALS => {
            |operands| Operation::Compare(Comparison::GreaterOrEqual, operands)
        }
        operators::ADD => |operands| Operation::Calculate(Arithmetic::Add, operands),
        operators::SUBSTRACT => |operands| Operation::Calculate(Arithmetic::Subtract, operands),
        operators::MULTIPLY => |operands| Operation::Calculate(Arithmetic::Multiply, operands),
        operators::DIVIDE => |operands| Operation::Calculate(Arithmetic::Divide, operands),
        operators::MODULO => |operands| Operation::Calculate(Arithmetic::Remainder, operands),
        _ => return None,
    })
}
