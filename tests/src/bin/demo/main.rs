//! The examples, one after another, each from an empty folder to what came out, for a person to look at.

mod data_actions;
mod systems;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use jackfield_tests::harness::repository;

fn main() -> ExitCode {
    jackfield_tests::verdict(demonstrate())
}

fn demonstrate() -> Result<bool, Box<dyn Error>> {
    let folder = repository().join("target/demo");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    heading("Data actions: windows, a join and a pattern over a stream");
    if !data_actions::demonstrate(&folder.join("data-actions"))? {
        return Ok(false);
    }
    systems::demonstrate(&folder)?;
    println!(
        "\nAll of it is in target/demo, a folder for each: *.db opens in any SQLite tool, *.jsonl in any editor."
    );
    Ok(true)
}

fn heading(text: &str) {
    println!("\n{text}\n{}\n", "=".repeat(text.len()));
}
