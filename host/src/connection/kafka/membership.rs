//! Which process runs which task, decided by a consumer group of the cluster.
//!
//! A member of the group is given partitions, and takes each for a task. It never reads them as a member: tasks read with consumers of their own, at
//! positions of their own. So the group says who should run a task, while who may commit what a task did is settled by its store and its
//! transactions: a member that is late to hear that it has lost a task can do no harm.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::{Cluster, KafkaError};
use crate::pipeline::distribution::TaskId;

/// For how long a member that is not heard of keeps its tasks, unless the connection's settings say otherwise.
const SESSION_TIMEOUT_MILLISECONDS: u32 = 10_000;

/// A heartbeat or two may be late without a member's being taken for dead.
const HEARTBEATS_A_SESSION: u32 = 4;

/// What happens to the tasks of a member. Both are called while it is polled, and it stays in the group meanwhile.
pub trait Assignee: Send + Sync {
    /// Tasks go to another member. They are ended when this returns; `lost` says that others may run them already.
    fn give_up(&self, tasks: &[TaskId], lost: bool);
}

/// A member of the group.
pub struct Membership {
    consumer: BaseConsumer<Context>,
    name: String,
}

struct Context {
    gained: Arc<Mutex<VecDeque<TaskId>>>,
    assignee: Arc<dyn Assignee>,
}

impl ClientContext for Context {
    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        // Brokers that are away come back; what lasts is seen by the tasks themselves.
        tracing::debug!(%error, reason, "membership");
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            self.assignee
                .give_up(&tasks(partitions), consumer.assignment_lost());
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            // Nobody reads here.
            if let Err(error) = consumer.pause(partitions) {
                tracing::debug!(%error, "cannot pause what is read by tasks");
            }
            let mut gained = self.gained.lock().unwrap_or_else(PoisonError::into_inner);
            gained.extend(tasks(partitions));
        }
    }
}

fn tasks(partitions: &TopicPartitionList) -> Vec<TaskId> {
    let elements = partitions.elements();
    let task = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| TaskId {
        topic: element.topic().to_owned(),
        partition: element.partition(),
    };
    elements.iter().map(task).collect()
}

impl Membership {
    /// Joins the group of that name for the partitions of the topics.
    ///
    /// # Errors
    /// [`KafkaError`] where the settings cannot be used.
    pub fn join(
        cluster: &Cluster,
        group: &str,
        topics: &[&str],
        assignee: Arc<dyn Assignee>,
    ) -> Result<Self, KafkaError> {
        let mut config = cluster.consumer(group);
        let fixed = [
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("auto.offset.reset", "latest"),
            ("enable.partition.eof", "false"),
            // New partitions are new tasks.
            ("topic.metadata.refresh.interval.ms", "10000"),
        ];
        for (key, value) in fixed {
            config.set(key, value);
        }
        let session_timeout = config
            .get("session.timeout.ms")
            .and_then(|timeout| timeout.parse().ok())
            .unwrap_or(SESSION_TIMEOUT_MILLISECONDS);
        config.set("session.timeout.ms", session_timeout.to_string());
        if config.get("heartbeat.interval.ms").is_none() {
            let interval = (session_timeout / HEARTBEATS_A_SESSION).max(1);
            config.set("heartbeat.interval.ms", interval.to_string());
        }
        let context = Context {
            gained: Arc::default(),
            assignee,
        };
        let consumer: BaseConsumer<Context> = config
            .create_with_context(context)
            .map_err(|error| cluster.unusable(&error))?;
        consumer
            .subscribe(topics)
            .map_err(|error| cluster.unusable(&error))?;
        Ok(Self {
            consumer,
            name: cluster.name().to_owned(),
        })
    }

    /// Takes part in the group for that long; gives the tasks that were gained.
    #[must_use]
    pub fn poll(&self, wait: Duration) -> Vec<TaskId> {
        match self.consumer.poll(wait) {
            // What was on its way before the partition was paused.
            Some(Ok(_)) | None => {}
            Some(Err(error)) => tracing::debug!(connection = self.name, %error, "membership"),
        }
        let context = self.consumer.context();
        let mut gained = context
            .gained
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        gained.drain(..).collect()
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Membership")
            .field("connection", &self.name)
            .finish_non_exhaustive()
    }
}
