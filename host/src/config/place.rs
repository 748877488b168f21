//! A complaint is only as good as the place it points at. Every value that a person wrote keeps where it was written, in
//! a manifest or in a `--set` option, so that a check made much later still shows the line.

use std::fmt;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// Where a text that values are read from comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A manifest file.
    Manifest,
    /// One `--set path.to.key=value` option of the command line.
    Override,
}

/// A text that values are read from.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// The manifest's path as it was given, or `--set`.
    pub name: String,
    /// The whole text of the manifest, or of the option.
    pub text: String,
    /// What kind of text it is.
    pub kind: DocumentKind,
}

impl Document {
    /// The manifest at `path`, shown to people as that path is spelled.
    pub fn manifest(path: &Path, text: String) -> Arc<Self> {
        Arc::new(Self {
            name: path.display().to_string(),
            text,
            kind: DocumentKind::Manifest,
        })
    }

    /// A `--set` option; `text` is what follows `--set`.
    pub fn option(text: &str) -> Arc<Self> {
        Arc::new(Self {
            name: "--set".to_owned(),
            text: text.to_owned(),
            kind: DocumentKind::Override,
        })
    }
}

/// Where something was written: a part of a document, and the key path it stands at.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    document: Arc<Document>,
    /// Bytes of the document's text; none is the document as a whole.
    span: Option<Range<usize>>,
    key: Arc<str>,
}

impl Place {
    /// A part of a document, given in bytes, at a key path such as `stages.parse.inputs.lines[0]`.
    pub fn new(document: &Arc<Document>, span: Range<usize>, key: &str) -> Self {
        let end = document.text.len();
        Self {
            document: Arc::clone(document),
            span: Some(span.start.min(end)..span.end.min(end)),
            key: Arc::from(key),
        }
    }

    /// A document as a whole, for what concerns no part of it.
    pub fn whole(document: &Arc<Document>) -> Self {
        Self {
            document: Arc::clone(document),
            span: None,
            key: Arc::from(""),
        }
    }

    /// The document that the place is in.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// The bytes of the document's text, unless the place is the document as a whole.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// The key path, such as `sources.records.paths[0]`; empty for a document as a whole.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Line and column, both counted from 1, the column in characters. An option has neither.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let span = self.span.as_ref()?;
        if self.document.kind == DocumentKind::Override {
            return None;
        }
        let before = self.document.text.get(..span.start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.get(line_start..)?.chars().count() + 1;
        Some((line, column))
    }

    /// What is written there; empty for a document as a whole.
    pub fn text(&self) -> &str {
        self.span
            .clone()
            .and_then(|span| self.document.text.get(span))
            .unwrap_or_default()
    }

    /// Whether the place is a `--set` option.
    pub fn is_override(&self) -> bool {
        self.document.kind == DocumentKind::Override
    }

    /// The same key, pointing at the first occurrence of `part` in what is written there, if it stands there verbatim.
    pub(crate) fn narrowed_to(&self, part: &str) -> Self {
        let Some(span) = &self.span else {
            return self.clone();
        };
        let Some(offset) = self.text().find(part) else {
            return self.clone();
        };
        let start = span.start + offset;
        Self {
            span: Some(start..start + part.len()),
            ..self.clone()
        }
    }
}

/// `file:line:column`, or `--set path.to.key=value`.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.document.kind, self.line_and_column()) {
            (DocumentKind::Override, _) => {
                write!(formatter, "{} {}", self.document.name, self.document.text)
            }
            (DocumentKind::Manifest, Some((line, column))) => {
                write!(formatter, "{}:{line}:{column}", self.document.name)
            }
            (DocumentKind::Manifest, None) => formatter.write_str(&self.document.name),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self} ({})", self.key)
    }
}

/// A value and the place where it was written. A value by default has the place of the table that it would stand in.
///
/// Two are equal if their values are: a line that is put in above changes nothing.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

impl<T> Located<T> {
    /// A value written at a place.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// Another value made of this one, written at the same place.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Located<U> {
        Located::new(make(self.value), self.place)
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Located<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_not_bytes() {
        let document = Document::manifest(Path::new("m.toml"), "a = 1\nü = 'x'\n".to_owned());
        let start = document.text.find('\'').unwrap();
        let place = Place::new(&document, start..start + 3, "ü");
        assert_eq!(place.line_and_column(), Some((2, 5)));
        assert_eq!(place.to_string(), "m.toml:2:5");
        assert_eq!(place.text(), "'x'");
    }

    #[test]
    fn an_option_is_shown_as_it_was_given() {
        let document = Document::option("pipeline.name=orders");
        let place = Place::new(&document, 14..20, "pipeline.name");
        assert_eq!(place.to_string(), "--set pipeline.name=orders");
        assert_eq!(place.line_and_column(), None);
    }
}
