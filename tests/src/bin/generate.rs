//! Writes input for the data-actions pipeline to files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jackfield_tests::generator::{self, DEFAULT_SEED, Generator, Traffic};

/// Writes input for the data-actions pipeline, the same for the same seed.
#[derive(Parser)]
struct Arguments {
    /// Lines to write.
    #[arg(long, default_value_t = 200_000)]
    records: u64,
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// File to write; with more parts than one, line i goes to FILE.(i mod parts).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[arg(long, default_value_t = 1)]
    parts: u64,
    /// With late, incomplete, malformed and repeated records.
    #[arg(long, conflicts_with = "realistic")]
    hostile: bool,
    /// With busy times, an outage and a few late records.
    #[arg(long)]
    realistic: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let traffic = match (arguments.hostile, arguments.realistic) {
        (true, _) => Traffic::Hostile,
        (_, true) => Traffic::Realistic,
        _ => Traffic::Plain,
    };
    let generator = Generator::new(arguments.seed, traffic);
    match generator::write_files(
        generator,
        arguments.records,
        &arguments.out,
        arguments.parts,
    ) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", arguments.out.display());
            ExitCode::FAILURE
        }
    }
}
