//! Reading a clause.

use jackfield_sdk::Duration;

use super::token::{Place, Token, fault, tokens};
use super::tree::{Clause, Quantifier, Symbol};
use crate::definition::Skip;
use crate::fault::{Fault, code};

/// Words that stand for themselves at one place of the clause.
pub(super) struct Parser<'t> {
    place: &'t str,
    tokens: Vec<(Token, Place)>,
    pub(super) next: usize,
    pub(super) depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(place: &'t str, text: &str) -> Result<Self, Fault> {
        Ok(Self {
            place,
            tokens: tokens(place, text)?,
            next: 0,
            depth: 0,
        })
    }

    /// The whole clause.
    pub(super) fn clause(mut self) -> Result<Clause, Fault> {
        let mut clause = Clause::default();
        let is_named = self.eat("MATCH_RECOGNIZE");
        let is_enclosed = is_named || self.is("(");
        if is_enclosed {
            self.expect("(")?;
        }
        self.head(&mut clause)?;
        self.expect("PATTERN")?;
        self.expect("(")?;
        while !self.eat(")") {
            let symbol = self.symbol()?;
            clause.symbols.push(symbol);
        }
        if self.eat("WITHIN") {
            clause.within = Some(self.interval()?);
        }
        self.refuse("SUBSET", "name the symbols one by one")?;
        if self.eat("DEFINE") {
            clause.definitions = self.separated(|parser| {
                let name = parser.identifier()?;
                parser.expect("AS")?;
                Ok((name, parser.expression()?))
            })?;
        }
        if is_enclosed {
            self.expect(")")?;
            let has_alias = self.eat("AS") || matches!(self.tokens[self.next].0, Token::Word(_));
            if has_alias {
                self.identifier()?;
            }
        }
        self.eat(";");
        match self.tokens[self.next].0 {
            Token::End => Ok(clause),
            _ => Err(self.expected("the end")),
        }
    }

    /// All that stands before the pattern.
    fn head(&mut self, clause: &mut Clause) -> Result<(), Fault> {
        if self.eat("PARTITION") {
            self.expect("BY")?;
            clause.partition = self.separated(|parser| {
                let at = parser.at();
                Ok((parser.identifier()?, at))
            })?;
        }
        if self.eat("ORDER") {
            self.order()?;
        }
        if self.eat("MEASURES") {
            clause.measures = self.separated(|parser| {
                let value = parser.expression()?;
                parser.expect("AS")?;
                Ok((parser.identifier()?, value))
            })?;
        }
        self.refuse("ALL", "say ONE ROW PER MATCH; the events of a match are a list in an output of the form with stages")?;
        if self.eat("ONE") {
            ["ROW", "PER", "MATCH"]
                .iter()
                .try_for_each(|word| self.expect(word))?;
        }
        // What the standard says where nothing is said.
        clause.skip = Skip::PastLastEvent;
        if self.eat("AFTER") {
            self.expect("MATCH")?;
            self.expect("SKIP")?;
            clause.skip = self.skip()?;
        }
        Ok(())
    }

    fn order(&mut self) -> Result<(), Fault> {
        self.expect("BY")?;
        self.identifier()?;
        if self.eat(".") {
            self.identifier()?;
        }
        self.refuse(
            "DESC",
            "events are taken in the order of their times, rising",
        )?;
        self.eat("ASC");
        self.refuse(
            ",",
            "order by the event time alone: events of one time are taken in the order of arrival",
        )
    }

    fn skip(&mut self) -> Result<Skip, Fault> {
        if self.eat("PAST") {
            self.expect("LAST")?;
            self.expect("ROW")?;
            return Ok(Skip::PastLastEvent);
        }
        self.expect("TO")?;
        if self.eat("NEXT") {
            self.expect("ROW")?;
            return Ok(Skip::ToNext);
        }
        if self.eat("FIRST") {
            return Ok(Skip::ToFirst(self.identifier()?));
        }
        self.eat("LAST");
        Ok(Skip::ToLast(self.identifier()?))
    }

    fn symbol(&mut self) -> Result<Symbol, Fault> {
        let at = self.at();
        let groups = "write the pattern in stages, where a group is one";
        self.refuse("(", groups)?;
        self.refuse("|", "write a pattern for each alternative")?;
        self.refuse("^", "a stream has no beginning: leave it out")?;
        self.refuse("$", "a stream has no end: leave it out")?;
        self.refuse(
            "{",
            "an event that is not to be in the output is left out of MEASURES",
        )?;
        self.refuse("PERMUTE", "write a pattern for each order")?;
        let name = self.identifier()?;
        self.refuse("(", groups)?;
        Ok(Symbol {
            at,
            name,
            quantifier: self.quantifier()?,
        })
    }

    fn quantifier(&mut self) -> Result<Option<Quantifier>, Fault> {
        let (from, to) = if self.eat("*") {
            (0, None)
        } else if self.eat("+") {
            (1, None)
        } else if self.eat("?") {
            (0, Some(1))
        } else if self.eat("{") {
            self.range()?
        } else {
            return Ok(None);
        };
        Ok(Some(Quantifier {
            from,
            to,
            is_reluctant: self.eat("?"),
        }))
    }

    fn range(&mut self) -> Result<(u32, Option<u32>), Fault> {
        let from = match self.is(",") {
            true => 0,
            false => self.number()?,
        };
        if self.eat("}") {
            return Ok((from, Some(from)));
        }
        self.expect(",")?;
        if self.eat("}") {
            return Ok((from, None));
        }
        let to = self.number()?;
        self.expect("}")?;
        Ok((from, Some(to)))
    }

    pub(super) fn number(&mut self) -> Result<u32, Fault> {
        let Token::Number(digits) = &self.tokens[self.next].0 else {
            return Err(self.expected("a number"));
        };
        let Ok(number) = digits.parse() else {
            return Err(self.expected("a whole number below 2^32"));
        };
        self.step();
        Ok(number)
    }

    /// `INTERVAL '10' MINUTE`
    fn interval(&mut self) -> Result<Duration, Fault> {
        self.expect("INTERVAL")?;
        let at = self.at();
        let number = self.text()?;
        let unit = self.identifier()?.to_ascii_uppercase();
        self.refuse("TO", "say it in one unit, such as INTERVAL '90' SECOND")?;
        let millis = match unit.trim_end_matches('S') {
            "MILLI" | "MILLISECOND" => Some(1),
            "SECOND" => Some(1_000),
            "MINUTE" => Some(60_000),
            "HOUR" => Some(3_600_000),
            "DAY" => Some(86_400_000),
            _ => None,
        };
        let length = number.trim().parse::<i64>().ok().zip(millis);
        let length = length.and_then(|(number, millis)| number.checked_mul(millis));
        length.and_then(Duration::from_millis).ok_or_else(|| {
            let message = format!("'{number}' {unit} is no length of time");
            fault(
                self.place,
                at,
                code::SYNTAX,
                message,
                "write a positive whole number of SECOND, MINUTE, HOUR or DAY",
            )
        })
    }

    pub(super) fn identifier(&mut self) -> Result<String, Fault> {
        let (Token::Word(name) | Token::Quoted(name)) = &self.tokens[self.next].0 else {
            return Err(self.expected("a name"));
        };
        let name = name.clone();
        self.step();
        Ok(name)
    }

    /// A text in quotes.
    pub(super) fn text(&mut self) -> Result<String, Fault> {
        let Token::Text(text) = &self.tokens[self.next].0 else {
            return Err(self.expected("a text in quotes"));
        };
        let text = text.clone();
        self.step();
        Ok(text)
    }

    pub(super) fn separated<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut items = vec![read(self)?];
        while self.eat(",") {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Whether this word, in capitals, or sign is next.
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches(&self.tokens[self.next].0, wanted)
    }

    /// Whether it comes after the next.
    pub(super) fn follows(&self, wanted: &str) -> bool {
        let token = self.tokens.get(self.next + 1);
        token.is_some_and(|(token, _)| matches(token, wanted))
    }

    pub(super) fn eat(&mut self, wanted: &str) -> bool {
        let is_next = self.is(wanted);
        if is_next {
            self.step();
        }
        is_next
    }

    pub(super) fn expect(&mut self, wanted: &str) -> Result<(), Fault> {
        if self.eat(wanted) {
            Ok(())
        } else {
            Err(self.expected(wanted))
        }
    }

    /// The next word; the end is never passed.
    pub(super) fn step(&mut self) -> Token {
        let token = self.tokens[self.next].0.clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn at(&self) -> Place {
        self.tokens[self.next].1
    }

    fn refuse(&self, word: &str, remedy: &str) -> Result<(), Fault> {
        if !self.is(word) {
            return Ok(());
        }
        Err(self.fault(
            code::UNSUPPORTED,
            format!("`{word}` is not understood here"),
            remedy,
        ))
    }

    pub(super) fn fault(
        &self,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        fault(self.place, self.at(), code, message, remedy)
    }

    pub(super) fn expected(&self, wanted: &str) -> Fault {
        let found = match &self.tokens[self.next].0 {
            Token::Word(word) | Token::Quoted(word) | Token::Number(word) => format!("`{word}`"),
            Token::Text(text) => format!("the text '{text}'"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        };
        let remedy = format!("write {wanted} here");
        self.fault(
            code::SYNTAX,
            format!("found {found}, expected {wanted}"),
            remedy,
        )
    }
}

fn matches(token: &Token, wanted: &str) -> bool {
    match token {
        Token::Word(word) => word.eq_ignore_ascii_case(wanted),
        Token::Sign(sign) => *sign == wanted,
        _ => false,
    }
}
