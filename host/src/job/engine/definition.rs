//! A definition at work: what it is known by, and what runs of its jobs are given.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Definition;
use crate::hexadecimal;
use crate::job::Problem;
use crate::job::call::Time;
use crate::job::journal::Savepoint;
use crate::job::machine::Rules;
use crate::job::store::Port;
use crate::job::transport::{AfterCrash, Transport};
use crate::plugin::Failure;
use crate::plugin::job::JobInstance;

impl Definition {
    /// By what it is known whether a journal may be replayed by this definition: SHA-256, in hexadecimal, of all that decides what its code asks for (the component,
    /// the configuration, the output ports that it is told somebody reads).
    ///
    /// What a job *may* do (limits, connections) and how many there may be is not part of it: that is for the operator to change under jobs that run, and a step
    /// that was answered stays answered.
    #[must_use]
    pub fn version(&self) -> String {
        let mut configuration = serde_json::from_str(&self.configuration)
            .unwrap_or_else(|_| Json::String(self.configuration.clone()));
        configuration.sort_all_objects();
        // The members stand in the order of the alphabet, without blanks.
        let canonical = json!({
            "component": self.component.digest(),
            "configuration": configuration,
            "connected": self.connected,
            "streamed": self.streamed,
        });
        hexadecimal::text(&Sha256::digest(canonical.to_string()))
    }
}

/// What is counted of a job of the manifest, whatever its version.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) unfinished: AtomicU64,
    pub(super) running: AtomicUsize,
}

/// A definition at work.
#[derive(Debug)]
pub(super) struct Defined {
    pub(super) definition: Definition,
    pub(super) version: String,
    pub(super) counts: Arc<Counts>,
    /// Connections whose requests are not sent again by themselves if nobody knows whether they arrived.
    asks: BTreeSet<String>,
    /// Its output ports; who reads them is the matter of the pipeline, which may change while jobs of this version go on.
    ports: RwLock<Arc<[Port]>>,
}

impl Defined {
    pub(super) fn new(
        definition: Definition,
        counts: Arc<Counts>,
        transport: &dyn Transport,
    ) -> Self {
        let asks = |connection: &&String| transport.after_crash(connection) == AfterCrash::Ask;
        let asks = definition.connections.keys().filter(asks);
        Self {
            asks: asks.cloned().collect(),
            ports: RwLock::new(ports(&definition, Some(&definition))),
            version: definition.version(),
            counts,
            definition,
        }
    }

    pub(super) fn ports(&self) -> Arc<[Port]> {
        Arc::clone(&self.ports.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it emits is read by those who read this definition now; by nobody, if there is none any more.
    pub(super) fn is_read_as(&self, current: Option<&Definition>) {
        *self.ports.write().unwrap_or_else(PoisonError::into_inner) =
            ports(&self.definition, current);
    }

    pub(super) fn rules(&self, submitted: Time) -> Rules {
        Rules {
            submitted,
            wall_time: self.definition.wall_time,
            steps: self.definition.steps,
            asks: self.asks.clone(),
        }
    }

    pub(super) fn instantiate(&self, name: &str) -> Result<JobInstance, Failure> {
        let Definition {
            connected,
            streamed,
            component,
            limits,
            configuration,
            ..
        } = &self.definition;
        let read: Vec<u32> = connected.union(streamed).copied().collect();
        component.instantiate(name, limits, configuration, &read)
    }

    pub(super) fn validate(&self, input: &[u8]) -> Result<Vec<Problem>, Failure> {
        self.instantiate(&self.definition.name)?.validate(input)
    }

    /// Whether a job of another version that stands at a savepoint, or has not begun, can go on here.
    pub(super) fn takes(&self, savepoint: Option<&Savepoint>, input: &[u8]) -> bool {
        let description = self.definition.component.description();
        match savepoint {
            Some(savepoint) => (description.oldest_state_version..=description.state_version)
                .contains(&savepoint.version),
            None => self
                .validate(input)
                .is_ok_and(|problems| problems.is_empty()),
        }
    }
}

fn ports(definition: &Definition, current: Option<&Definition>) -> Arc<[Port]> {
    let read = |name: &String, which: fn(&Definition) -> &BTreeSet<u32>| {
        current.is_some_and(|current| {
            let names = (0..).zip(&current.component.description().outputs);
            let mut read = names.filter(|(index, _)| which(current).contains(index));
            read.any(|(_, read)| read == name)
        })
    };
    let outputs = definition.component.description().outputs.iter();
    let ports = outputs.map(|name| Port {
        name: name.clone(),
        is_consumed: read(name, |current| &current.connected),
        is_streamed: read(name, |current| &current.streamed),
    });
    ports.collect()
}
