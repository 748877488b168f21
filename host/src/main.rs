//! The `jackfield` command.

use std::process::ExitCode;

use clap::Parser;
use jackfield::cli::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}
