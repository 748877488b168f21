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
