//! Real servers, because what only a server's crash can break is not proven by a stand-in for it. Each is one process
//! with a folder of its own, started by a script of `tests/services`, and ends with the process that started it, in
//! whatever way that ends.

mod cassandra;
mod kafka;
mod node;
mod port;
mod s3;

pub use cassandra::{Cassandra, CassandraClient};
pub use kafka::{Compression, Kafka, KafkaClient, Message, Producer};
pub use s3::S3;
