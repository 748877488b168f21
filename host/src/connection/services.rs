//! The connections of the pipelines of a process, and the runtime that asynchronous clients work on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::objects::ObjectRoot;
use super::{cassandra, http, kafka};
use crate::config::{Connection, ConnectionKind, Diagnostics, Environment, Manifest, SinkKind};
use crate::job::JobStore;

/// What a pipeline's sources and sinks reach out with. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Services {
    runtime: Arc<Runtime>,
    kafka: BTreeMap<String, Arc<kafka::Cluster>>,
    cassandra: BTreeMap<String, Arc<cassandra::Cluster>>,
    http: BTreeMap<String, Arc<http::Connection>>,
    /// By sink.
    objects: BTreeMap<String, ObjectRoot>,
    jobs: Option<JobStore>,
}

impl Services {
    /// None at all, on a runtime of their own.
    ///
    /// # Errors
    /// Where the threads of the runtime cannot be started.
    pub fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("clients")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Arc::new(runtime),
            kafka: BTreeMap::new(),
            cassandra: BTreeMap::new(),
            http: BTreeMap::new(),
            objects: BTreeMap::new(),
            jobs: None,
        })
    }

    /// With the connections of a manifest and its secrets, and no others; the runtime and the jobs stay. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says.
    pub fn of(
        &self,
        manifest: &Manifest,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let unconnected = Self {
            kafka: BTreeMap::new(),
            cassandra: BTreeMap::new(),
            http: BTreeMap::new(),
            ..self.clone()
        };
        unconnected.extended(manifest, environment)
    }

    /// With what a manifest with the same connections reaches out to beyond what is open here, which is shared: it may have sinks of its own.
    ///
    /// # Errors
    /// As for [`of`](Self::of).
    pub fn extended(
        &self,
        manifest: &Manifest,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut services = self.clone();
        for connection in &manifest.connections {
            if let Err(wrong) = services.connect(connection, manifest, environment) {
                found.extend(wrong);
            }
        }
        services.objects.clear();
        for sink in &manifest.sinks {
            if let SinkKind::ObjectStore(options) = &sink.kind {
                match ObjectRoot::of(&options.place, environment) {
                    Ok(root) => drop(services.objects.insert(sink.name.to_string(), root)),
                    Err(wrong) => found.extend(wrong),
                }
            }
        }
        found.into_result(services)
    }

    /// Opens a connection of a manifest, unless it is open.
    fn connect(
        &mut self,
        connection: &Connection,
        manifest: &Manifest,
        environment: &dyn Environment,
    ) -> Result<(), Diagnostics> {
        let name = connection.name.value.to_string();
        match &connection.kind {
            ConnectionKind::Http(options) => {
                // The others are for jobs and for checks before the start, which open them themselves.
                if is_delivered_to(manifest, &name) && !self.http.contains_key(&name) {
                    let opened = http::open(connection, options, environment)?;
                    self.http.insert(name, opened);
                }
            }
            ConnectionKind::Kafka(options) => {
                if let Entry::Vacant(place) = self.kafka.entry(name) {
                    let cluster = kafka::Cluster::of(place.key(), options, environment)?;
                    place.insert(Arc::new(cluster));
                }
            }
            ConnectionKind::Cassandra(options) => {
                if let Entry::Vacant(place) = self.cassandra.entry(name) {
                    let cluster = cassandra::Cluster::of(place.key(), options, environment)?;
                    place.insert(Arc::new(cluster));
                }
            }
        }
        Ok(())
    }

    /// With the jobs of the pipeline, whose records sources read.
    #[must_use]
    pub fn with_jobs(self, jobs: JobStore) -> Self {
        Self {
            jobs: Some(jobs),
            ..self
        }
    }

    /// The jobs of the pipeline, if it has any.
    #[must_use]
    pub fn jobs(&self) -> Option<&JobStore> {
        self.jobs.as_ref()
    }

    /// The runtime that asynchronous clients work on.
    #[must_use]
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }

    /// The Kafka connection of that name.
    #[must_use]
    pub fn kafka(&self, name: &str) -> Option<&Arc<kafka::Cluster>> {
        self.kafka.get(name)
    }

    /// The Cassandra connection of that name.
    #[must_use]
    pub fn cassandra(&self, name: &str) -> Option<&Arc<cassandra::Cluster>> {
        self.cassandra.get(name)
    }

    /// The HTTP connection of that name, if a sink delivers to it.
    #[must_use]
    pub fn http(&self, name: &str) -> Option<&Arc<http::Connection>> {
        self.http.get(name)
    }

    /// Where the sink of that name keeps its objects.
    pub(crate) fn objects(&self, sink: &str) -> Option<&ObjectRoot> {
        self.objects.get(sink)
    }
}

/// Whether a sink posts records to the connection of that name.
fn is_delivered_to(manifest: &Manifest, name: &str) -> bool {
    let mut kinds = manifest.sinks.iter().map(|sink| &sink.kind);
    kinds.any(|kind| matches!(kind, SinkKind::Webhook(webhook) if webhook.connection.value == name))
}
