//! Other versions of a running pipeline: where they are kept, how they are looked at before anything happens, and who asks for them.
//!
//! What happens to the pipeline itself is the task's business ([`pipeline::reload`](crate::pipeline::reload)).

mod archive;
mod audit;
mod error;
mod examined;
mod follower;
mod private_file;
mod reloader;
mod running;
mod start;
mod terms;
mod version;
mod watch;

pub use archive::Archive;
pub use audit::AuditTrail;
pub use error::ReloadError;
pub use examined::Acceptance;
pub use reloader::{Preview, Reloader};
pub use running::{Origin, Running};
pub use start::{Chosen, choose};
pub use version::Version;
pub use watch::{Contents, Watch};
