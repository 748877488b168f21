//! Pipelines that write to a real Cassandra: what arrives in the tables, what is said of tables that do not fit, and that no crash of the host or of the
//! node loses, doubles or changes a row.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cassandra_sink/crash.rs"]
mod crash;
#[path = "cassandra_sink/rows.rs"]
mod rows;
#[path = "cassandra_sink/scenario.rs"]
mod scenario;
#[path = "cassandra_sink/secure.rs"]
mod secure;
#[path = "cassandra_sink/tables.rs"]
mod tables;
