//! Which events FIRST, LAST and aggregates are about.

use super::super::token::Place;
use super::super::tree::{Expr, Kind};
use super::look::symbol_of;
use super::{ITEM, Row, Scalar, Scope, Translated};
use crate::fault::Fault;

impl Scalar<'_> {
    /// The last event of a symbol, or of all, or one so many before it; of the symbol that is defined, and of all while one is,
    /// the event itself is the last.
    pub(super) fn last(&self, symbol: Option<&str>, offset: u32) -> Row {
        let (list, is_running) = self.list(symbol);
        if is_running && offset == 0 {
            return Row {
                text: "event".to_owned(),
                present: Vec::new(),
            };
        }
        let back = u64::from(offset) + u64::from(!is_running);
        let always = self.defined.is_none() && symbol.is_none() && offset == 0;
        Row {
            text: format!("{list}[size({list}) - {back}]"),
            present: if always {
                Vec::new()
            } else {
                vec![format!("size({list}) >= {back}")]
            },
        }
    }

    fn first(&self, symbol: Option<&str>, offset: u32) -> Row {
        let (list, is_running) = self.list(symbol);
        let (list, size) = match is_running {
            true => (format!("({list} + [event])"), format!("size({list}) + 1")),
            false => (list.to_owned(), format!("size({list})")),
        };
        Row {
            text: format!("{list}[{offset}]"),
            present: vec![format!("{size} > {offset}")],
        }
    }

    /// The events of a symbol, or of all, and whether the one that is looked at comes behind them.
    fn list<'s>(&self, symbol: Option<&'s str>) -> (&'s str, bool) {
        let is_running = match (&self.defined, symbol) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(defined), Some(symbol)) => defined == symbol,
        };
        (symbol.unwrap_or("matched"), is_running)
    }

    pub(super) fn navigate(
        &self,
        name: &str,
        operand: &Expr,
        offset: u32,
        scope: &Scope<'_>,
    ) -> Result<Translated, Fault> {
        self.require_free(scope, operand.at)?;
        let symbol = symbol_of(operand);
        let row = match name {
            "FIRST" => self.first(symbol, offset),
            _ => self.last(symbol, offset),
        };
        self.translate(operand, &Scope::Row(&row, symbol))
    }

    pub(super) fn aggregate(
        &self,
        at: Place,
        name: &str,
        operand: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Translated, Fault> {
        self.require_free(scope, at)?;
        let symbol = match &operand.kind {
            Kind::Rows(symbol) => symbol.as_deref(),
            _ => symbol_of(operand),
        };
        if let Some(symbol) = symbol {
            self.require(symbol, at)?;
        }
        let (list, is_running) = self.list(symbol);
        let all = if is_running {
            format!("({list} + [event])")
        } else {
            list.to_owned()
        };
        let values = match &operand.kind {
            Kind::Rows(_) if name != "COUNT" => {
                return Err(self.refuse(at, format!("{name}(*)"), "name a column"));
            }
            Kind::Rows(_) => all,
            _ => {
                let row = Row {
                    text: ITEM.to_owned(),
                    present: Vec::new(),
                };
                let value = self.translate(operand, &Scope::Row(&row, symbol))?;
                match value.present.is_empty() {
                    true => format!("{all}.map({ITEM}, {})", value.text),
                    false => format!(
                        "{all}.map({ITEM}, {}, {})",
                        value.present.join(" && "),
                        value.text
                    ),
                }
            }
        };
        let function = match name {
            "COUNT" => return Ok(Translated::plain(format!("size({values})"))),
            "SUM" => "sum",
            "AVG" => "average",
            "MIN" => "min",
            _ => "max",
        };
        Ok(Translated {
            text: format!("{values}.{function}()"),
            present: vec![format!("size({values}) > 0")],
        })
    }

    pub(super) fn require_free(&self, scope: &Scope<'_>, at: Place) -> Result<(), Fault> {
        match scope {
            Scope::Free => Ok(()),
            Scope::Row(..) => Err(self.refuse(
                at,
                "FIRST, LAST or an aggregate inside of another",
                "take the inner one out",
            )),
        }
    }
}
