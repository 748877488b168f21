//! Lines on a terminal that are drawn anew: one a pipeline, log lines pass above them.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Watched;
use super::meter::Facts;

/// Columns for the name of a pipeline.
const LONGEST_NAME: usize = 20;

/// Columns that a bar needs to say anything.
const BAR: usize = 12;

/// Steps of a bar; its share of the input is all it shows.
const STEPS: u64 = 1_000;

pub(super) struct Live {
    lines: Vec<ProgressBar>,
    name_width: usize,
    terminal: console::Term,
}

impl Live {
    pub(super) fn new(watched: &[Watched], bars: &MultiProgress) -> Self {
        let names: Vec<_> = watched
            .iter()
            .map(|watched| console::truncate_str(&watched.name, LONGEST_NAME, "…"))
            .collect();
        let name_width = names
            .iter()
            .map(|name| console::measure_text_width(name))
            .max()
            .unwrap_or(0);
        let line = |name: &str| {
            let name =
                console::pad_str(name, name_width, console::Alignment::Left, None).into_owned();
            bars.add(
                ProgressBar::new(STEPS)
                    .with_style(style("{prefix} {msg}"))
                    .with_prefix(name),
            )
        };
        Self {
            lines: names.iter().map(|name| line(name)).collect(),
            name_width,
            terminal: console::Term::stderr(),
        }
    }

    /// Draws the line of a pipeline.
    pub(super) fn show(&mut self, index: usize, facts: &Facts) {
        let Some(line) = self.lines.get(index) else {
            return;
        };
        let width = usize::from(self.terminal.size().1).saturating_sub(self.name_width + 2);
        match facts.share {
            Some(share) => {
                line.set_style(style("{prefix} {wide_bar:.cyan/dim} {msg}").progress_chars("━╸─"));
                line.set_message(facts.within(width.saturating_sub(BAR)));
                line.set_position((share * STEPS as f64) as u64);
            }
            None => line.set_message(facts.within(width)),
        }
    }

    /// Takes the lines away.
    pub(super) fn clear(&self) {
        self.lines.iter().for_each(ProgressBar::finish_and_clear);
    }
}

fn style(template: &str) -> ProgressStyle {
    // Templates are written in this file, and one that is wrong is no reason to stop a pipeline.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
