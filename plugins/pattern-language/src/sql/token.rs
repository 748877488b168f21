//! The words of a clause, with their places.

use crate::fault::{Fault, code};

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    line: usize,
    column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or a name.
    Word(String),
    /// A name in quotes, never a keyword.
    Quoted(String),
    Number(String),
    Text(String),
    /// One or two characters.
    Sign(&'static str),
    End,
}

/// Two characters before the one that they begin with.
const SIGNS: [&str; 25] = [
    "<>", "!=", "<=", ">=", "||", "(", ")", ",", ".", "+", "-", "*", "/", "%", "=", "<", ">", "{",
    "}", "?", "|", "^", "$", ";", "[",
];

pub(super) fn fault(
    place: &str,
    at: Place,
    code: &'static str,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Fault {
    let place = format!("{place}, line {}, column {}", at.line, at.column);
    Fault::new(code, place, message, remedy)
}

struct Reader<'t> {
    place: &'t str,
    text: &'t str,
    at: Place,
}

/// All words, and the end.
pub(super) fn tokens(place: &str, text: &str) -> Result<Vec<(Token, Place)>, Fault> {
    let at = Place { line: 1, column: 1 };
    let mut reader = Reader { place, text, at };
    let mut tokens = Vec::new();
    loop {
        reader.skip_space()?;
        let at = reader.at;
        let token = reader.token()?;
        let is_end = token == Token::End;
        tokens.push((token, at));
        if is_end {
            return Ok(tokens);
        }
    }
}

impl<'t> Reader<'t> {
    fn advance(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.text.split_at(bytes);
        for letter in taken.chars() {
            if letter == '\n' {
                self.at = Place {
                    line: self.at.line + 1,
                    column: 1,
                };
            } else {
                self.at.column += 1;
            }
        }
        self.text = rest;
        taken
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.text.find(|letter| !belongs(letter));
        self.advance(end.unwrap_or(self.text.len()))
    }

    fn skip_space(&mut self) -> Result<(), Fault> {
        loop {
            self.take_while(char::is_whitespace);
            if self.text.starts_with("--") {
                self.take_while(|letter| letter != '\n');
            } else if self.text.starts_with("/*") {
                let Some(end) = self.text.find("*/") else {
                    return Err(self.fault("a comment does not end", "end it by */"));
                };
                self.advance(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let Some(first) = self.text.chars().next() else {
            return Ok(Token::End);
        };
        match first {
            '\'' => Ok(Token::Text(self.quoted('\'')?)),
            '"' | '`' => Ok(Token::Quoted(self.quoted(first)?)),
            _ if first.is_ascii_digit() => Ok(Token::Number(self.number())),
            _ if first.is_alphabetic() || first == '_' => {
                let word = self.take_while(|letter| letter.is_alphanumeric() || letter == '_');
                Ok(Token::Word(word.to_owned()))
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| self.text.starts_with(**sign));
                let sign = sign.ok_or_else(|| {
                    self.fault(
                        format!("the character {first:?} means nothing here"),
                        "remove it, or quote the text that it is part of",
                    )
                })?;
                self.advance(sign.len());
                Ok(Token::Sign(sign))
            }
        }
    }

    /// Digits, a fraction and an exponent.
    fn number(&mut self) -> String {
        let digits = |letter: char| letter.is_ascii_digit();
        let mut number = self.take_while(digits).to_owned();
        let mut rest = self.text.chars();
        if rest.next() == Some('.') && rest.next().is_some_and(digits) {
            number.push_str(self.advance(1));
            number.push_str(self.take_while(digits));
        }
        let mut rest = self.text.chars();
        if matches!(rest.next(), Some('e' | 'E')) {
            let signed = rest
                .clone()
                .next()
                .is_some_and(|letter| matches!(letter, '+' | '-'));
            if rest.nth(usize::from(signed)).is_some_and(digits) {
                number.push_str(self.advance(1 + usize::from(signed)));
                number.push_str(self.take_while(digits));
            }
        }
        number
    }

    /// What stands between quotes; two of them stand for one.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let unended = self.fault(
            "what begins with a quote does not end with one",
            format!("end it by {quote}"),
        );
        let mut content = String::new();
        loop {
            self.advance(1);
            content.push_str(self.take_while(|letter| letter != quote));
            if self.text.is_empty() {
                return Err(unended);
            }
            self.advance(1);
            if !self.text.starts_with(quote) {
                return Ok(content);
            }
            content.push(quote);
        }
    }

    fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) -> Fault {
        fault(self.place, self.at, code::SYNTAX, message, remedy)
    }
}
