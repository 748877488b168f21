//! What comes in kinds (sources, sinks, preflight checks, dead-letter queues) is read through a table of kinds, so that a
//! new kind is one file with its options and one line in its table.

use crate::config::reader::TableReader;

/// A kind by the name that `type = …` gives it, and how its options are read.
pub(crate) struct Kind<T: 'static> {
    pub(crate) name: &'static str,
    /// Reports what is wrong with the options and returns nothing then.
    pub(crate) read: fn(&TableReader<'_>) -> Option<T>,
}

/// Reads `type` and the options of that kind.
pub(crate) fn read<T>(table: &TableReader<'_>, kinds: &'static [Kind<T>]) -> Option<T> {
    let names: Vec<(&str, &Kind<T>)> = kinds.iter().map(|kind| (kind.name, kind)).collect();
    match table.required_choice("type", &names) {
        Some(kind) => (kind.read)(table),
        None => {
            // Which keys belong here depends on the type: without it every one would be called unknown.
            table.accept_any_key();
            None
        }
    }
}

/// As [`read`], for a table that is of the kind `default` where it does not say.
pub(crate) fn read_or<T>(
    table: &TableReader<'_>,
    kinds: &'static [Kind<T>],
    default: &str,
) -> Option<T> {
    if table.optional_node("type").is_some() {
        return read(table, kinds);
    }
    let kind = kinds.iter().find(|kind| kind.name == default)?;
    (kind.read)(table)
}
