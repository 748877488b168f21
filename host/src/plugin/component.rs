//! A plugin's code, checked at load.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::InstancePre;
use wasmtime::component::types::ComponentItem;
use wasmtime::{CodeBuilder, Engine};

use super::instance::STARTING;
use super::linked::Linked;
use super::runtime::{Runtime, World};
use super::sandbox::{GRANTED, JOBS_ONLY, Sandbox};
use super::{Breach, Description, Failure, Instance, Limits, Port, contract_0_1, description};
use crate::error;
use crate::hexadecimal;

/// A plugin's code and what it says of itself. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    digest: String,
    size: u64,
    imports: Vec<String>,
    description: Description,
    outputs: Arc<[Port]>,
    linked: Linked,
}

/// Why a file is not a plugin of this host.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("cannot read the plugin {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It is not a WebAssembly component.
    #[error("{} is not a WebAssembly component: {reason}", path.display())]
    NotComponent {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// It is built for another version of the contract, or for none.
    #[error("{} {found}; this host offers {needed}", path.display())]
    Contract {
        /// The file.
        path: PathBuf,
        /// What it exports instead.
        found: String,
        /// The contract that this host offers for it.
        needed: &'static str,
    },
    /// It asks for something that no plugin is granted.
    #[error("{} imports {import}, which no plugin of this kind is granted", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// The interface.
        import: String,
    },
    /// It carries the right names, but its types or functions are not those of the contract.
    #[error("{} does not fit the contract {needed}: {reason}", path.display())]
    Types {
        /// The file.
        path: PathBuf,
        /// The contract.
        needed: &'static str,
        /// Where they differ.
        reason: String,
    },
    /// It failed when asked to describe itself.
    #[error("the plugin {} {failure}", path.display())]
    Describe {
        /// The file.
        path: PathBuf,
        /// What it did.
        failure: Failure,
    },
}

impl LoadError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> error::Code {
        match self {
            Self::Read { .. } => error::Code::PLUGIN_UNREADABLE,
            Self::NotComponent { .. } => error::Code::PLUGIN_NOT_COMPONENT,
            Self::Contract { .. } | Self::Types { .. } => error::Code::PLUGIN_OTHER_CONTRACT,
            Self::Import { .. } => error::Code::PLUGIN_IMPORT,
            Self::Describe { failure, .. } => failure.code(),
        }
    }
}

/// The code of a component that was looked at from outside, and not started yet.
pub(super) struct Code<'a> {
    path: &'a Path,
    /// The contract that it is to keep.
    needed: &'static str,
    pub(super) digest: String,
    pub(super) size: u64,
    pub(super) imports: Vec<String>,
    code: wasmtime::component::Component,
    runtime: Runtime,
}

impl<'a> Code<'a> {
    pub(super) fn read(
        runtime: &Runtime,
        path: &'a Path,
        needed: &'static str,
    ) -> Result<Self, LoadError> {
        let owned = || path.to_owned();
        let bytes = fs::read(path).map_err(|error| LoadError::Read {
            path: owned(),
            error,
        })?;
        let digest = digest_of(&bytes);
        let engine = &runtime.inner.offer.engine;
        let code = compile(runtime, &bytes, &digest).map_err(|error| LoadError::NotComponent {
            path: owned(),
            reason: what_it_is(&bytes, &error),
        })?;
        let imports: Vec<String> = code
            .component_type()
            .imports(engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        check_contract(&code, engine, &imports, (path, needed))?;
        Ok(Self {
            path,
            needed,
            digest,
            size: bytes.len() as u64,
            imports,
            code,
            runtime: runtime.clone(),
        })
    }

    pub(super) fn link(
        &self,
        world: World,
        check: impl FnOnce(&InstancePre<Sandbox>) -> wasmtime::Result<()>,
    ) -> Result<Linked, LoadError> {
        Linked::new(&self.runtime, world, &self.code)
            .and_then(|linked| check(linked.pooled()).map(|()| linked))
            .map_err(|error| self.types(format!("{error:#}")))
    }

    /// What it means that the component failed to describe itself.
    pub(super) fn refused(&self, failure: Failure) -> LoadError {
        match failure.breach {
            // Types of functions are compared when the first instance is made.
            Breach::Contract(reason) if failure.function == STARTING => self.types(reason),
            _ => LoadError::Describe {
                path: self.path.to_owned(),
                failure,
            },
        }
    }

    fn types(&self, reason: String) -> LoadError {
        LoadError::Types {
            path: self.path.to_owned(),
            needed: self.needed,
            reason,
        }
    }
}

impl Component {
    pub(super) fn load(runtime: &Runtime, path: &Path) -> Result<Self, LoadError> {
        let code = Code::read(runtime, path, contract_0_1::INTERFACE)?;
        let linked = code.link(World::Stage, contract_0_1::check)?;
        let description = linked
            .start(|pre| Instance::start(pre, Arc::default(), "describe", &Limits::default()))
            .and_then(|mut instance| instance.describe())
            .and_then(|description| match description::check(&description) {
                Ok(()) => Ok(description),
                Err(found) => Err(Failure::contract("describe", found)),
            })
            .map_err(|failure| code.refused(failure))?;
        let outputs = description.outputs.iter().cloned().collect();
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                digest: code.digest,
                size: code.size,
                imports: code.imports,
                description,
                outputs,
                linked,
            }),
        })
    }

    /// Where it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// Bytes of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.size
    }

    /// The contract that it is built for.
    #[must_use]
    pub fn contract(&self) -> &'static str {
        contract_0_1::INTERFACE
    }

    /// The interfaces that it imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// A new instance for the stage `name`.
    ///
    /// # Errors
    /// [`Failure`] where the component fails as it starts.
    pub fn instantiate(&self, name: &str, limits: &Limits) -> Result<Instance, Failure> {
        let outputs = &self.inner.outputs;
        self.inner
            .linked
            .start(|pre| Instance::start(pre, Arc::clone(outputs), name, limits))
    }

    /// A new instance, configured; of the outputs, by index, `connected` are consumed.
    ///
    /// # Errors
    /// As for [`instantiate`](Self::instantiate), and a [`Breach::Refusal`](super::Breach::Refusal) where the plugin does not accept the configuration.
    pub fn instantiate_configured(
        &self,
        name: &str,
        limits: &Limits,
        configuration: &str,
        connected: &[u32],
    ) -> Result<Instance, Failure> {
        let mut instance = self.instantiate(name, limits)?;
        instance.configure(configuration, connected)?;
        Ok(instance)
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("path", &self.inner.path)
            .field("digest", &self.inner.digest)
            .finish_non_exhaustive()
    }
}

fn digest_of(bytes: &[u8]) -> String {
    hexadecimal::text(&Sha256::digest(bytes))
}

fn compile(
    runtime: &Runtime,
    bytes: &[u8],
    digest: &str,
) -> wasmtime::Result<wasmtime::component::Component> {
    let engine = &runtime.inner.offer.engine;
    let Some(cache) = &runtime.inner.cache else {
        return wasmtime::component::Component::from_binary(engine, bytes);
    };
    let key = format!("{digest}-{:016x}", compatibility(engine));
    if let Some(code) = cache.get(&key) {
        // SAFETY: the cache returns whole files that only this user can have written, under the digest of the component
        // and the engine that they were compiled with; the engine checks its own version again.
        #[expect(
            unsafe_code,
            reason = "loading compiled code is unsafe by nature; the cache says why this is sound"
        )]
        if let Ok(component) = unsafe { wasmtime::component::Component::deserialize(engine, code) }
        {
            return Ok(component);
        }
    }
    let component = CodeBuilder::new(engine)
        .wasm_binary(bytes, None)?
        .compile_component()?;
    cache.put(&key, &component.serialize()?);
    Ok(component)
}

/// A number that is the same for engines which can load each other's code.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn what_it_is(bytes: &[u8], error: &wasmtime::Error) -> String {
    match bytes {
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            "it is a core module; build it for the target wasm32-wasip2".to_owned()
        }
        [b'\0', b'a', b's', b'm', ..] => error.root_cause().to_string(),
        [] => "it is empty".to_owned(),
        _ => "it does not begin as WebAssembly does".to_owned(),
    }
}

/// Names the versions on both sides before types are compared, which would only say that something is missing.
fn check_contract(
    code: &wasmtime::component::Component,
    engine: &Engine,
    imports: &[String],
    (path, needed): (&Path, &'static str),
) -> Result<(), LoadError> {
    let kind = code.component_type();
    let interfaces = kind
        .exports(engine)
        .filter(|(_, export)| matches!(export.ty, ComponentItem::ComponentInstance(_)))
        .map(|(name, _)| name.to_owned())
        .collect::<Vec<_>>();
    if !interfaces.iter().any(|name| name == needed) {
        let found = match interfaces
            .iter()
            .find(|name| name.starts_with("jackfield:plugin/"))
        {
            Some(other) => format!("is built for {other}"),
            None => "exports no interface of a plugin".to_owned(),
        };
        return Err(LoadError::Contract {
            path: path.to_owned(),
            found,
            needed,
        });
    }
    match imports.iter().find(|import| !is_granted(import, needed)) {
        Some(import) => Err(LoadError::Import {
            path: path.to_owned(),
            import: import.clone(),
        }),
        None => Ok(()),
    }
}

/// Requests and time are for jobs alone.
fn is_granted(import: &str, needed: &str) -> bool {
    let of_jobs = JOBS_ONLY
        .iter()
        .any(|interface| import.starts_with(interface));
    (!of_jobs || needed != contract_0_1::INTERFACE)
        && GRANTED.iter().any(|granted| import.starts_with(granted))
}
