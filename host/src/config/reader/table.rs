//! A table knows which of its keys were asked for; the others are mistakes.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::name::Name;
use crate::config::nearest::{list, nearest};
use crate::config::place::{Located, Place};
use crate::config::reader::{Context, Measure, Read};
use crate::config::tree::{Entry, Node, Value, key_path};

/// Reads the keys of a table.
pub(crate) struct TableReader<'a> {
    node: &'a Node,
    entries: &'a [Entry],
    context: &'a Context,
    /// The keys that were asked for so far.
    known: RefCell<Vec<&'static str>>,
    accepts_any_key: Cell<bool>,
}

impl<'a> TableReader<'a> {
    pub(crate) fn new(node: &'a Node, context: &'a Context) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table");
        };
        Some(Self {
            node,
            entries,
            context,
            known: RefCell::default(),
            accepts_any_key: Cell::new(false),
        })
    }

    pub(crate) fn context(&self) -> &'a Context {
        self.context
    }

    /// Where the table begins: its key or header.
    pub(crate) fn header(&self) -> &'a Place {
        &self.node.key_place
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.context.report(diagnostic);
    }

    /// A value that the manifest does not give; its place is that of the table.
    pub(crate) fn default<T>(&self, value: T) -> Located<T> {
        Located::new(value, self.header().clone())
    }

    pub(crate) fn optional_node(&self, key: &'static str) -> Option<&'a Node> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.node)
    }

    pub(crate) fn required_node(&self, key: &'static str) -> Option<&'a Node> {
        let node = self.optional_node(key);
        if node.is_none() {
            self.report(self.missing(key));
        }
        node
    }

    fn missing(&self, key: &str) -> Diagnostic {
        let path = self.node.place.key();
        let table = if path.is_empty() {
            "the manifest".to_owned()
        } else {
            format!("`{path}`")
        };
        let addition = if path.is_empty() {
            format!("add the table `[{key}]`")
        } else {
            format!("add `{}`", key_path(path, key))
        };
        Diagnostic::new(
            &code::MISSING_KEY,
            self.header().clone(),
            format!("{table} lacks `{key}`"),
        )
        .help(addition)
    }

    pub(crate) fn required<T: Read>(&self, key: &'static str) -> Option<Located<T>> {
        self.context.read_located(self.required_node(key)?)
    }

    pub(crate) fn optional<T: Read>(&self, key: &'static str) -> Option<Located<T>> {
        self.context.read_located(self.optional_node(key)?)
    }

    pub(crate) fn required_within<T: Measure>(
        &self,
        key: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<Located<T>> {
        self.within(self.required_node(key)?, range)
    }

    pub(crate) fn optional_within<T: Measure>(
        &self,
        key: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<Located<T>> {
        self.within(self.optional_node(key)?, range)
    }

    fn within<T: Measure>(&self, node: &Node, range: RangeInclusive<T>) -> Option<Located<T>> {
        let measure = self.context.read_located::<T>(node)?;
        if range.contains(&measure.value) {
            return Some(measure);
        }
        self.report(
            Diagnostic::new(
                &code::OUT_OF_RANGE,
                node.place.clone(),
                format!("`{}` is out of range", node.place.key()),
            )
            .found(node.describe())
            .expected(format!(
                "from `{}` to `{}`",
                range.start().show(),
                range.end().show()
            )),
        );
        None
    }

    pub(crate) fn required_choice<T: Clone>(
        &self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        self.context.choice(self.required_node(key)?, choices)
    }

    /// A list with at least one element.
    pub(crate) fn required_list<T: Read>(&self, key: &'static str) -> Option<Vec<Located<T>>> {
        self.context.list(self.required_node(key)?)
    }

    /// A list with at least one element, if there is one.
    pub(crate) fn optional_list<T: Read>(&self, key: &'static str) -> Option<Vec<Located<T>>> {
        self.context.list(self.optional_node(key)?)
    }

    /// One value or a list of them, none twice.
    pub(crate) fn required_one_or_more<T: Read + PartialEq>(
        &self,
        key: &'static str,
    ) -> Option<Vec<Located<T>>> {
        self.context.one_or_more(self.required_node(key)?)
    }

    /// A table whose keys are the manifest's choice, with at least one; `example` shows one.
    pub(crate) fn required_entries<T>(
        &self,
        key: &'static str,
        example: &str,
        read: impl Fn(&Located<String>, &Node, &Context) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = self.required_node(key)?;
        if !matches!(node.value, Value::Table(_)) {
            let expected = format!("a table, such as `{example}`");
            return self.context.wrong_type(node, &expected);
        }
        let table = TableReader::new(node, self.context)?;
        if table.is_empty() {
            self.report(
                Diagnostic::new(
                    &code::OUT_OF_RANGE,
                    table.header().clone(),
                    format!("`{}` is empty", node.place.key()),
                )
                .expected(format!("at least one entry, such as `{example}`")),
            );
            return None;
        }
        let entries: Vec<_> = table
            .entries
            .iter()
            .map(|entry| {
                let key = Located::new(entry.key.clone(), entry.node.key_place.clone());
                read(&key, &entry.node, self.context)
            })
            .collect();
        entries.into_iter().collect()
    }

    /// As [`required_entries`](Self::required_entries), with none if there is no such table.
    pub(crate) fn optional_entries<T>(
        &self,
        key: &'static str,
        example: &str,
        read: impl Fn(&Located<String>, &Node, &Context) -> Option<T>,
    ) -> Option<Vec<T>> {
        match self.optional_node(key) {
            Some(_) => self.required_entries(key, example, read),
            None => Some(Vec::new()),
        }
    }

    pub(crate) fn required_table<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&TableReader<'_>) -> Option<T>,
    ) -> Option<T> {
        read_table(self.required_node(key)?, self.context, read)
    }

    pub(crate) fn optional_table<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&TableReader<'_>) -> Option<T>,
    ) -> Option<T> {
        read_table(self.optional_node(key)?, self.context, read)
    }

    /// An array of tables (`[[key]]`); those that cannot be read are reported and left out.
    pub(crate) fn tables<T>(
        &self,
        key: &'static str,
        read: impl Fn(&TableReader<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = self.optional_node(key) else {
            return Vec::new();
        };
        let Value::Array(elements) = &node.value else {
            let expected = format!("an array of tables, each begun by `[[{key}]]`");
            self.context.wrong_type::<()>(node, &expected);
            return Vec::new();
        };
        elements
            .iter()
            .filter_map(|element| read_table(element, self.context, &read))
            .collect()
    }

    /// Tables by name (`[key.NAME]`); those that cannot be read are reported and left out.
    pub(crate) fn named_tables<T>(
        &self,
        key: &'static str,
        read: impl Fn(Located<Name>, &TableReader<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(table) = self
            .optional_node(key)
            .and_then(|node| TableReader::new(node, self.context))
        else {
            return Vec::new();
        };
        let read_entry = |entry: &Entry| {
            let key = Located::new(entry.key.clone(), entry.node.key_place.clone());
            // Also what has a wrong name is read, for the other mistakes in it.
            let name = Name::located(&key, self.context);
            let stand_in = || Located::new(Name::stand_in(), key.place.clone());
            let is_named = name.is_some();
            let name = name.unwrap_or_else(stand_in);
            let read = read_table(&entry.node, self.context, |table| read(name, table));
            read.filter(|_| is_named)
        };
        table.entries.iter().filter_map(read_entry).collect()
    }

    /// The keys of a table by name, whether or not what they name can be read.
    pub(crate) fn names_in(&self, key: &'static str) -> Vec<Located<String>> {
        match self.optional_node(key).map(|node| &node.value) {
            Some(Value::Table(entries)) => entries
                .iter()
                .map(|entry| Located::new(entry.key.clone(), entry.node.key_place.clone()))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Leaves the keys of the table unchecked.
    pub(crate) fn accept_any_key(&self) {
        self.accepts_any_key.set(true);
    }

    /// Reports the keys that were not asked for.
    pub(crate) fn finish(self) {
        if self.accepts_any_key.get() {
            return;
        }
        let known = self.known.borrow();
        for entry in self.entries {
            if !known.contains(&entry.key.as_str()) {
                self.report(self.unknown(entry, &known));
            }
        }
    }

    fn unknown(&self, entry: &Entry, known: &[&'static str]) -> Diagnostic {
        let table = match self.node.place.key() {
            "" => "a manifest".to_owned(),
            path => format!("`{path}`"),
        };
        let problem = format!("{table} has no key `{}`", entry.key);
        let mut diagnostic =
            Diagnostic::new(&code::UNKNOWN_KEY, entry.node.key_place.clone(), problem);
        if !known.is_empty() {
            diagnostic = diagnostic.expected(list(known.iter().copied()));
        }
        if let Some(name) = nearest(&entry.key, known.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{name}`?"));
        }
        diagnostic
    }
}

fn read_table<T>(
    node: &Node,
    context: &Context,
    read: impl FnOnce(&TableReader<'_>) -> Option<T>,
) -> Option<T> {
    let table = TableReader::new(node, context)?;
    let value = read(&table);
    table.finish();
    value
}
