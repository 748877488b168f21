//! The text for people: what is wrong, the lines of the source it is about, then what is allowed and what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::config::diagnostic::Diagnostic;
use crate::config::place::Place;

/// How an option is written before its text.
const OPTION: &str = "--set ";

pub(super) fn render(diagnostics: &[Diagnostic], colours: bool) -> String {
    let renderer = if colours {
        Renderer::styled().decor_style(DecorStyle::Unicode)
    } else {
        Renderer::plain()
    };
    let texts: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| renderer.render(&[group(diagnostic)]) + "\n")
        .collect();
    texts.join("\n")
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let title = Level::ERROR
        .primary_title(diagnostic.problem.as_str())
        .id(diagnostic.code.id);
    let label = diagnostic
        .found
        .as_ref()
        .map(|found| format!("found {found}"));
    let has_no_snippet = diagnostic.hides_source || diagnostic.place.span().is_none();
    let mut group = if has_no_snippet {
        title.element(origin(&diagnostic.place))
    } else {
        title.elements(snippets(diagnostic, label.clone()))
    };
    if let (true, Some(label)) = (has_no_snippet, label) {
        group = group.element(Level::NOTE.message(label));
    }
    let key = diagnostic.place.key();
    if !key.is_empty() && !diagnostic.problem.contains(&format!("`{key}`")) {
        group = group.element(Level::NOTE.message(format!("the key is `{key}`")));
    }
    if let Some(expected) = &diagnostic.expected {
        group = group.element(Level::NOTE.message(format!("allowed: {expected}")));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

fn origin(place: &Place) -> Origin<'_> {
    if place.is_override() {
        return Origin::path(format!("{OPTION}{}", place.key()));
    }
    let origin = Origin::path(place.document().name.as_str());
    match place.line_and_column() {
        Some((line, column)) => origin.line(line).char_column(column),
        None => origin,
    }
}

/// One for each document that has a part in it, that of the place itself first.
fn snippets(diagnostic: &Diagnostic, label: Option<String>) -> Vec<Snippet<'_, Annotation<'_>>> {
    let primary = &diagnostic.place;
    let mut snippet =
        source(primary).annotations(annotation(primary, AnnotationKind::Primary, label));
    let mut others = Vec::new();
    for (place, role) in &diagnostic.related {
        let annotation = annotation(place, AnnotationKind::Context, Some(role.clone()));
        if place.document() == primary.document() {
            snippet = snippet.annotations(annotation);
        } else {
            others.push(source(place).annotations(annotation));
        }
    }
    std::iter::once(snippet).chain(others).collect()
}

fn source(place: &Place) -> Snippet<'_, Annotation<'_>> {
    let document = place.document();
    if place.is_override() {
        return Snippet::source(format!("{OPTION}{}", document.text)).line_numbering(false);
    }
    Snippet::source(document.text.as_str()).path(document.name.as_str())
}

fn annotation(
    place: &Place,
    kind: AnnotationKind,
    label: Option<String>,
) -> Option<Annotation<'static>> {
    let span = place.span()?;
    let offset = if place.is_override() { OPTION.len() } else { 0 };
    let span = span.start + offset..span.end + offset;
    Some(kind.span(span).label(label))
}
