//! What carries the requests of jobs to services. Everything that makes a request dependable (credentials, limits, further tries, a circuit breaker) is on the other
//! side of this seam; what makes its *effect* happen once is on this one.

use futures_util::future::BoxFuture;

use super::call::{Received, Request};
use crate::config::Grant;

/// Carries requests to the services that a manifest names.
pub trait Transport: Send + Sync + 'static {
    /// Makes a request, with all the tries that its connection allows, and gives its answer of whatever status. What is outside of `grant` is refused
    /// as what the connection does not permit: nothing is sent.
    ///
    /// `idempotency_key` is the same whenever this request of this job is sent, before and after a crash, and no other's: it goes into the
    /// header `Idempotency-Key` where the method is not idempotent. To drop the future is to give the request up.
    fn send(
        &self,
        request: Request,
        grant: &Grant,
        idempotency_key: String,
    ) -> BoxFuture<'static, Received>;

    /// What is to become of a request of a method that is not idempotent, when the host stopped while it was under way.
    fn after_crash(&self, connection: &str) -> AfterCrash;
}

/// What is to become of a request that may have been sent, when nobody knows whether it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterCrash {
    /// It is sent again, with the same idempotency key: for services that know such keys.
    #[default]
    Resend,
    /// The job stops and asks: `jackfield job retry` sends it again, `jackfield job cancel` gives the job up.
    Ask,
}
