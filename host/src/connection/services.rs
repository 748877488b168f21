//! The connections of the pipelines of a process, and the runtime that asynchronous clients work on.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::objects::ObjectRoot;
use super::{cassandra, http, kafka};
use crate::config::{ConnectionKind, Diagnostics, Environment, Manifest, SinkKind};
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

    /// The same runtime, with the connections of a manifest and its secrets. Nothing is sent yet.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says.
    pub fn of(
        &self,
        manifest: &Manifest,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut services = Self {
            runtime: Arc::clone(&self.runtime),
            kafka: BTreeMap::new(),
            cassandra: BTreeMap::new(),
            http: BTreeMap::new(),
            objects: BTreeMap::new(),
            jobs: None,
        };
        for connection in &manifest.connections {
            let name = connection.name.value.to_string();
            match &connection.kind {
                ConnectionKind::Http(options) if is_delivered_to(manifest, &name) => {
                    match http::open(connection, options, environment) {
                        Ok(opened) => drop(services.http.insert(name, opened)),
                        Err(wrong) => found.extend(wrong),
                    }
                }
                // The others are for jobs and for checks before the start, which open them themselves.
                ConnectionKind::Http(_) => {}
                ConnectionKind::Kafka(options) => {
                    match kafka::Cluster::of(&name, options, environment) {
                        Ok(cluster) => drop(services.kafka.insert(name, Arc::new(cluster))),
                        Err(missing) => missing.into_iter().for_each(|one| found.push(one)),
                    }
                }
                ConnectionKind::Cassandra(options) => {
                    match cassandra::Cluster::of(&name, options, environment) {
                        Ok(cluster) => drop(services.cassandra.insert(name, Arc::new(cluster))),
                        Err(missing) => missing.into_iter().for_each(|one| found.push(one)),
                    }
                }
            }
        }
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
