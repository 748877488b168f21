//! Checks that must pass before a pipeline reads anything: what is found wrong here costs a message, found later it costs
//! half an hour of records that nobody could do anything with.
//!
//! A kind of check is one file here and one case of [`Check`].

mod data_action;
mod error;

pub use data_action::DataActionCheck;
pub use error::{PreflightError, PreflightFailure};

use crate::connection::http::Connections;

/// A check before the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A data action of CXone exists, and the connection's client may read it.
    DataAction(DataActionCheck),
}

/// Makes all checks, one after the other.
///
/// # Errors
/// Every check that did not pass, in the order of `checks`: all at once, so that one start shows all that is to be mended.
pub async fn run(checks: &[Check], connections: &Connections) -> Result<(), Vec<PreflightError>> {
    let mut failed = Vec::new();
    for check in checks {
        let outcome = match check {
            Check::DataAction(check) => check.run(connections).await,
        };
        failed.extend(outcome.err());
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed)
    }
}

#[cfg(test)]
mod tests;
