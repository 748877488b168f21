//! The systems of the documents as they are run: the pipeline of an example in a host of its own, a simulated platform that counts what is
//! brought about, and those who ask for work and want to know what came of it. Tests, the program that kills hosts and the demonstration
//! differ only in what they do to a system meanwhile.
//!
//! A [`System`] knows what is asked for and where to look for what came of it; a [`Site`] is one place where it runs. What came of
//! it is a list of [`Table`]s, to be compared with those of another run: with identifiers of the platform put into words, and without what
//! time alone decides.

mod client;
mod query_journeys;
mod schedule_report;
mod site;
mod stream_export;
mod sync_extension;
mod words;

use std::io;
use std::thread;

use cxone_simulator::Options;
use serde_json::Value;

pub use client::{Answer, Client};
pub use query_journeys::QueryJourneys;
pub use schedule_report::ScheduleReport;
pub use site::{Performed, Site};
pub use stream_export::{Chunk, Heard, StreamClient, StreamExport};
pub use sync_extension::SyncExtension;
pub use words::{Words, row};

use crate::harness::Pipeline;
use crate::table::Table;

/// All systems, in the order of their documents.
pub const SYSTEMS: &[&dyn System] = &[
    &ScheduleReport,
    &QueryJourneys,
    &SyncExtension,
    &StreamExport,
];

/// What somebody who asked for work was told in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What was asked for, in a word that no other request has.
    pub about: String,
    /// What was told.
    pub what: Value,
}

/// A system of a document.
pub trait System: Sync {
    /// The name of its folder in `examples/`, and of its pipeline.
    fn name(&self) -> &'static str;

    /// The platform that it talks to.
    fn platform(&self) -> Options {
        Options::default()
    }

    /// What is set otherwise than the manifest says, so that it is quick. Addresses, credentials and folders are set already.
    fn configure(&self, pipeline: Pipeline, site: &Site) -> Pipeline;

    /// Writes what the pipeline reads into the folder of the site.
    ///
    /// # Errors
    /// When it cannot be written.
    fn prepare(&self, _: &Site) -> io::Result<()> {
        Ok(())
    }

    /// Asks for everything that there is to ask for, side by side, and stays until all of it has come to its end, however often
    /// the host goes away meanwhile.
    ///
    /// # Errors
    /// Where it is refused, or does not come to its end.
    fn work(&self, site: &Site) -> io::Result<Vec<Told>>;

    /// All that came of the work, when the host has ended: what was told, what was written, what was brought about.
    ///
    /// # Errors
    /// When it cannot be read.
    fn outcome(&self, site: &Site, told: &[Told]) -> io::Result<Vec<Table>>;
}

/// Asks for several things at once, and waits for all.
///
/// # Errors
/// The first of any of them.
pub fn side_by_side(
    all: impl IntoIterator<Item = String>,
    ask: impl Fn(&str) -> io::Result<Value> + Sync,
) -> io::Result<Vec<Told>> {
    thread::scope(|scope| {
        let asked: Vec<_> = all
            .into_iter()
            .map(|about| {
                scope.spawn(|| {
                    let what = ask(&about)?;
                    Ok(Told { about, what })
                })
            })
            .collect();
        let told = asked.into_iter().map(|asking| asking.join());
        told.map(|told| told.unwrap_or_else(|_| Err(io::Error::other("a client has panicked"))))
            .collect()
    })
}
