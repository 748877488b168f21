//! Reading expressions, by precedence climbing (Clarke, The top-down parsing of expressions, 1986).

use super::parser::Parser;
use super::token::Token;
use super::tree::{Expr, Kind, Sign};
use crate::fault::{Fault, code};

/// How deep expressions may be nested.
const DEEPEST: usize = 48;
/// What binds tighter than comparisons.
const SUM: u8 = 5;

/// The operators between two values, and how tightly they bind.
const BINARY: [(&str, Sign, u8); 15] = [
    ("OR", Sign::Or, 1),
    ("AND", Sign::And, 2),
    ("=", Sign::Equal, 4),
    ("<>", Sign::NotEqual, 4),
    ("!=", Sign::NotEqual, 4),
    ("<", Sign::Less, 4),
    ("<=", Sign::LessOrEqual, 4),
    (">", Sign::Greater, 4),
    (">=", Sign::GreaterOrEqual, 4),
    ("+", Sign::Plus, SUM),
    ("-", Sign::Minus, SUM),
    ("||", Sign::Join, SUM),
    ("*", Sign::Times, 6),
    ("/", Sign::Divide, 6),
    ("%", Sign::Remainder, 6),
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr, Fault> {
        self.binding(1)
    }

    /// An expression of operators that bind at least so tightly.
    fn binding(&mut self, least: u8) -> Result<Expr, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let message = format!("the expression is nested more than {DEEPEST} deep");
            return Err(self.fault(code::SYNTAX, message, "take it apart"));
        }
        let mut left = self.prefix(least)?;
        while let Some((sign, strength)) =
            self.operator().filter(|(_, strength)| *strength >= least)
        {
            self.step();
            let right = self.binding(strength + 1)?;
            let at = left.at;
            let kind = Kind::Binary(sign, Box::new([left, right]));
            left = Expr { at, kind };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(Sign, u8)> {
        let known = BINARY.iter().find(|(name, ..)| self.is(name))?;
        Some((known.1, known.2))
    }

    fn prefix(&mut self, least: u8) -> Result<Expr, Fault> {
        let at = self.at();
        if self.eat("NOT") {
            let operand = self.binding(3)?;
            let kind = Kind::Not(Box::new(operand));
            return Ok(Expr { at, kind });
        }
        if self.eat("-") {
            let operand = self.binding(7)?;
            let kind = Kind::Negate(Box::new(operand));
            return Ok(Expr { at, kind });
        }
        self.eat("+");
        let mut operand = self.primary()?;
        // Sums on the left of a predicate belong to it.
        if least <= 4 {
            while let Some((sign, strength)) =
                self.operator().filter(|(_, strength)| *strength >= SUM)
            {
                self.step();
                let right = self.binding(strength + 1)?;
                let kind = Kind::Binary(sign, Box::new([operand, right]));
                operand = Expr { at, kind };
            }
            operand = self.predicates(operand)?;
        }
        Ok(operand)
    }

    /// `IS NULL`, `BETWEEN`, `IN` and `LIKE` behind a value.
    fn predicates(&mut self, operand: Expr) -> Result<Expr, Fault> {
        let at = operand.at;
        if self.eat("IS") {
            let is_not = self.eat("NOT");
            self.expect("NULL")?;
            let kind = Kind::IsNull(Box::new(operand));
            return Ok(negated_if(is_not, Expr { at, kind }));
        }
        let is_not = self.is("NOT")
            && ["BETWEEN", "IN", "LIKE"]
                .iter()
                .any(|word| self.follows(word));
        if is_not {
            self.step();
        }
        let kind = if self.eat("BETWEEN") {
            let low = self.binding(SUM)?;
            self.expect("AND")?;
            Kind::Between(Box::new([operand, low, self.binding(SUM)?]))
        } else if self.eat("IN") {
            self.expect("(")?;
            let items = self.separated(Self::expression)?;
            self.expect(")")?;
            Kind::In(Box::new(operand), items)
        } else if self.eat("LIKE") {
            Kind::Like(Box::new(operand), self.text()?)
        } else {
            return Ok(operand);
        };
        Ok(negated_if(is_not, Expr { at, kind }))
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        if self.eat("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.eat("CASE") {
            return self.case(at);
        }
        let before = self.next;
        let kind = match self.step() {
            Token::Number(number) => Kind::Literal(number),
            Token::Text(text) => Kind::Literal(quoted(&text)),
            Token::Sign("*") => Kind::Rows(None),
            Token::Quoted(name) => self.name(name)?,
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "NULL" => Kind::Null,
                "TRUE" => Kind::Literal("true".to_owned()),
                "FALSE" => Kind::Literal("false".to_owned()),
                "RUNNING" | "FINAL" => {
                    self.next = before;
                    let remedy = "leave the word out: DEFINE is running, MEASURES are final";
                    return Err(self.fault(code::UNSUPPORTED, format!("`{word}`"), remedy));
                }
                capitals if self.is("(") => self.call(capitals)?,
                _ => self.name(word)?,
            },
            _ => {
                self.next = before;
                return Err(self.expected("a value"));
            }
        };
        Ok(Expr { at, kind })
    }

    /// A column, or all rows of a symbol.
    fn name(&mut self, first: String) -> Result<Kind, Fault> {
        if !self.eat(".") {
            return Ok(Kind::Column(None, first));
        }
        if self.eat("*") {
            return Ok(Kind::Rows(Some(first)));
        }
        Ok(Kind::Column(Some(first), self.identifier()?))
    }

    fn call(&mut self, name: &str) -> Result<Kind, Fault> {
        self.expect("(")?;
        if self.is("DISTINCT") {
            let remedy = "leave it out; Flink does not have it in MATCH_RECOGNIZE either";
            return Err(self.fault(code::UNSUPPORTED, "an aggregate of DISTINCT values", remedy));
        }
        if self.eat(")") {
            return Ok(Kind::Call(name.to_owned(), Vec::new()));
        }
        if name == "CAST" {
            let operand = self.expression()?;
            self.expect("AS")?;
            let wanted = self.identifier()?.to_ascii_uppercase();
            self.expect(")")?;
            return Ok(Kind::Cast(Box::new(operand), wanted));
        }
        let operands = self.separated(Self::expression)?;
        self.expect(")")?;
        Ok(Kind::Call(name.to_owned(), operands))
    }

    fn case(&mut self, at: super::token::Place) -> Result<Expr, Fault> {
        let mut cases = Vec::new();
        while self.eat("WHEN") {
            let condition = self.expression()?;
            self.expect("THEN")?;
            cases.push((condition, self.expression()?));
        }
        if cases.is_empty() {
            return Err(self.expected("WHEN"));
        }
        let otherwise = match self.eat("ELSE") {
            true => Some(Box::new(self.expression()?)),
            false => None,
        };
        self.expect("END")?;
        let kind = Kind::Case(cases, otherwise);
        Ok(Expr { at, kind })
    }
}

fn negated_if(is_not: bool, expression: Expr) -> Expr {
    if !is_not {
        return expression;
    }
    Expr {
        at: expression.at,
        kind: Kind::Not(Box::new(expression)),
    }
}

/// Text as the language has it that expressions are translated to.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}
