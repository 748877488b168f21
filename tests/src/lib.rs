//! What proves Jackfield right and measures it. A test of a pipeline is worth as much as the answer it compares with, so
//! the answers come from elsewhere: from [`model`], which shares no code with the pipeline and is itself held against the
//! output of Apache Flink. [`generator`] makes the input, [`harness`] runs the host as any user does, as a process, and
//! [`comparison`] tells row by row what was lost, doubled or changed.

pub mod chart;
pub mod comparison;
pub mod feed;
pub mod flink;
pub mod generator;
pub mod harness;
pub mod model;
pub mod native;
pub mod random;
pub mod scenario;
pub mod served;
pub mod service;
pub mod services;
pub mod systems;
pub mod table;

use std::error::Error;
use std::process::ExitCode;

/// How a program ends that looks for damage: well only if it has looked and found none. Why it could not look is said.
#[must_use]
pub fn verdict(is_well: Result<bool, Box<dyn Error>>) -> ExitCode {
    match is_well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
