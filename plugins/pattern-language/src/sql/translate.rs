//! From a clause to stages.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::Translated;
use super::scalar::{Row, Scalar};
use super::token::{Place, fault};
use super::tree::{Clause, Expr, Quantifier, Symbol};
use crate::definition::{Follows, OnError, Skip, StageDefinition, Times, TimesRange};
use crate::fault::{Fault, code};

pub(super) struct Translation<'c> {
    pub(super) place: &'c str,
    pub(super) clause: &'c Clause,
}

impl Translation<'_> {
    pub(super) fn translate(&self) -> Result<Translated, Fault> {
        self.check_symbols()?;
        let stages = self.clause.symbols.iter().enumerate();
        let stages = stages.map(|(index, symbol)| self.stage(index, symbol));
        Ok(Translated {
            stages: stages.collect::<Result<_, _>>()?,
            within: self.clause.within,
            skip: self.clause.skip.clone(),
            output: self.output()?,
            on_error: OnError::NoMatch,
        })
    }

    fn check_symbols(&self) -> Result<(), Fault> {
        let mut seen = BTreeSet::new();
        for symbol in &self.clause.symbols {
            if !seen.insert(&symbol.name) {
                let message = format!("the symbol {:?} is in the pattern twice", symbol.name);
                return Err(self.refuse(
                    symbol.at,
                    message,
                    "give the second one a name and a definition of its own",
                ));
            }
        }
        let Some(last) = self.clause.symbols.last() else {
            let start = Place::default();
            return Err(fault(
                self.place,
                start,
                code::SYNTAX,
                "the pattern is empty",
                "write its symbols, such as (a b+? c)",
            ));
        };
        let is_optional = |symbol: &Symbol| {
            symbol
                .quantifier
                .is_some_and(|quantifier| quantifier.from == 0)
        };
        if self.clause.symbols.iter().all(is_optional) {
            let remedy = "let one symbol have to be there";
            return Err(self.refuse(last.at, "the pattern can match nothing at all", remedy));
        }
        if last.quantifier.is_some_and(Quantifier::is_greedy) {
            let remedy = "let another symbol follow, or make it reluctant, such as b+?";
            return Err(self.refuse(last.at, "the last symbol of the pattern is greedy", remedy));
        }
        if let Skip::ToFirst(target) | Skip::ToLast(target) = &self.clause.skip {
            self.require(target, "AFTER MATCH SKIP")?;
        }
        let mut defined = BTreeSet::new();
        for (name, _) in &self.clause.definitions {
            self.require(name, "DEFINE")?;
            if !defined.insert(name) {
                let message = format!("the symbol {name:?} is defined twice");
                return Err(Fault::new(
                    code::SYNTAX,
                    self.place,
                    message,
                    "join the two by AND",
                ));
            }
        }
        Ok(())
    }

    fn require(&self, name: &str, by: &str) -> Result<(), Fault> {
        if self.clause.symbols.iter().any(|symbol| symbol.name == name) {
            return Ok(());
        }
        let message = format!("{by} names {name:?}, which is no symbol of the pattern");
        Err(Fault::new(
            code::NAME,
            self.place,
            message,
            "name a symbol of PATTERN, in the same letters",
        ))
    }

    fn refuse(&self, at: Place, message: impl Into<String>, remedy: &str) -> Fault {
        fault(self.place, at, code::UNSUPPORTED, message, remedy)
    }

    fn stage(&self, index: usize, symbol: &Symbol) -> Result<StageDefinition, Fault> {
        let definition = self
            .clause
            .definitions
            .iter()
            .find(|(name, _)| *name == symbol.name);
        let condition = definition
            .map(|(_, condition)| self.scalar(Some(&symbol.name)).condition(condition, true));
        let mut stage = StageDefinition {
            name: symbol.name.clone(),
            contiguity: (index > 0).then_some(Follows::Next),
            condition: condition.transpose()?,
            ..StageDefinition::default()
        };
        if let Some(quantifier) = symbol.quantifier {
            self.quantify(symbol, quantifier, &mut stage)?;
        }
        Ok(stage)
    }

    /// As Flink translates them (`PatternVisitor` of its planner): everything is consecutive.
    fn quantify(
        &self,
        symbol: &Symbol,
        quantifier: Quantifier,
        stage: &mut StageDefinition,
    ) -> Result<(), Fault> {
        stage.greedy = quantifier.is_greedy();
        match (quantifier.from, quantifier.to) {
            (0, Some(1)) if quantifier.is_reluctant => {
                let remedy = "leave the second `?` out";
                return Err(self.refuse(
                    symbol.at,
                    "a symbol that is optional cannot be reluctant",
                    remedy,
                ));
            }
            (0, Some(1)) => {
                stage.optional = true;
                return Ok(());
            }
            (0, Some(0)) => {
                return Err(self.refuse(
                    symbol.at,
                    "the symbol is to be there 0 times",
                    "leave it out",
                ));
            }
            (1, Some(1)) => return Ok(()),
            (from, None) if from < 2 => {
                stage.one_or_more = true;
                stage.optional = from == 0;
            }
            (from, None) => stage.times_or_more = Some(from),
            (from, Some(to)) if from == to => stage.times = Some(Times::Exactly(from)),
            (from, Some(to)) => stage.times = Some(Times::Range(TimesRange { from, to })),
        }
        stage.consecutive = true;
        Ok(())
    }

    fn output(&self) -> Result<Option<Json>, Fault> {
        let mut output = Map::new();
        let mut add =
            |name: &str, value: String| match output.insert(name.to_owned(), Json::String(value)) {
                None => Ok(()),
                Some(_) => {
                    let message = format!("two columns are named {name:?}");
                    Err(Fault::new(
                        code::NAME,
                        self.place,
                        message,
                        "rename one of them",
                    ))
                }
            };
        let scalar = self.scalar(None);
        for (column, at) in &self.clause.partition {
            let row = Row::first();
            add(column, scalar.column(&row, column, *at)?.or_null())?;
        }
        for (name, measure) in &self.clause.measures {
            add(name, self.measure(&scalar, measure)?)?;
        }
        Ok((!output.is_empty()).then_some(Json::Object(output)))
    }

    fn measure(&self, scalar: &Scalar<'_>, measure: &Expr) -> Result<String, Fault> {
        Ok(scalar.value(measure)?.or_null())
    }

    /// What translates expressions: those of a symbol's definition, or of measures.
    fn scalar(&self, defined: Option<&str>) -> Scalar<'_> {
        Scalar {
            place: self.place,
            symbols: &self.clause.symbols,
            defined: defined.map(str::to_owned),
        }
    }
}

impl Quantifier {
    /// Whether there is a choice, and it is for more.
    fn is_greedy(self) -> bool {
        let has_choice = self.to != Some(self.from) && (self.from, self.to) != (0, Some(1));
        has_choice && !self.is_reluctant
    }
}
