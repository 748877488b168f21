//! An expression with all its names looked up.

mod lower;

pub(crate) use lower::lower;

use crate::{Type, Value};

/// One operation, and where it stands in the text.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Bytes from the beginning of the text.
    pub(crate) offset: u32,
    pub(crate) operation: Operation,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Literal(Value<'static>),
    /// By its place among the variables.
    Variable(usize),
    /// What a loop goes through: that of the innermost one is 0.
    Item(usize),
    Field(Box<Node>, Box<str>),
    Has(Box<Node>, Box<str>),
    Index(Box<[Node; 2]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Conditional(Box<[Node; 3]>),
    Compare(Comparison, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    Calculate(Arithmetic, Box<[Node; 2]>),
    Call(Function, Box<[Node]>),
    List(Box<[Node]>),
    Map(Box<[(Node, Node)]>),
    Loop(Box<Loop>),
}

/// What the macros of the language become.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) range: Node,
    pub(crate) step: Step,
}

/// What a loop does with each item.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    Collect { condition: Option<Node>, item: Node },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Comparison {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Convert(Type),
    TypeOf,
    Dynamic,
    Sum,
    Min,
    Max,
    Average,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallForm {
    /// `f(x)`
    Global,
    /// `x.f()`
    Method,
    Either,
}

/// Name, form, and how many arguments there are with the receiver.
pub(crate) const FUNCTIONS: [(&str, CallForm, usize, Function); 18] = [
    ("size", CallForm::Either, 1, Function::Size),
    ("contains", CallForm::Method, 2, Function::Contains),
    ("startsWith", CallForm::Method, 2, Function::StartsWith),
    ("endsWith", CallForm::Method, 2, Function::EndsWith),
    ("lowerAscii", CallForm::Method, 1, Function::LowerAscii),
    ("upperAscii", CallForm::Method, 1, Function::UpperAscii),
    ("trim", CallForm::Method, 1, Function::Trim),
    ("int", CallForm::Global, 1, Function::Convert(Type::Int)),
    ("uint", CallForm::Global, 1, Function::Convert(Type::Uint)),
    (
        "double",
        CallForm::Global,
        1,
        Function::Convert(Type::Double),
    ),
    ("string", CallForm::Global, 1, Function::Convert(Type::Text)),
    ("bool", CallForm::Global, 1, Function::Convert(Type::Bool)),
    ("type", CallForm::Global, 1, Function::TypeOf),
    ("dyn", CallForm::Global, 1, Function::Dynamic),
    ("sum", CallForm::Method, 1, Function::Sum),
    ("min", CallForm::Method, 1, Function::Min),
    ("max", CallForm::Method, 1, Function::Max),
    ("average", CallForm::Method, 1, Function::Average),
];

impl Function {
    pub(crate) fn name(self) -> &'static str {
        let entry = FUNCTIONS.iter().find(|entry| entry.3 == self);
        entry.map_or("", |entry| entry.0)
    }
}

impl Node {
    /// The nodes that this one works on.
    fn operands(&self) -> Vec<&Self> {
        match &self.operation {
            Operation::Literal(_) | Operation::Variable(_) | Operation::Item(_) => Vec::new(),
            Operation::Field(operand, _)
            | Operation::Has(operand, _)
            | Operation::Not(operand)
            | Operation::Negate(operand) => vec![operand],
            Operation::Index(operands)
            | Operation::And(operands)
            | Operation::Or(operands)
            | Operation::Compare(_, operands)
            | Operation::In(operands)
            | Operation::Calculate(_, operands) => operands.iter().collect(),
            Operation::Conditional(operands) => operands.iter().collect(),
            Operation::Call(_, operands) | Operation::List(operands) => operands.iter().collect(),
            Operation::Map(entries) => entries
                .iter()
                .flat_map(|(name, value)| [name, value])
                .collect(),
            Operation::Loop(repeated) => {
                let mut operands = vec![&repeated.range];
                match &repeated.step {
                    Step::All(node) | Step::Exists(node) | Step::ExistsOne(node) => {
                        operands.push(node);
                    }
                    Step::Collect { condition, item } => {
                        operands.extend(condition);
                        operands.push(item);
                    }
                }
                operands
            }
        }
    }

    /// Calls `found` for each use of variable `place`: with the field that is read of it, or without where the whole is needed.
    pub(crate) fn uses<'n>(&'n self, place: usize, found: &mut impl FnMut(Option<&'n str>)) {
        match &self.operation {
            Operation::Variable(variable) if *variable == place => found(None),
            Operation::Field(operand, field) | Operation::Has(operand, field) if matches!(operand.operation, Operation::Variable(variable) if variable == place) =>
            {
                found(Some(field));
            }
            _ => {
                for operand in self.operands() {
                    operand.uses(place, found);
                }
            }
        }
    }
}
