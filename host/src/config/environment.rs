//! The environment is read through a trait, so that a test brings its own and nothing depends on the process it runs in.

use std::collections::{BTreeMap, HashMap};
use std::env::VarError;

use thiserror::Error;

/// Where environment variables are looked up.
pub trait Environment {
    /// The value of a variable; nothing if it is not set.
    ///
    /// # Errors
    /// The variable is set, but not to Unicode text.
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode>;
}

/// The value of an environment variable is not Unicode text.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the value of `{0}` is not Unicode text")]
pub struct NotUnicode(
    /// The variable.
    pub String,
);

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(NotUnicode(name.to_owned())),
        }
    }
}

impl Environment for BTreeMap<String, String> {
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        Ok(self.get(name).cloned())
    }
}

impl Environment for HashMap<String, String> {
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        Ok(self.get(name).cloned())
    }
}
