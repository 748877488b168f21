//! The data-actions pipeline between servers that it shares with others, with names of its own there.

use std::io;
use std::path::{Path, PathBuf};

use crate::feed;
use crate::harness::Pipeline;
use crate::services::{Cassandra, Compression, Kafka};
use crate::table::{Queue, ServedObservation};

/// More than one, so that the order of interactions is seen to hold in each partition alone.
const ENRICHED_PARTITIONS: u32 = 3;

/// As the manifest of the shared pipeline says.
const EXCHANGE_PARTITIONS: u32 = 4;

/// Topics, a keyspace and a folder.
#[derive(Clone, Debug)]
pub struct ServedPipeline<'a> {
    kafka: &'a Kafka,
    cassandra: &'a Cassandra,
    folder: PathBuf,
    input: String,
    enriched: String,
    keyspace: String,
}

impl<'a> ServedPipeline<'a> {
    /// Makes the topics of a pipeline called `name`, the one that it reads with so many partitions.
    ///
    /// # Errors
    /// When the broker refuses, as it does if there are topics of that name.
    pub fn prepare(
        (kafka, cassandra): (&'a Kafka, &'a Cassandra),
        name: &str,
        folder: PathBuf,
        partitions: u32,
    ) -> io::Result<Self> {
        let pipeline = Self {
            kafka,
            cassandra,
            folder,
            input: format!("cxone-data-actions-{name}"),
            enriched: format!("cxone-data-actions-enriched-{name}"),
            keyspace: format!("cxone_analytics_{name}"),
        };
        kafka.create_topic(&pipeline.input, partitions)?;
        kafka.create_topic(&pipeline.enriched, ENRICHED_PARTITIONS)?;
        Ok(pipeline)
    }

    /// The topic that is read.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The topic of enriched interactions.
    pub fn enriched(&self) -> &str {
        &self.enriched
    }

    /// Appends lines to the topic that is read.
    ///
    /// # Errors
    /// When the broker does not take them.
    pub fn feed(&self, lines: &[u8]) -> io::Result<()> {
        let partitions = self.kafka.partitions(&self.input)?;
        let producer = self.kafka.producer(Compression::Lz4)?;
        for message in feed::messages(lines, partitions) {
            producer.send(&self.input, &message)?;
        }
        producer.flush()
    }

    /// The pipeline, which reads to the end of what was fed when it is first started, at most so many records a second.
    pub fn pipeline(&self, records_per_second: u32) -> Pipeline {
        let pipeline = Pipeline::data_actions_on(self.kafka, self.cassandra, &self.folder);
        self.bounded(pipeline, records_per_second)
    }

    /// The same for several processes; each task reads at most so many records a second.
    pub fn shared_pipeline(&self, records_per_second: u32) -> Pipeline {
        let pipeline = Pipeline::data_actions_shared_on(self.kafka, self.cassandra, &self.folder);
        self.bounded(pipeline, records_per_second)
    }

    /// The pipeline of a manifest made of the same example, which reads as that says.
    pub fn pipeline_of(&self, manifest: &Path) -> Pipeline {
        let pipeline = Pipeline::data_actions_on(self.kafka, self.cassandra, &self.folder);
        self.named(pipeline.of_manifest(manifest))
    }

    fn bounded(&self, pipeline: Pipeline, records_per_second: u32) -> Pipeline {
        self.named(pipeline)
            .set("sources.records.end=end-of-topic")
            .set(&format!(
                "sources.records.rate-limit.records-per-second={records_per_second}"
            ))
            .set(&format!(
                "sources.records.rate-limit.burst={records_per_second}"
            ))
    }

    fn named(&self, pipeline: Pipeline) -> Pipeline {
        // Also the name of its transactions, which no two pipelines of a cluster may share.
        pipeline
            .set(&format!("pipeline.name={}", self.input))
            .set(&format!("sources.records.topic={}", self.input))
            .set(&format!("sinks.enriched.topic={}", self.enriched))
            .set(&format!("sinks.volumes.keyspace={}", self.keyspace))
            .set(&format!("sinks.alerts.keyspace={}", self.keyspace))
    }

    /// What it wrote.
    pub fn observation(&self) -> ServedObservation<'a> {
        self.observed(Queue::Database(self.folder.clone()))
    }

    /// What the tasks of a shared pipeline wrote.
    ///
    /// # Errors
    /// When the broker does not say how many partitions are read.
    pub fn shared_observation(&self, pipeline: Pipeline) -> io::Result<ServedObservation<'a>> {
        let reading =
            (0..self.kafka.partitions(&self.input)?).map(|task| format!("records-{task}"));
        let working = (0..EXCHANGE_PARTITIONS).map(|task| format!("count-{task}"));
        let tasks = reading.chain(working).collect();
        Ok(self.observed(Queue::Tasks(pipeline, tasks)))
    }

    fn observed(&self, queue: Queue) -> ServedObservation<'a> {
        ServedObservation {
            kafka: self.kafka,
            cassandra: self.cassandra,
            keyspace: self.keyspace.clone(),
            enriched: self.enriched.clone(),
            queue,
        }
    }
}
