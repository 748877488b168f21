//! Lines for the operator of the host.
//!
//! In the sandbox they go to the host, which puts the name of the stage before them; natively, to standard error.

use std::fmt::Display;

/// For whoever works on the plugin.
pub fn debug(message: impl Display) {
    write("debug", &message);
}

/// For whoever wants to know that things go as they should.
pub fn info(message: impl Display) {
    write("info", &message);
}

/// Something that an operator should know of, though the stage goes on.
pub fn warn(message: impl Display) {
    write("warn", &message);
}

/// Something that keeps the stage from doing what it is for.
pub fn error(message: impl Display) {
    write("error", &message);
}

#[cfg(target_family = "wasm")]
fn write(level: &str, message: &dyn Display) {
    use crate::component::wit::jackfield::plugin::log::{Level, write};
    let level = match level {
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        _ => Level::Error,
    };
    write(level, &message.to_string());
}

#[cfg(not(target_family = "wasm"))]
fn write(level: &str, message: &dyn Display) {
    eprintln!("{level}: {message}");
}
