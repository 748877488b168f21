//! What a [`Workflow`](super::Workflow) stands on: the host in a component, a script in a test.

use super::{Request, RequestFailure, Response};

/// The steps that a job can ask for, as the contract has them.
pub trait Steps {
    /// Makes requests, at most `width` at a time; what came of each, in their order.
    fn send_all(
        &mut self,
        requests: Vec<Request>,
        width: u32,
    ) -> Vec<Result<Response, RequestFailure>>;
    /// The time, milliseconds since the Unix epoch.
    fn now(&mut self) -> i64;
    /// A random number.
    fn random(&mut self) -> u64;
    /// So many milliseconds.
    fn sleep(&mut self, milliseconds: u64);
    /// Keeps callbacks from now on.
    fn expect(&mut self, trigger: &str, correlation: Option<&str>);
    /// The next callback; none after so many milliseconds.
    fn await_callback(
        &mut self,
        trigger: &str,
        correlation: &str,
        timeout: Option<u64>,
    ) -> Option<Vec<u8>>;
    /// Records for an output port.
    fn emit(&mut self, port: u32, records: Vec<Vec<u8>>);
    /// What the job is doing.
    fn progress(&mut self, text: &str);
    /// A savepoint.
    fn save(&mut self, state: Vec<u8>);
}
