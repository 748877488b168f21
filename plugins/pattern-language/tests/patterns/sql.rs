//! MATCH_RECOGNIZE.

use serde_json::{Value as Json, json};

use super::{matches, one};

fn clause(text: &str) -> jackfield_pattern_language::PatternSet {
    one(json!({ "match-recognize": text })).unwrap_or_else(|fault| panic!("{fault}"))
}

fn prices(prices: &[i64]) -> Vec<Json> {
    prices
        .iter()
        .map(|price| json!({ "symbol": "ACME", "price": price }))
        .collect()
}

/// After the introduction of Flink's page on the clause: a price falls, and rises again.
#[test]
fn a_v_shape_is_found() {
    let patterns = clause(
        "MATCH_RECOGNIZE (
            PARTITION BY symbol ORDER BY rowtime
            MEASURES START_ROW.price AS start_price, LAST(PRICE_DOWN.price) AS bottom, LAST(PRICE_UP.price) AS end_price
            ONE ROW PER MATCH
            AFTER MATCH SKIP TO LAST PRICE_UP
            PATTERN (START_ROW PRICE_DOWN+ PRICE_UP)
            DEFINE
                PRICE_DOWN AS (LAST(PRICE_DOWN.price, 1) IS NULL AND PRICE_DOWN.price < START_ROW.price)
                    OR PRICE_DOWN.price < LAST(PRICE_DOWN.price, 1),
                PRICE_UP AS PRICE_UP.price > LAST(PRICE_DOWN.price, 1)
        ) MR",
    );
    let found = matches(
        &patterns,
        &prices(&[12, 17, 19, 21, 25, 18, 15, 14, 24, 25, 19]),
    );
    assert_eq!(
        found,
        [json!({ "symbol": "ACME", "start_price": 25, "bottom": 14, "end_price": 24 })]
    );
}

/// After its section on aggregations: the average stays below a limit.
#[test]
fn aggregates_see_the_row_that_is_asked_about() {
    let patterns = clause(
        "MEASURES FIRST(A.price) AS first_price, COUNT(*) AS all_rows, AVG(A.price) AS average, SUM(A.price) AS total,
            MIN(A.price) AS low, MAX(A.price) AS high
         PATTERN (A+ B) DEFINE A AS AVG(A.price) < 15",
    );
    let found = matches(&patterns, &prices(&[12, 17, 13, 16, 25, 2, 4, 10]));
    let expected = json!({ "first_price": 12, "all_rows": 5, "average": 14.5, "total": 58, "low": 12, "high": 17 });
    assert_eq!(found[0], expected);
}

#[test]
fn a_symbol_that_is_left_out_measures_null() {
    let patterns = clause(
        "MEASURES a.price AS a, b.price AS b, COUNT(b.price) AS n, SUM(b.price) AS s, COALESCE(b.price, -1) AS c
         PATTERN (a b? c) DEFINE a AS price = 1, b AS price = 2, c AS price = 3",
    );
    assert_eq!(
        matches(&patterns, &prices(&[1, 3])),
        [json!({ "a": 1, "b": null, "n": 0, "s": null, "c": -1 })]
    );
    assert_eq!(
        matches(&patterns, &prices(&[1, 2, 3])),
        [json!({ "a": 1, "b": 2, "n": 1, "s": 2, "c": 2 })]
    );
}

#[test]
fn what_null_decides_does_not_hold() {
    let holds = |condition: &str, record: Json| {
        let patterns = clause(&format!(
            "MEASURES 1 AS one PATTERN (a) DEFINE a AS {condition}"
        ));
        !matches(&patterns, &[record]).is_empty()
    };
    for condition in [
        "x = 1",
        "x <> 1",
        "NOT x = 1",
        "NOT x <> 1",
        "x > 1",
        "NOT x > 1",
        "x IN (1, 2)",
        "x NOT IN (1, 2)",
        "x BETWEEN 0 AND 5",
        "x NOT BETWEEN 0 AND 5",
        "x LIKE 'a%'",
        "NOT (x = 1 OR x = 2)",
        "x = y",
        "x <> y",
        "x + 1 = 2",
    ] {
        assert!(
            !holds(condition, json!({ "y": 1 })),
            "{condition} of what is not there"
        );
        assert!(
            !holds(condition, json!({ "x": null, "y": null })),
            "{condition} of null"
        );
    }
    for condition in [
        "x IS NULL",
        "NOT x IS NOT NULL",
        "x = 1 OR y = 1",
        "NOT (x = 1 AND y = 2)",
        "COALESCE(x, 7) = 7",
    ] {
        assert!(
            holds(condition, json!({ "y": 1 })),
            "{condition} of what is not there"
        );
        assert!(
            holds(condition, json!({ "x": null, "y": 1 })),
            "{condition} of null"
        );
    }
}

#[test]
fn what_has_a_value_is_decided_as_in_sql() {
    let record = json!({ "x": 3, "y": 4.5, "t": "it's", "flag": true });
    let holds = |condition: &str| {
        let patterns = clause(&format!(
            "MEASURES 1 AS one PATTERN (a) DEFINE a AS {condition}"
        ));
        !matches(&patterns, std::slice::from_ref(&record)).is_empty()
    };
    for condition in [
        "x = 3",
        "x <> 4",
        "NOT x = 4",
        "x BETWEEN 3 AND 3",
        "x NOT BETWEEN 4 AND 5",
        "x IN (1, 3)",
        "x NOT IN (1, 2)",
        "t = 'it''s'",
        "t LIKE 'it%'",
        "t LIKE '%s'",
        "t LIKE '%t%'",
        "t NOT LIKE 'x%'",
        "flag",
        "x * 1.5 = y",
        "x + 1 < y",
        "-x = -3",
        "x % 2 = 1",
        "UPPER(t) = 'IT''S'",
        "CHAR_LENGTH(t) = 4",
        "t || '!' = 'it''s!'",
        "CAST(x AS DOUBLE) = 3.0",
        "CASE WHEN x > 3 THEN 1 ELSE 2 END = 2",
        "x IS NOT NULL",
        "x = 3 AND y > 4 OR x = 0",
        "MATCH_ROWTIME() = 1",
        "a.x = 3",
    ] {
        assert!(holds(condition), "{condition}");
    }
    for condition in [
        "NOT flag",
        "x = 4 AND y > 4",
        "NOT x = 3",
        "t LIKE 's%'",
        "x NOT IN (3)",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn quantifiers_are_greedy_or_reluctant() {
    let events = |pattern: &str, letters: &str| {
        let text = format!(
            "MEASURES COUNT(*) AS n PATTERN ({pattern})
            DEFINE a AS k = 'a', b AS k = 'a' OR k = 'b', c AS k = 'b' OR k = 'c'"
        );
        let records: Vec<_> = letters
            .chars()
            .map(|letter| json!({ "k": letter.to_string() }))
            .collect();
        matches(&clause(&text), &records)
            .iter()
            .map(|found| found["n"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(events("a b* c", "abbc"), [4]);
    assert_eq!(events("a b*? c", "abbc"), [2]);
    assert_eq!(events("a b+ c", "abbc"), [4]);
    assert_eq!(events("a b? c", "ac"), [2]);
    assert_eq!(events("a b{2} c", "abbc"), [4]);
    assert_eq!(events("a b{1,} c", "abbbc"), [5]);
    assert_eq!(events("a b{,2} c", "ac"), [2]);
    assert_eq!(events("a b{1,2}? c", "abbc"), [3]);
}

#[test]
fn within_limits_a_match() {
    let patterns = clause(
        "MEASURES 1 AS one PATTERN (a b) WITHIN INTERVAL '10' SECOND DEFINE a AS k = 1, b AS k = 2",
    );
    let mut state = jackfield_pattern_language::KeyState::default();
    super::add(&patterns, &mut state, 1_000, &json!({ "k": 1 }));
    super::add(&patterns, &mut state, 11_000, &json!({ "k": 2 }));
    let what: Vec<_> = super::advance(&patterns, &mut state, 11_000)
        .into_iter()
        .map(|(what, _)| what)
        .collect();
    assert_eq!(what, ["timed-out"]);
}
