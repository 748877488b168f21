//! Automata as drawings: states from left to right as events lead through them, and what is asked in a list below.
//!
//! Conditions are long, and edges short: each condition is a letter on its edges, and written out once.

mod layout;
mod text;

use std::fmt::Write;

use jackfield_cep::{Action, StateKind};

use crate::explain::{Edge, Explanation};
use layout::{HEIGHT, Layout, Point, WIDTH};
use text::{escaped, lines, width_of};

const MARGIN: f64 = 32.0;
const HEAD: f64 = 64.0;
const LINE: f64 = 20.0;
/// Longest line of a condition, in characters.
const LONGEST_LINE: usize = 96;

const STYLE: &str = "
  text { font: 13px system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; fill: #1c2733 }
  .title { font-size: 19px; font-weight: 600 }
  .faint { fill: #62717f; font-size: 12px }
  .name { font-weight: 600; text-anchor: middle }
  .kind { font-size: 10.5px; fill: #62717f; text-anchor: middle }
  .state { fill: #f4f7fa; stroke: #8496a6; stroke-width: 1.3 }
  .start { fill: #e7f0fb; stroke: #2f6db5 }
  .final { fill: #e4f4e8; stroke: #2c8446 }
  .pending { fill: #fdf3dc; stroke: #b57b10 }
  .stop { fill: #fbe9e7; stroke: #bb3a2b }
  .edge { fill: none; stroke-width: 1.6 }
  .take { stroke: #22303c } .ignore { stroke: #98a6b2; stroke-dasharray: 5 4 } .proceed { stroke: #6d5bb0; stroke-dasharray: 1.5 4; stroke-linecap: round }
  .label { font-size: 12px; text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round }
  .label.ignore { fill: #62717f; stroke: #fff; stroke-dasharray: none } .label.proceed { fill: #5a489c; stroke: #fff; stroke-dasharray: none }
  .label.take { stroke: #fff }
  .letter { font-weight: 600 }
  .condition { font: 12.5px ui-monospace, 'DejaVu Sans Mono', Consolas, monospace }
";

/// An SVG document.
pub(crate) fn draw(explanation: &Explanation) -> String {
    let conditions = conditions(&explanation.edges);
    let layout = Layout::of(explanation);
    let legend: Vec<Vec<String>> = conditions
        .iter()
        .map(|condition| lines(condition, LONGEST_LINE))
        .collect();
    let widest = legend
        .iter()
        .flatten()
        .map(|line| width_of(line, 7.6))
        .fold(0.0, f64::max)
        + 48.0;
    let head = width_of(&explanation.name, 11.0).max(300.0);
    let width = layout.width.max(widest).max(head).max(560.0) + 2.0 * MARGIN;
    let legend_height = LINE * legend.iter().map(Vec::len).sum::<usize>() as f64;
    let foot = HEAD + layout.height + 16.0;
    let height = foot + legend_height + 56.0 + MARGIN / 2.0;

    let mut svg = Svg(String::new());
    svg.line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img">"#
    ));
    svg.line(format_args!(
        "<title>{}</title>",
        escaped(&explanation.name)
    ));
    svg.line(format_args!("<style>{STYLE}</style>"));
    svg.markers();
    svg.line(format_args!(
        r##"<rect width="100%" height="100%" fill="#fff"/>"##
    ));
    svg.text("title", Point::new(MARGIN, 34.0), &explanation.name);
    let whole = explanation.whole.join("; ");
    svg.text(
        "faint",
        Point::new(MARGIN, 54.0),
        &format!("definition {} · {whole}", explanation.rule),
    );
    svg.line(format_args!(
        r#"<g transform="translate({MARGIN} {HEAD})">"#
    ));
    for (index, edge) in explanation.edges.iter().enumerate() {
        let letter = conditions
            .iter()
            .position(|condition| *condition == edge.condition);
        svg.edge(
            &layout,
            index,
            edge,
            &letter.map(letter_of).unwrap_or_default(),
        );
    }
    svg.states(explanation, &layout);
    svg.line(format_args!("</g>"));
    svg.key(foot);
    svg.legend(foot + 30.0, &legend);
    svg.line(format_args!("</svg>"));
    svg.0
}

/// What edges ask, each once.
fn conditions(edges: &[Edge]) -> Vec<&str> {
    let mut conditions: Vec<&str> = Vec::new();
    for edge in edges {
        let condition = edge.condition.as_str();
        if !condition.is_empty() && !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    conditions
}

/// A, B, … Z, A1, B1, …
fn letter_of(index: usize) -> String {
    // Less than 26.
    let letter = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

fn class_of(action: Action) -> &'static str {
    match action {
        Action::Take => "take",
        Action::Ignore => "ignore",
        Action::Proceed => "proceed",
    }
}

/// A document that is being written.
struct Svg(String);

impl Svg {
    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.0.write_fmt(arguments);
        self.0.push('\n');
    }

    fn text(&mut self, class: &str, at: Point, text: &str) {
        let text = escaped(text);
        self.line(format_args!(
            r#"<text class="{class}" x="{:.1}" y="{:.1}">{text}</text>"#,
            at.x, at.y
        ));
    }

    fn markers(&mut self) {
        self.line(format_args!("<defs>"));
        for (class, colour) in [
            ("take", "#22303c"),
            ("ignore", "#98a6b2"),
            ("proceed", "#6d5bb0"),
        ] {
            self.line(format_args!(
                r#"<marker id="{class}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0.8 L10 5 L0 9.2 z" fill="{colour}"/></marker>"#
            ));
        }
        self.line(format_args!("</defs>"));
    }

    fn edge(&mut self, layout: &Layout, index: usize, edge: &Edge, letter: &str) {
        let class = class_of(edge.action);
        let (path, label) = layout.path(index, edge);
        self.line(format_args!(
            r#"<path class="edge {class}" d="{path}" marker-end="url(#{class})"/>"#
        ));
        let label_text = if letter.is_empty() {
            "any".to_owned()
        } else {
            letter.to_owned()
        };
        let shown = edge.action != Action::Proceed || !letter.is_empty();
        if shown {
            self.text(&format!("label {class}"), label, &label_text);
        }
    }

    fn states(&mut self, explanation: &Explanation, layout: &Layout) {
        let leads_to = |place: usize| explanation.edges.iter().any(|edge| edge.to == place);
        for (index, (state, at)) in explanation.states.iter().zip(&layout.places).enumerate() {
            // What is not to happen in the end leads to a match by time alone.
            if state.kind == StateKind::Final && !leads_to(index) {
                continue;
            }
            let class = match state.kind {
                StateKind::Start => "start",
                StateKind::Final => "final",
                StateKind::Pending => "pending",
                StateKind::Stop => "stop",
                StateKind::Normal => "",
            };
            let (x, y) = (at.x - WIDTH / 2.0, at.y - HEIGHT / 2.0);
            self.line(format_args!(
                r#"<rect class="state {class}" x="{x:.1}" y="{y:.1}" width="{WIDTH}" height="{HEIGHT}" rx="10"/>"#
            ));
            if matches!(state.kind, StateKind::Final | StateKind::Pending) {
                let (x, y, width, height) = (x + 3.5, y + 3.5, WIDTH - 7.0, HEIGHT - 7.0);
                self.line(format_args!(
                    r#"<rect class="state {class}" x="{x:.1}" y="{y:.1}" width="{width}" height="{height}" rx="7"/>"#
                ));
            }
            let limit = state.limit.map(|limit| format!("for less than {limit} ms"));
            let kind = match state.kind {
                StateKind::Start => "begins here".to_owned(),
                StateKind::Pending => "match when time is up".to_owned(),
                StateKind::Stop => "ends the match".to_owned(),
                _ => limit.unwrap_or_default(),
            };
            let name = if state.kind == StateKind::Final {
                "match"
            } else {
                &state.name
            };
            let lift = if kind.is_empty() { 4.5 } else { -1.5 };
            self.text("name", Point::new(at.x, at.y + lift), &shortened(name));
            if !kind.is_empty() {
                self.text("kind", Point::new(at.x, at.y + 13.5), &kind);
            }
        }
    }

    /// What the kinds of lines mean.
    fn key(&mut self, y: f64) {
        let mut x = MARGIN;
        for (class, words) in [
            ("take", "takes the event"),
            ("ignore", "passes it over"),
            ("proceed", "goes on without one"),
        ] {
            self.line(format_args!(
                r#"<path class="edge {class}" d="M{x:.1} {:.1} h34" marker-end="url(#{class})"/>"#,
                y - 4.0
            ));
            self.text("faint", Point::new(x + 42.0, y), words);
            x += 56.0 + width_of(words, 7.0);
        }
    }

    fn legend(&mut self, mut y: f64, legend: &[Vec<String>]) {
        for (index, lines) in legend.iter().enumerate() {
            self.text("letter", Point::new(MARGIN, y), &letter_of(index));
            for line in lines {
                self.text("condition", Point::new(MARGIN + 34.0, y), line);
                y += LINE;
            }
        }
    }
}

/// A name that fits into a state.
fn shortened(name: &str) -> String {
    const MOST: usize = 19;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let begin: String = name.chars().take(MOST - 1).collect();
    format!("{begin}…")
}
