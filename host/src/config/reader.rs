//! Reads typed values out of the tree. Whatever is wrong is reported and reading goes on, so that a manifest with five
//! mistakes takes one round to put right, not five.

mod scalar;
mod table;

use std::cell::RefCell;
use std::path::PathBuf;

pub(crate) use table::TableReader;

use crate::config::code;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::nearest::{list, nearest};
use crate::config::place::Located;
use crate::config::tree::{Node, Value};

/// A type that a value of the tree can be read as.
pub(crate) trait Read: Sized {
    /// Reports why the value is not one and returns nothing then.
    fn read(node: &Node, context: &Context) -> Option<Self>;
}

/// A type whose values are read within a range. No range reaches the end of its type: what is larger is read as that end,
/// and then found outside the range.
pub(crate) trait Measure: Read + PartialOrd {
    /// The value as one would write it.
    fn show(&self) -> String;
}

/// What reading needs beside the tree: where relative paths begin, and where mistakes are gathered.
pub(crate) struct Context {
    folder: PathBuf,
    diagnostics: RefCell<Diagnostics>,
}

impl Context {
    /// `folder` is the manifest's.
    pub(crate) fn new(folder: PathBuf, diagnostics: Diagnostics) -> Self {
        Self {
            folder,
            diagnostics: RefCell::new(diagnostics),
        }
    }

    pub(crate) fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics.into_inner()
    }

    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// Reports a value of another type than is `expected`.
    pub(crate) fn wrong_type<T>(&self, node: &Node, expected: &str) -> Option<T> {
        if matches!(node.value, Value::Unresolved) {
            return None;
        }
        let mut diagnostic = Diagnostic::new(
            &code::WRONG_TYPE,
            node.place.clone(),
            format!("`{}` has a value of the wrong type", node.place.key()),
        )
        .found(node.describe())
        .expected(expected);
        if let Value::Text(text) = &node.value
            && (text.content.parse::<i64>().is_ok() || text.content.parse::<bool>().is_ok())
        {
            diagnostic = diagnostic.help("write it without quotes");
        }
        self.report(diagnostic);
        None
    }

    /// A string. The value of a `--set` option is one whatever it looks like: `--set preflight.0.action=42` has no quotes
    /// because the shell took them.
    pub(crate) fn text<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(&text.content),
            Value::Array(_) | Value::Table(_) | Value::Unresolved => {
                self.wrong_type(node, "a string")
            }
            _ if node.place.is_override() => Some(node.place.text()),
            _ => self.wrong_type(node, "a string"),
        }
    }

    /// One of a few words.
    pub(crate) fn choice<T: Clone>(&self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(choice.clone());
        }
        let names = || choices.iter().map(|(name, _)| *name);
        let mut diagnostic = Diagnostic::new(
            &code::UNKNOWN_CHOICE,
            node.place.clone(),
            format!("`{}` cannot be `{text}`", node.place.key()),
        )
        .expected(one_of(names()));
        if let Some(name) = nearest(text, names()) {
            diagnostic = diagnostic.help(format!("did you mean `{name}`?"));
        }
        self.report(diagnostic);
        None
    }

    pub(crate) fn read_located<T: Read>(&self, node: &Node) -> Option<Located<T>> {
        T::read(node, self).map(|value| Located::new(value, node.place.clone()))
    }

    /// A list with at least one element.
    pub(crate) fn list<T: Read>(&self, node: &Node) -> Option<Vec<Located<T>>> {
        let Value::Array(elements) = &node.value else {
            return self.wrong_type(node, "an array; a single element goes into brackets too");
        };
        if elements.is_empty() {
            self.report(
                Diagnostic::new(
                    &code::OUT_OF_RANGE,
                    node.place.clone(),
                    format!("`{}` is empty", node.place.key()),
                )
                .expected("at least one element"),
            );
            return None;
        }
        let read: Vec<_> = elements
            .iter()
            .map(|element| self.read_located(element))
            .collect();
        read.into_iter().collect()
    }

    /// One value or a list of them, none twice.
    pub(crate) fn one_or_more<T: Read + PartialEq>(&self, node: &Node) -> Option<Vec<Located<T>>> {
        if !matches!(node.value, Value::Array(_)) {
            return self.read_located(node).map(|one| vec![one]);
        }
        let all = self.list::<T>(node)?;
        self.refuse_repetition(&all);
        Some(all)
    }

    /// Reports each element that stands in the list before.
    pub(crate) fn refuse_repetition<T: PartialEq>(&self, elements: &[Located<T>]) {
        for (index, element) in elements.iter().enumerate() {
            let mut earlier = elements[..index].iter();
            if let Some(first) = earlier.find(|earlier| earlier.value == element.value) {
                self.report(
                    Diagnostic::new(
                        &code::DUPLICATE,
                        element.place.clone(),
                        format!(
                            "`{}` stands in the list twice",
                            element.place.text().trim_matches(['"', '\''])
                        ),
                    )
                    .related(first.place.clone(), "it is here already"),
                );
            }
        }
    }
}

/// ``one of `a`, `b` ``.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names = list(names);
    if names.contains(", ") {
        format!("one of {names}")
    } else {
        names
    }
}
