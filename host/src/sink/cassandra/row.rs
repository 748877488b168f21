//! Rows as they are sent: the cells one behind the other, and the write timestamp behind them.

use scylla::errors::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;

use super::cell;
use super::fields::Fields;
use crate::config::{CassandraColumn, CassandraType};

/// The longest key that Cassandra takes, bytes: its length is kept in 16 bits.
const LONGEST_KEY: usize = u16::MAX as usize;
/// What each part of a partition key of several columns takes besides its value, bytes.
const PART_OVERHEAD: usize = 3;

/// A row: cells in the order of the columns, each with its length in front, and the write timestamp as the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row(Vec<u8>);

/// How records become rows of a table.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<Column>,
    fields: Fields,
    /// Columns of the partition key, by index, in its order.
    partition: Vec<usize>,
    /// Columns of the clustering key, by index, in its order.
    clustering: Vec<usize>,
}

#[derive(Debug)]
struct Column {
    name: String,
    /// Index among the fields that are read.
    field: usize,
    kind: CassandraType,
}

impl Layout {
    /// Of columns of which those are the primary key.
    pub(super) fn new(
        columns: &[CassandraColumn],
        partition: &[String],
        clustering: &[String],
    ) -> Self {
        let mut fields: Vec<String> = Vec::new();
        let columns: Vec<Column> = columns
            .iter()
            .map(|column| {
                let known = fields.iter().position(|field| *field == column.field);
                let field = known.unwrap_or_else(|| {
                    fields.push(column.field.clone());
                    fields.len() - 1
                });
                Column {
                    name: column.name.to_string(),
                    field,
                    kind: column.kind.value,
                }
            })
            .collect();
        let indices = |names: &[String]| {
            let index = |name: &String| columns.iter().position(|column| column.name == *name);
            names.iter().filter_map(index).collect()
        };
        Self {
            partition: indices(partition),
            clustering: indices(clustering),
            columns,
            fields: Fields::new(fields),
        }
    }

    /// The row that a record becomes, and the key of its partition; or why it does not become one.
    pub(super) fn row(&self, record: &[u8], timestamp: i64) -> Result<(Vec<u8>, Row), String> {
        let values = self.fields.read(record)?;
        let mut cells = Vec::with_capacity(16 * (self.columns.len() + 1));
        let mut starts = Vec::with_capacity(self.columns.len() + 1);
        for column in &self.columns {
            starts.push(cells.len());
            let field = || &self.fields.names()[column.field];
            let Some(value) = &values[column.field] else {
                return Err(format!("the field `{}` is missing", field()));
            };
            if !cell::write(column.kind, value, &mut cells) {
                let what = cell::what(column.kind);
                return Err(format!("the field `{}` is not {what}: {value}", field()));
            }
        }
        starts.push(cells.len());
        let part = |&index: &usize| &cells[starts[index]..starts[index + 1]];
        self.check_keys(part)?;
        let partition = self.partition.iter().map(part).collect::<Vec<_>>().concat();
        cells.extend(8_i32.to_be_bytes());
        cells.extend(timestamp.to_be_bytes());
        Ok((partition, Row(cells)))
    }

    /// What Cassandra would refuse in a key is refused here, where the record is still at hand.
    fn check_keys<'a>(&self, part: impl Fn(&usize) -> &'a [u8]) -> Result<(), String> {
        let field = |index: usize| &self.fields.names()[self.columns[index].field];
        for &index in self.partition.iter().chain(&self.clustering) {
            if part(&index) == (-1_i32).to_be_bytes() {
                let field = field(index);
                return Err(format!(
                    "the field `{field}` is null, and a primary key has no nulls"
                ));
            }
        }
        let length = |index: &usize| part(index).len() - 4;
        if let [only] = self.partition[..]
            && length(&only) == 0
        {
            let field = field(only);
            return Err(format!(
                "the field `{field}` is empty, and Cassandra takes no empty partition key"
            ));
        }
        let partition: usize = self
            .partition
            .iter()
            .map(|index| length(index) + PART_OVERHEAD)
            .sum();
        let clustering: usize = self.clustering.iter().map(length).sum();
        for (key, length) in [("partition", partition), ("clustering", clustering)] {
            if length > LONGEST_KEY {
                return Err(format!(
                    "the {key} key is {length} bytes long, and Cassandra takes {LONGEST_KEY} at most"
                ));
            }
        }
        Ok(())
    }

    /// The primary key of a row, for people.
    pub(super) fn describe(&self, row: &Row) -> String {
        let cells: Vec<_> = row.cells().collect();
        let parts = self
            .partition
            .iter()
            .chain(&self.clustering)
            .filter_map(|&index| {
                let column = &self.columns[index];
                let value = cell::show(column.kind, cells.get(index).copied().flatten()?);
                Some(format!("{} = {value}", column.name))
            });
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Row {
    /// A row of so many bytes.
    #[cfg(test)]
    pub(super) fn of_length(bytes: usize) -> Self {
        Self(vec![0; bytes])
    }

    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Its cells, none where there is no value; the write timestamp is the last.
    fn cells(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_first_chunk()?;
            let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                rest = behind;
                return Some(None);
            };
            let (cell, behind) = behind.split_at_checked(length)?;
            rest = behind;
            Some(Some(cell))
        })
    }
}

impl SerializeRow for Row {
    /// The types were compared with the table's when the sink was opened.
    fn serialize(
        &self,
        _context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        for cell in self.cells() {
            let writer = writer.make_cell_writer();
            match cell {
                Some(contents) => writer
                    .set_value(contents)
                    .map(drop)
                    .map_err(SerializationError::new)?,
                None => drop(writer.set_null()),
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Document, Located, Place, SqlName};

    fn layout() -> Layout {
        let place = || Place::whole(&Document::option("columns"));
        let column = |name: &str, field: &str, kind| CassandraColumn {
            name: Located::new(SqlName::of_test(name), place()),
            field: field.to_owned(),
            kind: Located::new(kind, place()),
        };
        Layout::new(
            &[
                column("at", "time", CassandraType::TinyInt),
                column("site", "place", CassandraType::Text),
                column("sensor", "sensor", CassandraType::Text),
                column("value", "value", CassandraType::TinyInt),
            ],
            &["sensor".to_owned(), "site".to_owned()],
            &["at".to_owned()],
        )
    }

    fn row(record: &str) -> Result<(Vec<u8>, Row), String> {
        layout().row(record.as_bytes(), 7)
    }

    #[test]
    fn cells_come_in_the_order_of_the_columns_with_the_timestamp_behind_them() {
        let (_, row) = row(r#"{"sensor": "s", "place": "", "time": 5, "value": null}"#).unwrap();
        let cells: Vec<_> = row.cells().collect();
        let timestamp = 7_i64.to_be_bytes();
        assert_eq!(
            cells,
            [
                Some(&[5][..]),
                Some(b""),
                Some(b"s"),
                None,
                Some(&timestamp)
            ]
        );
    }

    #[test]
    fn rows_are_of_one_partition_if_its_columns_agree_one_by_one() {
        let partition = |record: &str| row(record).unwrap().0;
        let one = partition(r#"{"sensor": "ab", "place": "c", "time": 1, "value": 1}"#);
        assert_eq!(
            one,
            partition(r#"{"sensor": "ab", "place": "c", "time": 2, "value": 3}"#)
        );
        assert_ne!(
            one,
            partition(r#"{"sensor": "a", "place": "bc", "time": 1, "value": 1}"#)
        );
    }

    #[test]
    fn a_key_has_no_nulls() {
        let refused = row(r#"{"sensor": "s", "place": null, "time": 5, "value": 1}"#);
        assert_eq!(
            refused.unwrap_err(),
            "the field `place` is null, and a primary key has no nulls"
        );
    }

    #[test]
    fn a_row_is_named_by_its_primary_key() {
        let (_, row) = row(r#"{"sensor": "s", "place": "p", "time": -5, "value": 1}"#).unwrap();
        assert_eq!(
            layout().describe(&row),
            r#"sensor = "s", site = "p", at = -5"#
        );
    }
}
