//! From expressions of SQL to those of the Common Expression Language.
//!
//! SQL has a third truth beside true and false, which null leads to; there, an operation that has no value fails. The two meet
//! where it counts: a condition that is unknown, or fails, does not hold, and AND and OR pass over what fails if the other side
//! decides. Only a negation would tell them apart, so negations are moved inwards until they vanish into comparisons. Where
//! SQL looks at null itself, or puts it out, the translation asks beforehand: each value comes with the conditions under which there is
//! one, none of which can fail once those before it hold.

mod look;
mod navigation;

use look::{has_point, is_text};

use super::expression::quoted;
use super::token::{Place, fault};
use super::tree::{Expr, Kind, Sign, Symbol};
use crate::fault::{Fault, code};

/// A value, and when there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Translated {
    text: String,
    present: Vec<String>,
}

/// The event that columns are those of.
#[derive(Clone, Debug)]
pub(super) struct Row {
    text: String,
    present: Vec<String>,
}

pub(super) struct Scalar<'c> {
    pub(super) place: &'c str,
    pub(super) symbols: &'c [Symbol],
    /// The symbol that is being defined; none for measures.
    pub(super) defined: Option<String>,
}

/// Where columns are looked for.
enum Scope<'r> {
    /// Each with the last event of its symbol.
    Free,
    /// All with this one, of this symbol.
    Row(&'r Row, Option<&'r str>),
}

/// What an item of a loop is called: no symbol is, since names of symbols are looked up first.
const ITEM: &str = "row__";

impl Translated {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            present: Vec::new(),
        }
    }

    /// The value, or null.
    pub(super) fn or_null(self) -> String {
        if self.present.is_empty() {
            return self.text;
        }
        format!("{} ? {} : null", self.present.join(" && "), self.text)
    }

    /// A value that is made of others, and there if they are.
    fn of<const N: usize>(parts: [&Self; N], text: String) -> Self {
        let mut present = Vec::new();
        for part in parts {
            for condition in &part.present {
                if !present.contains(condition) {
                    present.push(condition.clone());
                }
            }
        }
        Self { text, present }
    }
}

impl Row {
    /// The first event of a match.
    pub(super) fn first() -> Self {
        Self {
            text: "matched[0]".to_owned(),
            present: Vec::new(),
        }
    }
}

impl Scalar<'_> {
    /// A condition, or its contrary, which holds if and only if it does in SQL.
    pub(super) fn condition(&self, expression: &Expr, wanted: bool) -> Result<String, Fault> {
        let sides = |operands: &[Expr; 2], sign: &str| {
            let [left, right] = operands;
            Ok(format!(
                "({} {sign} {})",
                self.condition(left, wanted)?,
                self.condition(right, wanted)?
            ))
        };
        match &expression.kind {
            Kind::Not(operand) => self.condition(operand, !wanted),
            Kind::Binary(Sign::And, operands) => sides(operands, if wanted { "&&" } else { "||" }),
            Kind::Binary(Sign::Or, operands) => sides(operands, if wanted { "||" } else { "&&" }),
            Kind::Binary(sign, operands) if sign.comparison(wanted).is_some() => {
                self.compare(*sign, operands, wanted)
            }
            Kind::IsNull(operand) => {
                let present = self.value(operand)?.present;
                let present = if present.is_empty() {
                    "true".to_owned()
                } else {
                    present.join(" && ")
                };
                Ok(if wanted {
                    format!("!({present})")
                } else {
                    format!("({present})")
                })
            }
            Kind::Between(operands) => {
                let [value, low, high] = &**operands;
                let (value, low, high) = (
                    self.value(value)?.text,
                    self.value(low)?.text,
                    self.value(high)?.text,
                );
                Ok(match wanted {
                    true => format!("({low} <= {value} && {value} <= {high})"),
                    false => format!("({value} < {low} || {high} < {value})"),
                })
            }
            Kind::In(value, items) => {
                let value = self.value(value)?.text;
                let items = items
                    .iter()
                    .map(|item| Ok(self.value(item)?.text))
                    .collect::<Result<Vec<_>, Fault>>()?;
                let list = items.join(", ");
                Ok(match wanted {
                    true => format!("({value} in [{list}])"),
                    false => format!("(!({value} in [{list}]) && {value} != null)"),
                })
            }
            Kind::Like(value, pattern) => {
                let like = self.like(expression.at, &self.value(value)?.text, pattern)?;
                Ok(if wanted { like } else { format!("!({like})") })
            }
            _ => {
                let value = self.value(expression)?.text;
                Ok(if wanted { value } else { format!("!({value})") })
            }
        }
    }

    fn compare(&self, sign: Sign, operands: &[Expr; 2], wanted: bool) -> Result<String, Fault> {
        let [left, right] = operands;
        let (one, other) = (self.value(left)?, self.value(right)?);
        let sign = sign.comparison(wanted).unwrap_or("==");
        let mut condition = format!("{} {sign} {}", one.text, other.text);
        // Everything but equality fails on null of its own accord.
        let literal = |expression: &Expr| matches!(expression.kind, Kind::Literal(_));
        let is_strict =
            !matches!(sign, "==" | "!=") || sign == "==" && (literal(left) || literal(right));
        if !is_strict {
            for (side, value) in [(left, one), (right, other)] {
                if !literal(side) {
                    condition.push_str(&format!(" && {} != null", value.text));
                }
            }
        }
        Ok(format!("({condition})"))
    }

    /// `LIKE` with `%` at its ends alone, which is what the language has words for.
    fn like(&self, at: Place, value: &str, pattern: &str) -> Result<String, Fault> {
        let inner = pattern.trim_matches('%');
        if inner.contains(['%', '_']) {
            let remedy = "have % at the ends alone, or write the pattern in stages";
            return Err(self.refuse(at, format!("LIKE '{pattern}'"), remedy));
        }
        let text = quoted(inner);
        Ok(match (pattern.starts_with('%'), pattern.ends_with('%')) {
            (true, true) => format!("{value}.contains({text})"),
            (true, false) => format!("{value}.endsWith({text})"),
            (false, true) => format!("{value}.startsWith({text})"),
            (false, false) => format!("({value} == {text})"),
        })
    }

    /// A value, wherever its columns are.
    pub(super) fn value(&self, expression: &Expr) -> Result<Translated, Fault> {
        self.translate(expression, &Scope::Free)
    }

    fn translate(&self, expression: &Expr, scope: &Scope<'_>) -> Result<Translated, Fault> {
        let at = expression.at;
        match &expression.kind {
            Kind::Column(symbol, name) => self.column_of(scope, symbol.as_deref(), name, at),
            Kind::Rows(_) => Err(self.refuse(at, "`*` outside of COUNT", "name a column")),
            Kind::Literal(text) => Ok(Translated::plain(text.clone())),
            Kind::Null => Ok(Translated {
                text: "null".to_owned(),
                present: vec!["false".to_owned()],
            }),
            Kind::Negate(operand) => {
                let operand = self.translate(operand, scope)?;
                Ok(Translated::of([&operand], format!("-({})", operand.text)))
            }
            Kind::Binary(sign, operands) => match sign.arithmetic() {
                Some(text) => self.calculate(text, operands, scope),
                None => self.truth(expression, scope),
            },
            Kind::Case(cases, otherwise) => self.case(cases, otherwise.as_deref(), scope),
            Kind::Cast(operand, wanted) => self.cast(at, operand, wanted, scope),
            Kind::Call(name, operands) => self.call(at, name, operands, scope),
            _ => self.truth(expression, scope),
        }
    }

    /// A condition as a value.
    fn truth(&self, expression: &Expr, scope: &Scope<'_>) -> Result<Translated, Fault> {
        match scope {
            Scope::Free => Ok(Translated::plain(self.condition(expression, true)?)),
            Scope::Row(..) => {
                let remedy = "say it of FIRST, LAST or the aggregate instead of inside";
                Err(self.refuse(
                    expression.at,
                    "a condition inside of FIRST, LAST or an aggregate",
                    remedy,
                ))
            }
        }
    }

    fn calculate(
        &self,
        sign: &str,
        operands: &[Expr; 2],
        scope: &Scope<'_>,
    ) -> Result<Translated, Fault> {
        let [left, right] = operands;
        let (one, other) = (self.translate(left, scope)?, self.translate(right, scope)?);
        let is_decimal = sign != "+" || !is_text(left) && !is_text(right);
        let text = if is_decimal && (has_point(left) || has_point(right)) {
            format!("(double({}) {sign} double({}))", one.text, other.text)
        } else {
            format!("({} {sign} {})", one.text, other.text)
        };
        Ok(Translated::of([&one, &other], text))
    }

    fn case(
        &self,
        cases: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        scope: &Scope<'_>,
    ) -> Result<Translated, Fault> {
        let mut text = match otherwise {
            Some(value) => self.translate(value, scope)?.or_null(),
            None => "null".to_owned(),
        };
        for (condition, value) in cases.iter().rev() {
            let condition = self.truth(condition, scope)?.text;
            let value = self.translate(value, scope)?.or_null();
            // What fails does not hold: `false` decides beside it.
            text = format!("(({condition}) ? ({value}) : ({text}))");
        }
        Ok(Translated::plain(text))
    }

    fn cast(
        &self,
        at: Place,
        operand: &Expr,
        wanted: &str,
        scope: &Scope<'_>,
    ) -> Result<Translated, Fault> {
        let function = match wanted {
            "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" => "int",
            "DOUBLE" | "FLOAT" | "REAL" => "double",
            "STRING" | "VARCHAR" | "CHAR" => "string",
            "BOOLEAN" => "bool",
            _ => {
                let message = format!("CAST to {wanted}");
                return Err(self.refuse(at, message, "cast to BIGINT, DOUBLE, STRING or BOOLEAN"));
            }
        };
        let operand = self.translate(operand, scope)?;
        Ok(Translated::of(
            [&operand],
            format!("{function}({})", operand.text),
        ))
    }

    fn call(
        &self,
        at: Place,
        name: &str,
        operands: &[Expr],
        scope: &Scope<'_>,
    ) -> Result<Translated, Fault> {
        match (name, operands) {
            ("MATCH_ROWTIME", _) => return Ok(Translated::plain("timestamp")),
            ("FIRST" | "LAST", [operand]) => return self.navigate(name, operand, 0, scope),
            ("FIRST" | "LAST", [operand, offset]) => {
                let number = match &offset.kind {
                    Kind::Literal(digits) => digits.parse::<u32>().ok(),
                    _ => None,
                };
                let wrong = || {
                    self.refuse(
                        offset.at,
                        format!("the second value of {name}"),
                        "write a whole number",
                    )
                };
                return self.navigate(name, operand, number.ok_or_else(wrong)?, scope);
            }
            ("PREV" | "NEXT", _) => {
                let remedy = "look at the events of symbols by FIRST and LAST";
                return Err(self.refuse(
                    at,
                    format!("{name} looks at events that are not of the match"),
                    remedy,
                ));
            }
            ("COUNT" | "SUM" | "AVG" | "MIN" | "MAX", [operand]) => {
                return self.aggregate(at, name, operand, scope);
            }
            ("COALESCE", [_, ..]) => return self.coalesce(operands, scope),
            _ => {}
        }
        let form: fn(&str) -> String = match (name, operands.len()) {
            ("UPPER", 1) => |text| format!("{text}.upperAscii()"),
            ("LOWER", 1) => |text| format!("{text}.lowerAscii()"),
            ("TRIM", 1) => |text| format!("{text}.trim()"),
            ("CHAR_LENGTH" | "CHARACTER_LENGTH", 1) => |text| format!("size({text})"),
            _ => {
                let message = format!("the function {name} of {} values", operands.len());
                let remedy = "use those that are listed, or write the pattern in stages";
                return Err(self.refuse(at, message, remedy));
            }
        };
        let operand = self.translate(&operands[0], scope)?;
        Ok(Translated::of([&operand], form(&operand.text)))
    }

    fn coalesce(&self, operands: &[Expr], scope: &Scope<'_>) -> Result<Translated, Fault> {
        let mut text = "null".to_owned();
        for operand in operands.iter().rev() {
            let value = self.translate(operand, scope)?;
            text = match value.present.is_empty() {
                true => value.text,
                false => format!("({} ? {} : {text})", value.present.join(" && "), value.text),
            };
        }
        Ok(Translated::plain(text))
    }

    fn column_of(
        &self,
        scope: &Scope<'_>,
        symbol: Option<&str>,
        name: &str,
        at: Place,
    ) -> Result<Translated, Fault> {
        if let Some(symbol) = symbol {
            self.require(symbol, at)?;
        }
        match scope {
            Scope::Free => self.column(&self.last(symbol, 0), name, at),
            Scope::Row(row, of) if *of == symbol => self.column(row, name, at),
            Scope::Row(..) => {
                let message = "events of more than one symbol in one FIRST, LAST or aggregate";
                Err(self.refuse(
                    at,
                    message,
                    "take a value of each symbol, and put those together",
                ))
            }
        }
    }

    /// A column of an event.
    pub(super) fn column(&self, row: &Row, name: &str, at: Place) -> Result<Translated, Fault> {
        let begins = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
        let goes_on = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if !name.starts_with(begins) || !name.chars().all(goes_on) {
            let remedy = "give the field a plain name, by the option `event` of the stage";
            return Err(self.refuse(at, format!("the column {name:?}"), remedy));
        }
        let text = format!("{}.{name}", row.text);
        let mut present = row.present.clone();
        present.push(format!("has({text})"));
        present.push(format!("{text} != null"));
        Ok(Translated { text, present })
    }

    fn require(&self, symbol: &str, at: Place) -> Result<(), Fault> {
        if self.symbols.iter().any(|known| known.name == symbol) {
            return Ok(());
        }
        let message = format!("{symbol:?} is no symbol of the pattern");
        Err(fault(
            self.place,
            at,
            code::NAME,
            message,
            "name a symbol of PATTERN, in the same letters",
        ))
    }

    fn refuse(&self, at: Place, message: impl Into<String>, remedy: &str) -> Fault {
        fault(self.place, at, code::UNSUPPORTED, message, remedy)
    }
}

impl Sign {
    /// The comparison, or its contrary.
    fn comparison(self, wanted: bool) -> Option<&'static str> {
        Some(match (self, wanted) {
            (Self::Equal, true) | (Self::NotEqual, false) => "==",
            (Self::NotEqual, true) | (Self::Equal, false) => "!=",
            (Self::Less, true) | (Self::GreaterOrEqual, false) => "<",
            (Self::LessOrEqual, true) | (Self::Greater, false) => "<=",
            (Self::Greater, true) | (Self::LessOrEqual, false) => ">",
            (Self::GreaterOrEqual, true) | (Self::Less, false) => ">=",
            _ => return None,
        })
    }

    fn arithmetic(self) -> Option<&'static str> {
        Some(match self {
            Self::Plus | Self::Join => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            _ => return None,
        })
    }
}
