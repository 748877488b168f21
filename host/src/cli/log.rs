//! Log lines on standard error. `JACKFIELD_LOG` says which, as in `JACKFIELD_LOG=debug`; by default `info`, of the driver of Cassandra nothing.

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;

use super::LogFormat;

/// The driver of Cassandra writes a line for every connection that does not come about, over and over; what is waited for is said once, by the sink.
const DEFAULT: &str = "info,scylla=off";

/// Starts the log; its lines pass above the `bars` that are drawn.
pub(super) fn start(format: LogFormat, bars: &MultiProgress) {
    let filter =
        EnvFilter::try_from_env("JACKFIELD_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let bars = bars.clone();
    let writer = move || AboveBars { bars: bars.clone() };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Takes the bars away for as long as a line is written, and draws them again beneath it.
struct AboveBars {
    bars: MultiProgress,
}

impl Write for AboveBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
