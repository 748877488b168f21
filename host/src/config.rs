//! A pipeline is described by a manifest, and a mistake in it should cost seconds, not a night: everything that can be
//! known before anything starts is checked here, all at once, each finding with its line and what to do about it.
//!
//! Data flows one way: text → spanned tree (`tree`) → overridden (`overrides`) → interpolated (`interpolation`) → read into
//! types (`reader`) → checked as a whole (`check`) → [`Manifest`]. The environment is read here and in [`Secret::reveal`],
//! nowhere else.

mod check;
mod checkpoint;
pub mod code;
mod configuration;
mod connection;
mod dead_letters;
mod diagnostic;
mod environment;
mod exchange;
mod interpolation;
mod job;
mod kind;
mod manifest;
mod name;
mod nearest;
mod object_place;
mod overrides;
mod place;
mod preflight;
mod reader;
mod recovery;
mod reference;
mod reload;
mod secret;
mod server;
mod sink;
mod size;
mod source;
mod stage;
mod tree;
mod trigger;
mod url;
mod watermark;

pub use checkpoint::{Checkpoint, CheckpointStore, ObjectStore};
pub use code::Code;
pub use configuration::Configuration;
pub(crate) use connection::is_reserved;
pub use connection::{
    CassandraConnection, CircuitBreaker, ClientAuthentication, Connection, ConnectionKind, Grant,
    HttpAuthentication, HttpConnection, HttpPermissions, HttpRetry, KafkaConnection, OAuth,
    PathPattern, RequestRate, Tls,
};
pub use dead_letters::{DeadLetters, KafkaDeadLetters};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use environment::{Environment, NotUnicode, ProcessEnvironment};
pub use exchange::{Exchange, ExchangeKind};
pub use job::{ConnectionGrant, Job, JobLimits, JobStoreOptions};
pub use manifest::{KEY_GROUPS, Manifest, PipelineSettings};
pub use name::{Name, SqlName};
pub use nearest::nearest;
pub use object_place::{ObjectPlace, ObjectUrl, S3Options};
pub use overrides::Override;
pub use place::{Document, DocumentKind, Located, Place};
pub use preflight::{DataActionPreflight, Preflight, PreflightKind};
pub use recovery::{OnBreaker, Recovery};
pub use reference::{OutputPort, Reference};
pub use reload::{Probation, Reload, ReloadPolicy, Shadowing, StartPolicy};
pub use secret::Secret;
pub use server::Server;
pub use sink::{
    AuditSink, CassandraColumn, CassandraSink, CassandraType, Column, ColumnType, Consistency,
    CreateTopic, Creation, JsonlSink, KafkaSink, ObjectCompression, ObjectForm, ObjectStoreSink,
    PrimaryKey, Sink, SinkKind, SqliteSink, StdoutSink, WebhookSink,
};
pub use source::{
    Compression, FileSource, KafkaSource, NullValues, RateLimit, Source, SourceKind, Start,
};
pub use stage::{Input, Limits, Stage};
pub use trigger::{
    AnswerMode, CronTrigger, FailureStatus, HttpTrigger, JsonPointer, MissedRuns, PagesTrigger,
    Signature, Trigger, TriggerKind, WebSocketTrigger, WebhookTrigger,
};
pub use url::{BaseUrl, UrlPath};
pub use watermark::Watermark;
