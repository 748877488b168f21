//! A manifest as plain, typed data: complete and consistent in itself, though nothing that it names (files, plugins,
//! services) has been looked at yet.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::check;
use crate::config::checkpoint::{Checkpoint, CheckpointStore};
use crate::config::code;
use crate::config::connection::Connection;
use crate::config::dead_letters::DeadLetters;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::environment::Environment;
use crate::config::exchange::Exchange;
use crate::config::interpolation;
use crate::config::job::{Job, JobStoreOptions};
use crate::config::name::Name;
use crate::config::overrides::Override;
use crate::config::place::{Document, Located, Place};
use crate::config::preflight::Preflight;
use crate::config::reader::{Context, TableReader};
use crate::config::recovery::Recovery;
use crate::config::reload::Reload;
use crate::config::server::Server;
use crate::config::sink::Sink;
use crate::config::source::Source;
use crate::config::stage::Stage;
use crate::config::tree::Node;
use crate::config::trigger::Trigger;

/// How many parts the keys of a pipeline are divided into, and so the most that its parallelism can be.
pub const KEY_GROUPS: u16 = 128;

/// A pipeline as its manifest describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The manifest's path, as it was given.
    pub path: PathBuf,
    /// Its text.
    pub document: Arc<Document>,
    /// `[pipeline]`.
    pub pipeline: PipelineSettings,
    /// `[checkpoint]`.
    pub checkpoint: Checkpoint,
    /// `[[preflight]]`, in the order in which they are made.
    pub preflight: Vec<Preflight>,
    /// `[connections.NAME]`.
    pub connections: Vec<Connection>,
    /// `[sources.NAME]`; at least one, where there is no job.
    pub sources: Vec<Source>,
    /// `[jobs.NAME]`.
    pub jobs: Vec<Job>,
    /// `[job-store]`.
    pub job_store: Option<JobStoreOptions>,
    /// `[stages.NAME]`, without cycles; in the order of the manifest, which need not be that of the data.
    pub stages: Vec<Stage>,
    /// `[sinks.NAME]`.
    pub sinks: Vec<Sink>,
    /// `[dead-letters]`.
    pub dead_letters: DeadLetters,
    /// `[recovery]`.
    pub recovery: Recovery,
    /// `[reload]`.
    pub reload: Reload,
    /// `[server]`.
    pub server: Server,
    /// `[triggers.NAME]`.
    pub triggers: Vec<Trigger>,
}

/// What concerns the pipeline as a whole: `[pipeline]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineSettings {
    /// The name in messages, metrics and checkpoints.
    pub name: Located<Name>,
    /// How many instances work side by side, from 1 to [`KEY_GROUPS`]; 1 by default.
    pub parallelism: Located<u16>,
    /// How records with keys get to the one who works for their key.
    pub exchange: Exchange,
}

impl Manifest {
    /// Reads the manifest at `path`, with `${NAME}` looked up in `environment` and `overrides` put in the place of what
    /// it says.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of its text.
    pub fn read(
        path: &Path,
        environment: &dyn Environment,
        overrides: &[Override],
    ) -> Result<Self, Diagnostics> {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Self::parse(path, text, environment, overrides)
    }

    /// Reads a manifest whose text is at hand; `path` is where it would be.
    ///
    /// # Errors
    /// As for [`Manifest::read`].
    pub fn parse(
        path: &Path,
        text: String,
        environment: &dyn Environment,
        overrides: &[Override],
    ) -> Result<Self, Diagnostics> {
        let document = Document::manifest(path, text);
        let mut root = Node::parse(&document)?;
        let mut diagnostics = Diagnostics::new();
        for change in overrides {
            diagnostics.extend(change.apply(&mut root).err().map(|wrong| *wrong));
        }
        interpolation::interpolate(&mut root, environment, &mut diagnostics);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let context = Context::new(folder, diagnostics);
        let manifest = Self::from_tree(path, &document, &root, &context);
        let diagnostics = context.into_diagnostics();
        match manifest {
            Some(manifest) => diagnostics.into_result(manifest),
            None => Err(diagnostics.sorted()),
        }
    }

    /// Reads several manifests that are to run in one process.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, or between them.
    pub fn read_all(
        paths: &[PathBuf],
        environment: &dyn Environment,
        overrides: &[Override],
    ) -> Result<Vec<Self>, Diagnostics> {
        let mut manifests = Vec::with_capacity(paths.len());
        let mut diagnostics = Diagnostics::new();
        for path in paths {
            match Self::read(path, environment, overrides) {
                Ok(manifest) => manifests.push(manifest),
                // A wrong option is wrong for each manifest, but said once.
                Err(wrong) => {
                    let new: Vec<_> = wrong
                        .into_iter()
                        .filter(|one| diagnostics.iter().all(|known| known != one))
                        .collect();
                    diagnostics.extend(new);
                }
            }
        }
        diagnostics.extend(check::between(&manifests));
        diagnostics.into_result(manifests)
    }

    fn from_tree(
        path: &Path,
        document: &Arc<Document>,
        root: &Node,
        context: &Context,
    ) -> Option<Self> {
        let table = TableReader::new(root, context)?;
        let pipeline = table.required_table("pipeline", PipelineSettings::read);
        let checkpoint = table.required_table("checkpoint", Checkpoint::read);
        let preflight = table.tables("preflight", Preflight::read);
        let connections = table.named_tables("connections", Connection::read);
        let jobs = table.named_tables("jobs", Job::read);
        let job_store = table.optional_table("job-store", JobStoreOptions::read);
        if table.names_in("sources").is_empty() && table.names_in("jobs").is_empty() {
            context.report(without_source(root, table.optional_node("sources")));
        }
        let sources = table.named_tables("sources", Source::read);
        let stages = table.named_tables("stages", Stage::read);
        let sinks = table.named_tables("sinks", Sink::read);
        let dead_letters = table.optional_table("dead-letters", DeadLetters::read);
        let recovery = table.optional_table("recovery", |table| Some(Recovery::read(table)));
        let server = table.optional_table("server", |table| Some(Server::read(table)));
        let triggers = table.named_tables("triggers", Trigger::read);
        let reload = table.optional_table("reload", |table| Some(Reload::read(table)));
        let parts = check::Parts {
            pipeline: pipeline.as_ref(),
            checkpoint: checkpoint.as_ref(),
            preflight: &preflight,
            connections: &connections,
            sources: &sources,
            jobs: &jobs,
            job_store: job_store.as_ref(),
            stages: &stages,
            sinks: &sinks,
            dead_letters: dead_letters.as_ref(),
            triggers: &triggers,
            reload: reload.as_ref(),
            declared: check::Declared {
                connections: table.names_in("connections"),
                sources: table.names_in("sources"),
                jobs: table.names_in("jobs"),
                job_store: table.optional_node("job-store").is_some(),
                stages: table.names_in("stages"),
                sinks: table.names_in("sinks"),
            },
        };
        check::manifest(&parts, context);
        let server = server.unwrap_or_else(|| Server::default_of(&table));
        table.finish();
        Some(Self {
            path: path.to_owned(),
            document: Arc::clone(document),
            pipeline: pipeline?,
            checkpoint: checkpoint?,
            preflight,
            connections,
            sources,
            jobs,
            job_store,
            stages,
            sinks,
            dead_letters: dead_letters.unwrap_or_default(),
            recovery: recovery.unwrap_or_default(),
            reload: reload.unwrap_or_default(),
            server,
            triggers,
        })
    }
}

impl Manifest {
    /// Where its jobs are kept, if there is a place.
    #[must_use]
    pub fn job_store_path(&self) -> Option<PathBuf> {
        match (&self.job_store, &self.checkpoint.store) {
            (Some(options), _) => Some(options.path.value.clone()),
            (None, CheckpointStore::Sqlite { path }) => Some(path.value.with_extension("jobs.db")),
            (None, CheckpointStore::Objects(_)) => None,
        }
    }
}

impl PipelineSettings {
    fn read(table: &TableReader<'_>) -> Option<Self> {
        let name = table.required("name");
        let parallelism = table.optional_within("parallelism", 1..=KEY_GROUPS);
        let exchange = Exchange::read(table);
        Some(Self {
            name: name?,
            parallelism: parallelism.unwrap_or_else(|| table.default(1)),
            exchange,
        })
    }
}

fn without_source(root: &Node, sources: Option<&Node>) -> Diagnostic {
    Diagnostic::new(
        &code::MISSING_KEY,
        sources.unwrap_or(root).key_place.clone(),
        "the manifest has no source",
    )
    .help("add one: a table `[sources.NAME]` with its `type`, or `[jobs.NAME]` with its `plugin`")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostics {
    let document = Document::manifest(path, String::new());
    Diagnostic::new(
        &code::UNREADABLE_MANIFEST,
        Place::whole(&document),
        format!("the manifest `{}` cannot be read", path.display()),
    )
    .found(error.to_string())
    .help("give the path of a TOML file that this user may read")
    .into()
}
