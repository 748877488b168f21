//! What librdkafka offers and its wrapper does not: taking many messages out of a partition's queue with one call, which costs less than half of taking
//! them one by one; waiting for deliveries without steps of 100 ms; and the end of a partition as the last answer of its broker told it.
#![expect(
    unsafe_code,
    reason = "these calls of librdkafka have no safe wrapper; every pointer here is owned by a type of this file or borrowed from a client that outlives it"
)]

use std::ffi::{CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};

use super::listener::Listener;
use crate::source::Wake;

type Client = BaseConsumer<Listener>;

/// The messages of one partition, apart from those of all others.
pub(crate) struct PartitionQueue {
    queue: NonNull<native::rd_kafka_queue_t>,
    topic: CString,
    partition: i32,
    /// Kept where it is for as long as librdkafka may call it.
    wake: Option<Box<Wake>>,
    taken: Vec<*mut native::rd_kafka_message_t>,
    /// Last, so that it goes last: a queue must not outlive its client.
    client: Arc<Client>,
}

// SAFETY: librdkafka's queues may be used from any thread, and `taken` is empty between calls.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// Takes the messages of a partition out of the common queue. None if there can be no such partition.
    pub(crate) fn split(client: &Arc<Client>, topic: &str, partition: i32) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: the client is alive, the name ends in a zero byte, and the queue is given back when this is dropped.
        let queue = unsafe {
            native::rd_kafka_queue_get_partition(
                client.client().native_ptr(),
                topic.as_ptr(),
                partition,
            )
        };
        let queue = NonNull::new(queue)?;
        // SAFETY: the queue is alive; to forward it to nothing makes it a queue of its own, before and after an assignment.
        unsafe { native::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut()) };
        Some(Self {
            queue,
            topic,
            partition,
            wake: None,
            taken: Vec::new(),
            client: Arc::clone(client),
        })
    }

    /// Takes up to `most` messages that are there, without waiting.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Message> {
        self.taken.reserve(most);
        // SAFETY: there is room for `most` pointers, and librdkafka says how many it wrote; each is a message that is ours from then on.
        unsafe {
            let count = native::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                0,
                self.taken.as_mut_ptr(),
                most,
            );
            self.taken.set_len(usize::try_from(count).unwrap_or(0));
        }
        self.taken
            .drain(..)
            .filter_map(NonNull::new)
            .map(Message)
            .collect()
    }

    /// Whom to wake when the queue is no longer empty.
    pub(crate) fn wake_with(&mut self, wake: Wake) {
        let wake = Box::new(wake);
        // SAFETY: the box stays where it is until librdkafka was told to call no longer; the one before is dropped after the call that replaces it.
        unsafe {
            native::rd_kafka_queue_cb_event_enable(
                self.queue.as_ptr(),
                Some(call_wake),
                ptr::from_ref::<Wake>(&wake).cast_mut().cast(),
            );
        }
        self.wake = Some(wake);
    }

    /// The offset that was to be written next when the broker last answered; none before it did.
    pub(crate) fn high_watermark(&self) -> Option<i64> {
        let (mut low, mut high) = (0, 0);
        // SAFETY: the client is alive and the name ends in a zero byte; both places are ours.
        let answer = unsafe {
            native::rd_kafka_get_watermark_offsets(
                self.client.client().native_ptr(),
                self.topic.as_ptr(),
                self.partition,
                &raw mut low,
                &raw mut high,
            )
        };
        let is_known = answer == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        (is_known && high >= 0).then_some(high)
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the queue is ours; nobody is called any more once this is disabled, which takes the queue's lock.
        unsafe {
            native::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            native::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

/// Called on a thread of librdkafka's.
unsafe extern "C" fn call_wake(_client: *mut native::rd_kafka_t, wake: *mut c_void) {
    // SAFETY: it is the box that `wake_with` keeps.
    unsafe { &*wake.cast::<Wake>() }.wake();
}

/// A message, or what there is instead of one.
pub(crate) struct Message(NonNull<native::rd_kafka_message_t>);

// SAFETY: a message is not tied to a thread.
unsafe impl Send for Message {}

impl Message {
    fn fields(&self) -> &native::rd_kafka_message_t {
        // SAFETY: the message is ours until it is dropped.
        unsafe { self.0.as_ref() }
    }

    /// Why there is no record.
    pub(crate) fn error(&self) -> Option<RDKafkaErrorCode> {
        let error = self.fields().err;
        (error != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| error.into())
    }

    /// Where it stands; at the end of a partition: where the next one will stand.
    pub(crate) fn offset(&self) -> i64 {
        self.fields().offset
    }

    /// Its value, if it has one.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        let fields = self.fields();
        if fields.payload.is_null() {
            return None;
        }
        // SAFETY: librdkafka gives the length of what it points to, which lives as long as the message.
        Some(unsafe { std::slice::from_raw_parts(fields.payload.cast(), fields.len) })
    }

    /// Its timestamp, milliseconds since the Unix epoch, if it has one.
    pub(crate) fn timestamp(&self) -> Option<i64> {
        let mut kind = native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message and the place for the kind are ours.
        let timestamp =
            unsafe { native::rd_kafka_message_timestamp(self.0.as_ptr(), &raw mut kind) };
        let is_known = kind != native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        (is_known && timestamp >= 0).then_some(timestamp)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message is ours, and given back once.
        unsafe { native::rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}

/// Sends what waits to be gathered and waits, at most so long, until everything is delivered or has failed; gives whether it is.
pub(crate) fn flush<C: ProducerContext>(producer: &ThreadedProducer<C>, most: Duration) -> bool {
    let milliseconds = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the producer is alive for as long as it is borrowed.
    let answer = unsafe { native::rd_kafka_flush(producer.client().native_ptr(), milliseconds) };
    answer == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}
