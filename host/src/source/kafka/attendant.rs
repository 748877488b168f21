//! Attends to a consumer: serves what it has to say, watches whether the brokers answer, and looks for new partitions. On a thread of its own, because to ask
//! brokers that have gone takes time in which the partitions that are there can be read.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::connection::kafka::{Cluster, Listener, Outlook};
use crate::pipeline::Waits;
use crate::source::{SourceError, Wake};

/// How long it waits for what the consumer has to say before it looks at other things.
const LOOK: Duration = Duration::from_millis(100);

/// How often a broker is asked whether it is there although nothing suggests that it is not.
const CHECK: Duration = Duration::from_secs(1);

/// How long a broker may take to answer that.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long closing a consumer may take: it tells its brokers what is committed, if they are there.
const CLOSING: Duration = Duration::from_secs(2);

/// What is read.
pub(super) struct Assignment {
    pub(super) client: Arc<BaseConsumer<Listener>>,
    pub(super) listener: Listener,
    pub(super) cluster: Arc<Cluster>,
    pub(super) topic: Arc<str>,
    /// The partitions that are read.
    pub(super) numbers: Vec<i32>,
    /// How many the topic has.
    pub(super) partitions: i32,
    /// Who waits, for those who look at what is waited for.
    pub(super) who: String,
}

/// What the partitions of a source share. When the last of them goes, so does the consumer.
pub(super) struct Attendant {
    notes: Arc<Notes>,
    closed: Receiver<()>,
}

struct Notes {
    assignment: Mutex<Option<Arc<BaseConsumer<Listener>>>>,
    topic: Arc<str>,
    /// Whether the brokers answer.
    healthy: AtomicBool,
    /// By partition: the end that its broker told after they had not answered.
    ends: Vec<AtomicI64>,
    repartitioned: AtomicBool,
    stray: AtomicBool,
    stopping: AtomicBool,
    wakes: Mutex<Vec<Wake>>,
}

impl Attendant {
    pub(super) fn start(
        assignment: Assignment,
        waits: Arc<Waits>,
        discovery: Option<Duration>,
    ) -> Result<Arc<Self>, SourceError> {
        let notes = Arc::new(Notes {
            assignment: Mutex::new(Some(Arc::clone(&assignment.client))),
            topic: Arc::clone(&assignment.topic),
            healthy: AtomicBool::new(true),
            ends: (0..assignment.partitions)
                .map(|_| AtomicI64::new(0))
                .collect(),
            repartitioned: AtomicBool::new(false),
            stray: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            wakes: Mutex::default(),
        });
        let (told, closed) = bounded(0);
        let name = assignment.who.clone();
        let cluster = Arc::clone(&assignment.cluster);
        let watch = Watch {
            assignment,
            notes: Arc::clone(&notes),
            waits,
            discovery,
            checked: Instant::now(),
            discovered: Instant::now(),
            next: 0,
        };
        let thread = thread::Builder::new().name(format!("{name} consumer"));
        let started: io::Result<_> = thread.spawn(move || watch.run(told));
        match started {
            Ok(_) => Ok(Arc::new(Self { notes, closed })),
            Err(error) => Err(cluster
                .failure(Outlook::Stays, "a thread", error.to_string())
                .into()),
        }
    }

    /// Whether the brokers answer, and there is nothing behind `offset` in a partition as far as they told when they had been away.
    pub(super) fn knows_the_end(&self, partition: i32, offset: i64) -> bool {
        let end = usize::try_from(partition)
            .ok()
            .and_then(|partition| self.notes.ends.get(partition));
        self.notes.healthy.load(Relaxed) && end.is_some_and(|end| end.load(Relaxed) <= offset)
    }

    /// Something suggests that a broker is away.
    pub(super) fn suspect(&self) {
        self.notes.healthy.store(false, Relaxed);
    }

    /// Whether the topic has other partitions now. Told once.
    pub(super) fn takes_repartitioned(&self) -> bool {
        self.notes.repartitioned.load(Relaxed) && self.notes.repartitioned.swap(false, Relaxed)
    }

    /// Whether a record went past the partitions' queues, which would lose it.
    pub(super) fn has_strayed(&self) -> bool {
        self.notes.stray.load(Relaxed)
    }

    pub(super) fn wake_with(&self, wake: Wake) {
        let mut wakes = self
            .notes
            .wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        wakes.push(wake);
    }

    /// Tells those who watch the lag how far a partition was read. Nothing depends on it.
    pub(super) fn commit(&self, partition: i32, offset: i64) {
        let client = self.notes.client();
        let mut offsets = TopicPartitionList::new();
        let added =
            offsets.add_partition_offset(&self.notes.topic, partition, Offset::Offset(offset));
        let committed = match (client, added) {
            (Some(client), Ok(())) => client.commit(&offsets, CommitMode::Async),
            (_, added) => added,
        };
        if let Err(error) = committed {
            tracing::debug!("the offset for those who watch the lag is not committed: {error}");
        }
    }

    /// The offsets that a partition has, asked of its broker.
    pub(super) fn bounds(&self, partition: i32) -> Option<(i64, i64)> {
        let client = self.notes.client()?;
        client
            .fetch_watermarks(&self.notes.topic, partition, PATIENCE)
            .ok()
    }
}

impl Notes {
    fn client(&self) -> Option<Arc<BaseConsumer<Listener>>> {
        self.assignment
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn wake_all(&self) {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.iter().for_each(Wake::wake);
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.notes.stopping.store(true, Relaxed);
        let mut client = self
            .notes
            .assignment
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // The thread holds the last one, and closes it.
        *client = None;
        drop(client);
        // An error means that the thread has gone, which is what was waited for. One that takes longer goes on closing by itself.
        let _ = self.closed.recv_timeout(CLOSING);
    }
}

struct Watch {
    assignment: Assignment,
    notes: Arc<Notes>,
    waits: Arc<Waits>,
    discovery: Option<Duration>,
    checked: Instant,
    discovered: Instant,
    /// Which of the partitions' brokers was asked last whether it is there.
    next: usize,
}

impl Watch {
    /// Watches until all partitions have gone. `told` is dropped when the consumer is closed.
    fn run(mut self, told: Sender<()>) {
        while !self.notes.stopping.load(Relaxed) {
            match self.assignment.client.poll(LOOK) {
                Some(Ok(_)) => {
                    self.notes.stray.store(true, Relaxed);
                    self.notes.wake_all();
                }
                Some(Err(error)) => tracing::debug!("the consumer says: {error}"),
                None => {}
            }
            self.check();
            self.discover();
        }
        self.waits.end(&self.assignment.who);
        drop(self);
        drop(told);
    }

    /// Looks whether the brokers answer: all of them if there is doubt, else one now and then.
    fn check(&mut self) {
        let in_doubt = self.assignment.listener.take_news() || !self.notes.healthy.load(Relaxed);
        if !in_doubt && self.checked.elapsed() < CHECK {
            return;
        }
        self.checked = Instant::now();
        let numbers = &self.assignment.numbers;
        let answered = if in_doubt {
            self.notes.healthy.store(false, Relaxed);
            numbers.iter().all(|&partition| self.asks(partition))
        } else {
            self.next = (self.next + 1) % numbers.len().max(1);
            numbers
                .get(self.next)
                .is_none_or(|&partition| self.asks(partition))
        };
        let Assignment {
            listener,
            cluster,
            who,
            ..
        } = &self.assignment;
        if answered && in_doubt {
            listener.forget();
            self.waits.end(who);
            self.notes.healthy.store(true, Relaxed);
            self.notes.wake_all();
        } else if !answered && !self.notes.stopping.load(Relaxed) {
            self.notes.healthy.store(false, Relaxed);
            let what = cluster.silence(listener.trouble().as_deref());
            self.waits.begin(who, &what);
        }
    }

    /// Asks the broker of a partition where it ends.
    fn asks(&self, partition: i32) -> bool {
        let Assignment { client, topic, .. } = &self.assignment;
        if self.notes.stopping.load(Relaxed) {
            return false;
        }
        let Ok((_, high)) = client.fetch_watermarks(topic, partition, PATIENCE) else {
            return false;
        };
        let end = usize::try_from(partition)
            .ok()
            .and_then(|partition| self.notes.ends.get(partition));
        if let Some(end) = end {
            end.store(high, Relaxed);
        }
        true
    }

    /// Looks for new partitions.
    fn discover(&mut self) {
        let is_due = |interval| self.discovered.elapsed() >= interval;
        if !self.discovery.is_some_and(is_due) || !self.notes.healthy.load(Relaxed) {
            return;
        }
        self.discovered = Instant::now();
        let Assignment { client, topic, .. } = &self.assignment;
        let Ok(metadata) = client.fetch_metadata(Some(topic), PATIENCE) else {
            return;
        };
        let found = metadata
            .topics()
            .first()
            .filter(|topic| topic.error().is_none());
        let partitions = found.map_or(0, |topic| topic.partitions().len());
        let known = usize::try_from(self.assignment.partitions).unwrap_or(usize::MAX);
        if partitions > known {
            tracing::info!(%topic, partitions, "the topic has more partitions than before");
            self.assignment.partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
            self.notes.repartitioned.store(true, Relaxed);
            self.notes.wake_all();
        }
    }
}
