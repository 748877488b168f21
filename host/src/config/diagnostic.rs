//! Someone who writes a manifest wants every mistake at once, each with enough beside it to be put right without a look
//! into the documentation: a stable code, the place, what was found, what is allowed and what to do.

mod json;
mod render;

use std::fmt;

use crate::config::code::Code;
use crate::config::place::Place;

/// One thing that is wrong with what a person wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The kind of mistake.
    pub code: &'static Code,
    /// Where it is.
    pub place: Place,
    /// What is wrong, in a line.
    pub problem: String,
    /// What was found at the place.
    pub found: Option<String>,
    /// What is allowed there.
    pub expected: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the text at the place has to stay out of the message, because there may be a secret in it.
    pub hides_source: bool,
    /// Other places that have a part in it, each with what it has to do with it.
    pub related: Vec<(Place, String)>,
}

impl Diagnostic {
    /// Something wrong at a place; the rest is added by the methods below.
    pub fn new(code: &'static Code, place: Place, problem: impl Into<String>) -> Self {
        Self {
            code,
            place,
            problem: problem.into(),
            found: None,
            expected: None,
            help: None,
            hides_source: false,
            related: Vec::new(),
        }
    }

    /// Adds what was found at the place.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Adds what is allowed at the place.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Keeps the text at the place out of the message: there may be a secret in it.
    #[must_use]
    pub fn without_source(mut self) -> Self {
        self.hides_source = true;
        self
    }

    /// Adds another place that has a part in it.
    #[must_use]
    pub fn related(mut self, place: Place, role: impl Into<String>) -> Self {
        self.related.push((place, role.into()));
        self
    }
}

/// Everything that was found wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One after the other, in the order in which they are shown.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self.sorted())
        }
    }

    /// In the order of the text. Documents stay in the order in which they first appear.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let mut documents: Vec<String> = Vec::new();
        for diagnostic in &self.0 {
            let name = &diagnostic.place.document().name;
            if !documents.contains(name) {
                documents.push(name.clone());
            }
        }
        self.0.sort_by_key(|diagnostic| {
            let name = &diagnostic.place.document().name;
            let document = documents.iter().position(|known| known == name);
            let start = diagnostic.place.span().map_or(0, |span| span.start);
            (document, start)
        });
        self
    }

    /// The text for people, with a part of the source under each. `colours` are for a terminal only.
    pub fn render(&self, colours: bool) -> String {
        render::render(&self.0, colours)
    }

    /// One JSON object a line, with the fields `code`, `title`, `file`, `line`, `column`, `key`, `problem`, `found`,
    /// `expected`, `help` and `related`; what does not apply is left out.
    pub fn to_json_lines(&self) -> String {
        json::to_lines(&self.0)
    }
}

/// As rendered without colours.
impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: I) {
        self.0.extend(diagnostics);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::code;
    use crate::config::place::Document;

    fn diagnostic() -> Diagnostic {
        let text = "[pipeline]\nname = 7\n".to_owned();
        let document = Document::manifest(Path::new("m.toml"), text);
        let place = Place::new(&document, 18..19, "pipeline.name");
        Diagnostic::new(&code::WRONG_TYPE, place, "a wrong name").expected("a string")
    }

    #[test]
    fn programs_get_a_json_object_a_line() {
        assert_eq!(
            Diagnostics::from(diagnostic()).to_json_lines(),
            r#"{"code":"JF-1005","title":"value of the wrong type","file":"m.toml","line":2,"column":8,"key":"pipeline.name","problem":"a wrong name","expected":"a string"}"#
                .to_owned()
                + "\n"
        );
    }

    #[test]
    fn colours_are_for_terminals_only() {
        let diagnostics = Diagnostics::from(diagnostic());
        assert!(!diagnostics.render(false).contains('\u{1b}'));
        assert!(diagnostics.render(true).contains('\u{1b}'));
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        let diagnostics = Diagnostics::from(diagnostic().without_source());
        let rendered = diagnostics.render(false);
        assert!(!rendered.contains("name = 7"), "{rendered}");
        assert!(rendered.contains("m.toml:2:8"), "{rendered}");
    }
}
