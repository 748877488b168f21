//! Patterns as SQL has them: the clause `MATCH_RECOGNIZE` (ISO/IEC 9075-2:2016, 7.7), in the subset that Apache Flink documents.
//!
//! ```sql
//! MATCH_RECOGNIZE (
//!     PARTITION BY customer_id
//!     ORDER BY time
//!     MEASURES
//!         COUNT(failure.status) AS failures,
//!         LAST(callback.channel) AS channel
//!     ONE ROW PER MATCH
//!     AFTER MATCH SKIP PAST LAST ROW
//!     PATTERN (failure{3} callback) WITHIN INTERVAL '30' SECOND
//!     DEFINE
//!         failure AS failure.status = 'FAILURE',
//!         callback AS callback.status = 'CALLBACK_REQUEST'
//! )
//! ```
//!
//! | clause | here |
//! |---|---|
//! | `PARTITION BY` | columns that all records of a key have in common; they are in the output. What events are kept apart by is the key of the port |
//! | `ORDER BY` | one column, rising: it stands for the event time |
//! | `MEASURES` | expressions with a name each |
//! | `ONE ROW PER MATCH` | as if it were said always |
//! | `AFTER MATCH SKIP` | `PAST LAST ROW` (without the clause too), `TO NEXT ROW`, `TO FIRST symbol`, `TO LAST symbol`, `TO symbol` |
//! | `PATTERN` | symbols after each other, each with `?`, `*`, `+`, `{n}`, `{n,}`, `{n,m}`, `{,m}`, reluctant with another `?`; the last one not greedy |
//! | `WITHIN` | `INTERVAL 'n' SECOND`, `MINUTE`, `HOUR` or `DAY` |
//! | `DEFINE` | a condition a symbol; without one, every event fits |
//! | navigation | `symbol.column`, `FIRST(…, n)`, `LAST(…, n)`, of all symbols without `symbol.` |
//! | aggregates | `COUNT`, `SUM`, `AVG`, `MIN`, `MAX` over one symbol, or all |
//! | else | `+ - * / %`, `\|\|`, comparisons, `AND OR NOT`, `IS NULL`, `BETWEEN`, `IN`, `LIKE`, `CASE WHEN`, `CAST`, `COALESCE`, `UPPER`, `LOWER`, `TRIM`, `CHAR_LENGTH`, `MATCH_ROWTIME()` |
//!
//! It is translated to a [`Definition`](crate::Definition) whose conditions are those of the other form, so that both mean the same, and
//! `jackfield pattern explain` shows what became of it. As in SQL, a column that is not there is null, and a condition that null
//! decides does not hold: conditions are brought into a form without negations, and their parts ask for what is not null.
//!
//! What else differs from Flink: a match without an event to skip to skips nothing, where Flink's job fails; `AVG` of whole
//! numbers is not cut to one; and whole numbers are calculated with others only where one is written with a point.
//!
//! The clause is read here, and not by a parser of SQL: the well-kept one for Rust knows neither `WITHIN` nor reluctant
//! quantifiers, and would triple the size of a plugin.

mod expression;
mod parser;
mod scalar;
mod token;
mod translate;
mod tree;

use jackfield_sdk::Duration;
use serde_json::Value as Json;

use crate::definition::{OnError, Skip, StageDefinition};
use crate::fault::{Fault, code};

/// A clause in the words of the other form.
#[derive(Clone, Debug, PartialEq)]
pub struct Translated {
    /// The stages: one a symbol.
    pub stages: Vec<StageDefinition>,
    /// From the first event to the last.
    pub within: Option<Duration>,
    /// What becomes of other matches.
    pub skip: Skip,
    /// Columns and measures; none if there are none.
    pub output: Option<Json>,
    /// As in SQL.
    pub on_error: OnError,
}

/// The longest clause, in bytes.
const LONGEST: usize = 64 * 1024;

/// Translates a clause; `place` is where it stands.
///
/// # Errors
/// What is not of the grammar or of its subset, with line and column.
pub fn translate(place: &str, text: &str) -> Result<Translated, Fault> {
    if text.len() > LONGEST {
        let message = format!(
            "the clause has {} bytes, and at most {LONGEST} are taken",
            text.len()
        );
        return Err(Fault::new(
            code::SYNTAX,
            place,
            message,
            "split the pattern",
        ));
    }
    let clause = parser::Parser::new(place, text)?.clause()?;
    translate::Translation {
        place,
        clause: &clause,
    }
    .translate()
}
