//! Standard output as the inspecting commands write it: tables and paragraphs for people, JSON lines for programs.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use console::Style;
use serde::Serialize;

/// The least that is left of a column which is cut to the terminal's width.
const LEAST_WIDTH: usize = 12;

/// Width of paragraphs where it is not known how wide the terminal is.
const PARAGRAPH_WIDTH: usize = 80;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What a command writes to.
pub(super) struct Page<'a> {
    out: Box<dyn Write + 'a>,
    /// Columns of the terminal; none if it is not one, and nothing is cut then.
    width: Option<usize>,
    colours: bool,
}

impl<'a> Page<'a> {
    /// Standard output.
    pub(super) fn stdout() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        Self {
            width: is_terminal.then(|| usize::from(console::Term::stdout().size().1)),
            colours: is_terminal && console::colors_enabled(),
            out: Box::new(io::BufWriter::new(stdout.lock())),
        }
    }

    /// Something else, as if it were a terminal of that width.
    #[cfg(test)]
    pub(super) fn to(out: impl Write + 'a, width: Option<usize>) -> Self {
        Self {
            out: Box::new(out),
            width,
            colours: false,
        }
    }

    pub(super) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{}", text.as_ref())
    }

    /// A line that says what follows.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = self.bold(text);
        self.line(text)
    }

    /// `name  value` with the values beneath each other; on a terminal long ones are broken between words.
    pub(super) fn facts(&mut self, facts: &[(&str, String)]) -> io::Result<()> {
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let room = self.width.map_or(usize::MAX, |columns| {
            columns.saturating_sub(width + 4).max(LEAST_WIDTH)
        });
        for (name, value) in facts {
            let is_long = console::measure_text_width(value) > room;
            let lines = if is_long {
                wrap(value, room)
            } else {
                vec![value.clone()]
            };
            for (index, line) in lines.iter().enumerate() {
                let name = if index == 0 { name } else { "" };
                self.line(format!("  {name:<width$}  {line}"))?;
            }
        }
        Ok(())
    }

    /// Words in lines that fit, each behind `indent` spaces.
    pub(super) fn paragraph(&mut self, text: &str, indent: usize) -> io::Result<()> {
        let width = self
            .width
            .unwrap_or(PARAGRAPH_WIDTH)
            .min(100)
            .saturating_sub(indent);
        for line in wrap(text, width.max(20)) {
            self.line(format!("{:indent$}{line}", ""))?;
        }
        Ok(())
    }

    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// On a terminal that is too narrow the last column is cut.
    pub(super) fn table(&mut self, table: &Table) -> io::Result<()> {
        let mut widths: Vec<usize> = table
            .columns
            .iter()
            .map(|column| column.name.len())
            .collect();
        for row in &table.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(console::measure_text_width(cell));
            }
        }
        if let (Some(available), Some((last, others))) = (self.width, widths.split_last_mut()) {
            let taken: usize = others.iter().map(|width| width + 2).sum();
            *last = (*last).min(available.saturating_sub(taken).max(LEAST_WIDTH));
        }
        let names: Vec<String> = table
            .columns
            .iter()
            .map(|column| column.name.to_owned())
            .collect();
        self.heading(&table.set(&names, &widths))?;
        for row in &table.rows {
            self.line(table.set(row, &widths))?;
        }
        Ok(())
    }

    /// Begins anew, for what is shown again and again: on an empty screen, or beneath what was shown before, if anything was.
    pub(super) fn begin_again(&mut self, was_shown: bool) -> io::Result<()> {
        match self.width {
            Some(_) => write!(self.out, "\x1b[2J\x1b[H"),
            None if was_shown => self.line(""),
            None => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn bold(&self, text: &str) -> String {
        Style::new()
            .force_styling(self.colours)
            .bold()
            .apply_to(text)
            .to_string()
    }
}

/// Rows under named columns, each as wide as its widest cell.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    is_number: bool,
}

/// A column of words, set to the left.
pub(super) const fn words(name: &'static str) -> Column {
    Column {
        name,
        is_number: false,
    }
}

/// A column of numbers, set to the right.
pub(super) const fn numbers(name: &'static str) -> Column {
    Column {
        name,
        is_number: true,
    }
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as there are columns; cells hold no control characters.
    pub(super) fn row(&mut self, cells: impl Into<Vec<String>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Without the columns in which every cell is `blank`.
    pub(super) fn without_blanks(mut self, blank: &str) -> Self {
        let told: Vec<bool> = (0..self.columns.len())
            .map(|column| self.rows.iter().any(|row| row[column] != blank))
            .collect();
        for row in &mut self.rows {
            let mut told = told.iter();
            row.retain(|_| told.next() == Some(&true));
        }
        let mut told = told.iter();
        self.columns.retain(|_| told.next() == Some(&true));
        self
    }

    fn set(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, column), &width) in cells.iter().zip(&self.columns).zip(widths) {
            let alignment = if column.is_number {
                console::Alignment::Right
            } else {
                console::Alignment::Left
            };
            line.push_str(&console::pad_str(cell, width, alignment, Some("…")));
            line.push_str("  ");
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Breaks text between words into lines of at most that width, wider only where a word is.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if console::measure_text_width(line) + 1 + console::measure_text_width(word)
                    <= width =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        width: Option<usize>,
        write: impl FnOnce(&mut Page<'_>) -> io::Result<()>,
    ) -> String {
        let mut out = Vec::new();
        let mut page = Page::to(&mut out, width);
        write(&mut page).unwrap();
        drop(page);
        String::from_utf8(out).unwrap()
    }

    fn table() -> Table {
        let mut table = Table::new(&[numbers("ID"), words("STAGE"), words("MESSAGE")]);
        table.row([
            "7".to_owned(),
            "parse".to_owned(),
            "the field `channel` is missing".to_owned(),
        ]);
        table.row(["1,117".to_owned(), "c".to_owned(), "late".to_owned()]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            written(None, |page| page.table(&table())),
            "   ID  STAGE  MESSAGE\n    7  parse  the field `channel` is missing\n1,117  c      late\n"
        );
    }

    #[test]
    fn on_a_narrow_terminal_the_last_column_is_cut() {
        let text = written(Some(30), |page| page.table(&table()));
        assert!(text.contains("    7  parse  the field `chan…\n"), "{text}");
        assert!(
            text.lines()
                .all(|line| console::measure_text_width(line) <= 30),
            "{text}"
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::new(&[words("KEY"), words("STAGE")]);
        table.row(["漢字".to_owned(), "parse".to_owned()]);
        table.row(["abcd".to_owned(), "parse".to_owned()]);
        assert_eq!(
            written(None, |page| page.table(&table)),
            "KEY   STAGE\n漢字  parse\nabcd  parse\n"
        );
    }

    #[test]
    fn a_column_that_says_nothing_is_left_out() {
        let mut table = Table::new(&[words("STAGE"), numbers("CPU"), words("MESSAGE")]);
        table.row(["parse", "-", "-"].map(str::to_owned));
        table.row(["count", "-", "late"].map(str::to_owned));
        assert_eq!(
            written(None, |page| page.table(&table.without_blanks("-"))),
            "STAGE  MESSAGE\nparse  -\ncount  late\n"
        );
    }

    #[test]
    fn facts_that_are_long_go_on_beneath_themselves() {
        let facts = [
            ("imports", "log, records, streams".to_owned()),
            ("size", "7 B".to_owned()),
        ];
        let text = written(Some(26), |page| page.facts(&facts));
        assert_eq!(
            text,
            "  imports  log, records,\n           streams\n  size     7 B\n"
        );
        assert!(written(None, |page| page.facts(&facts)).contains("log, records, streams"));
    }

    #[test]
    fn paragraphs_break_between_words() {
        let text = written(Some(24), |page| {
            page.paragraph("one two three four a-word-that-is-longer-than-a-line", 2)
        });
        assert_eq!(
            text,
            "  one two three four\n  a-word-that-is-longer-than-a-line\n"
        );
    }
}
