//! What a request for a page asks for: which rows, and how many of them.

use std::collections::BTreeMap;

use hyper::Uri;
use rusqlite::types::Value as Sql;

use crate::config::ColumnType;
use crate::job::Problem;

/// The most rows of a page.
pub(in crate::trigger) const MOST_ROWS: u64 = 5_000;
/// The rows of a page of which nothing is said.
pub(in crate::trigger) const DEFAULT_LIMIT: u64 = 1_000;
/// What SQLite can count to.
const MOST_OFFSET: u64 = i64::MAX.cast_unsigned() - MOST_ROWS;

/// Which rows are asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Question {
    /// The most rows of the answer, from 1 to [`MOST_ROWS`].
    pub limit: u64,
    /// The rows in front of them.
    pub offset: u64,
    /// Columns, each with what it may hold.
    pub filters: BTreeMap<String, Vec<Sql>>,
}

impl Question {
    /// The question of an address, whose parameters are `limit`, `offset` and `filters`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn of(uri: &Uri, filters: &[(String, ColumnType)]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
        let mut asked: BTreeMap<String, Vec<Sql>> = BTreeMap::new();
        for (name, value) in parameters(uri) {
            let range = match name.as_str() {
                "limit" => Some(("limit", 1..=MOST_ROWS)),
                "offset" => Some(("offset", 0..=MOST_OFFSET)),
                _ => None,
            };
            let read = match range {
                Some((name, _)) if numbers.contains_key(name) => {
                    Err(problem("repeated", name, &value, "is there more than once"))
                }
                Some((name, range)) => match value.parse().ok().filter(|it| range.contains(it)) {
                    Some(number) => {
                        numbers.insert(name, number);
                        Ok(())
                    }
                    None => {
                        let expected = format!(
                            "is a whole number from {} to {}",
                            range.start(),
                            range.end()
                        );
                        Err(problem("out-of-range", name, &value, &expected))
                    }
                },
                None => filter(&name, &value, filters).map(|value| {
                    asked.entry(name).or_default().push(value);
                }),
            };
            problems.extend(read.err());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            limit: numbers.get("limit").copied().unwrap_or(DEFAULT_LIMIT),
            offset: numbers.get("offset").copied().unwrap_or(0),
            filters: asked,
        })
    }
}

/// What a column is asked to hold.
fn filter(name: &str, value: &str, filters: &[(String, ColumnType)]) -> Result<Sql, Problem> {
    let Some((_, kind)) = filters.iter().find(|(filter, _)| filter == name) else {
        let known = ["limit", "offset"].into_iter();
        let known = known.chain(filters.iter().map(|(filter, _)| filter.as_str()));
        return Err(Problem {
            allowed: known.map(str::to_owned).collect(),
            ..problem(
                "unknown-parameter",
                name,
                value,
                "is no parameter of this path",
            )
        });
    };
    if *kind != ColumnType::Integer {
        return Ok(Sql::Text(value.to_owned()));
    }
    let number = value.parse().map(Sql::Integer);
    number.map_err(|_| {
        problem(
            "not-an-integer",
            name,
            value,
            "is a whole number within 64 bits",
        )
    })
}

fn problem(code: &str, name: &str, value: &str, what: &str) -> Problem {
    Problem {
        field: name.to_owned(),
        code: code.to_owned(),
        message: format!("`{name}` {what}"),
        value: Some(serde_json::Value::from(value).to_string()),
        allowed: Vec::new(),
    }
}

fn parameters(uri: &Uri) -> Vec<(String, String)> {
    let query = uri.query().unwrap_or_default();
    let Ok(url) = reqwest::Url::parse(&format!("http://localhost/?{query}")) else {
        return Vec::new();
    };
    let pairs = url.query_pairs();
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Question, Vec<(String, String)>> {
        let filters = [
            ("customerId".to_owned(), ColumnType::Text),
            ("visits".to_owned(), ColumnType::Integer),
        ];
        let uri: Uri = format!("/contacts{query}").parse().unwrap();
        Question::of(&uri, &filters).map_err(|problems| {
            let told = |problem: Problem| (problem.field, problem.code);
            problems.into_iter().map(told).collect()
        })
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let expected = Question {
            limit: 1_000,
            offset: 0,
            filters: BTreeMap::new(),
        };
        assert_eq!(ask("").unwrap(), expected);
        assert_eq!(ask("?").unwrap(), expected);
    }

    #[test]
    fn a_filter_takes_one_of_several_values() {
        let asked =
            ask("?customerId=C%201&customerId=%C3%B6&visits=-3&limit=5000&offset=7").unwrap();
        assert_eq!((asked.limit, asked.offset), (5_000, 7));
        let keys = vec![Sql::Text("C 1".into()), Sql::Text("ö".into())];
        assert_eq!(asked.filters["customerId"], keys);
        assert_eq!(asked.filters["visits"], [Sql::Integer(-3)]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrong =
            ask("?limit=5001&offset=-1&customer=1&visits=few&offset=1&offset=2").unwrap_err();
        let wrong: Vec<(&str, &str)> = wrong
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let expected = [
            ("limit", "out-of-range"),
            ("offset", "out-of-range"),
            ("customer", "unknown-parameter"),
            ("visits", "not-an-integer"),
            ("offset", "repeated"),
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn a_limit_is_a_number_within_its_range() {
        for limit in ["0", "", "-1", "1.5", "5e3", "1_000", "99999999999999999999"] {
            let wrong = ask(&format!("?limit={limit}")).unwrap_err();
            assert_eq!(wrong, [("limit".into(), "out-of-range".into())], "{limit}");
        }
    }

    #[test]
    fn an_offset_goes_as_far_as_rows_can_be_counted() {
        assert!(ask("?offset=9223372036854770807").is_ok());
        assert!(ask("?offset=9223372036854770808").is_err());
    }
}
