//! Row by row: which of the expected rows are missing, which are there too often, which say something else. No tolerance,
//! no rounding, no counting in place of comparing.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, AddAssign};

use crate::table::{Row, Table};

/// Examples that a report shows of each table.
const EXAMPLES: usize = 5;

/// How what was written differs from what was expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Rows that are expected and missing.
    pub lost: u64,
    /// Rows that are there more often than expected.
    pub doubled: u64,
    /// Rows that say something else, stand in another order, or are about nothing expected.
    pub changed: u64,
    /// The first differences of each table, in words.
    pub examples: Vec<String>,
}

impl Differences {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lost + self.doubled + self.changed == 0
    }

    fn note(&mut self, example: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl Add for Differences {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for Differences {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.changed += other.changed;
        self.examples.extend(other.examples);
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "lost={} doubled={} changed={}",
            self.lost, self.doubled, self.changed
        )
    }
}

/// Compares tables of the same names in the same order.
pub fn compare(expected: &[Table], observed: &[Table]) -> Differences {
    assert_eq!(
        names(expected),
        names(observed),
        "only the same tables can be compared"
    );
    expected
        .iter()
        .zip(observed)
        .map(|(expected, observed)| compare_table(expected, observed))
        .fold(Differences::default(), Add::add)
}

fn names(tables: &[Table]) -> Vec<&str> {
    tables.iter().map(|table| table.name).collect()
}

fn compare_table(expected: &Table, observed: &Table) -> Differences {
    let mut differences = Differences::default();
    let observed_rows = by_identity(&observed.rows);
    let expected_rows = by_identity(&expected.rows);
    for (identity, expected_contents) in &expected_rows {
        let observed_contents = observed_rows.get(identity).map_or(&[][..], Vec::as_slice);
        compare_contents(
            expected.name,
            identity,
            expected_contents,
            observed_contents,
            &mut differences,
        );
    }
    for (identity, contents) in observed_rows
        .iter()
        .filter(|(identity, _)| !expected_rows.contains_key(*identity))
    {
        differences.changed += contents.len() as u64;
        differences.note(|| format!("{}: unexpected row {identity}: {contents:?}", expected.name));
    }
    if differences.is_empty() {
        compare_order(expected, observed, &mut differences);
    }
    differences
}

fn by_identity(rows: &[Row]) -> BTreeMap<&str, Vec<&str>> {
    let mut contents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        contents
            .entry(&row.identity)
            .or_default()
            .push(&row.content);
    }
    contents
}

fn compare_contents(
    table: &str,
    identity: &str,
    expected: &[&str],
    observed: &[&str],
    differences: &mut Differences,
) {
    if expected == observed {
        return;
    }
    let mut surplus = observed.to_vec();
    let mut missing = Vec::new();
    for content in expected {
        match surplus.iter().position(|other| other == content) {
            Some(position) => _ = surplus.swap_remove(position),
            None => missing.push(*content),
        }
    }
    let changed = missing.len().min(surplus.len());
    differences.changed += changed as u64;
    differences.lost += (missing.len() - changed) as u64;
    differences.doubled += (surplus.len() - changed) as u64;
    if !missing.is_empty() || !surplus.is_empty() {
        differences
            .note(|| format!("{table}: {identity}: expected {expected:?}, found {observed:?}"));
    }
}

/// Presupposes that the rows are the same.
fn compare_order(expected: &Table, observed: &Table, differences: &mut Differences) {
    let expected_sequences = by_sequence(&expected.rows);
    for (sequence, observed_order) in by_sequence(&observed.rows) {
        let expected_order = expected_sequences
            .get(sequence)
            .map_or(&[][..], Vec::as_slice);
        let displaced = expected_order
            .iter()
            .zip(&observed_order)
            .filter(|(expected, observed)| expected != observed)
            .count();
        if displaced > 0 {
            differences.changed += displaced as u64;
            differences.note(|| format!("{}: order of {sequence}: expected {expected_order:?}, found {observed_order:?}", expected.name));
        }
    }
}

fn by_sequence(rows: &[Row]) -> BTreeMap<&str, Vec<&str>> {
    let mut sequences: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        if let Some(sequence) = &row.sequence {
            sequences.entry(sequence).or_default().push(&row.content);
        }
    }
    sequences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, &str)]) -> Table {
        let row = |(identity, content): &(&str, &str)| Row {
            identity: (*identity).into(),
            content: (*content).into(),
            sequence: Some("all".into()),
        };
        Table {
            name: "table",
            rows: rows.iter().map(row).collect(),
        }
    }

    fn difference(expected: &[(&str, &str)], observed: &[(&str, &str)]) -> String {
        compare(&[table(expected)], &[table(observed)]).to_string()
    }

    #[test]
    fn equal_tables_do_not_differ() {
        assert_eq!(
            difference(&[("a", "1"), ("a", "1")], &[("a", "1"), ("a", "1")]),
            "lost=0 doubled=0 changed=0"
        );
    }

    #[test]
    fn a_missing_row_is_lost() {
        assert_eq!(
            difference(&[("a", "1"), ("a", "1")], &[("a", "1")]),
            "lost=1 doubled=0 changed=0"
        );
        assert_eq!(difference(&[("a", "1")], &[]), "lost=1 doubled=0 changed=0");
    }

    #[test]
    fn a_row_too_many_is_doubled() {
        assert_eq!(
            difference(&[("a", "1")], &[("a", "1"), ("a", "1")]),
            "lost=0 doubled=1 changed=0"
        );
    }

    #[test]
    fn another_content_is_a_change() {
        assert_eq!(
            difference(&[("a", "1")], &[("a", "2")]),
            "lost=0 doubled=0 changed=1"
        );
    }

    #[test]
    fn a_row_about_nothing_expected_is_a_change() {
        assert_eq!(difference(&[], &[("a", "1")]), "lost=0 doubled=0 changed=1");
    }

    #[test]
    fn another_order_is_a_change() {
        assert_eq!(
            difference(&[("a", "1"), ("b", "2")], &[("b", "2"), ("a", "1")]),
            "lost=0 doubled=0 changed=2"
        );
    }
}
