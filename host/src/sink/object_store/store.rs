//! The objects below a URL, from a thread that may wait. A store that does not answer is waited for; nobody is kept from stopping the pipeline.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};

use super::ObjectError;
use crate::config;
use crate::connection::Services;
use crate::connection::objects::ObjectRoot;
use crate::sink::patience::Patience;
use crate::sink::{Opening, SinkError};

/// What stands in the name of a file that is being written, behind that of its object.
const STAGED: &str = "#";

/// The objects of a sink.
pub(super) struct Objects {
    root: ObjectRoot,
    store: Arc<dyn ObjectStore>,
    patience: Patience,
    services: Services,
}

impl Objects {
    /// Makes the folder, if it is one. Of a bucket nothing is asked yet.
    pub(super) fn of(
        options: &config::ObjectStoreSink,
        opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        let place = options.place.url.to_string();
        let root = opening.services.objects(opening.name).cloned();
        // The services of a manifest know every sink of it.
        let root = root.ok_or_else(|| SinkError::Position {
            sink: opening.name.to_owned(),
        })?;
        root.make().map_err(|error| SinkError::File {
            path: PathBuf::from(&place),
            error,
        })?;
        let is_folder = root.is_folder();
        let store = root.store().map_err(|error| ObjectError {
            place,
            is_folder,
            error,
        })?;
        Ok(Self {
            root,
            store,
            patience: Patience::new(opening.name, opening.waits, opening.halt),
            services: opening.services.clone(),
        })
    }

    pub(super) fn is_folder(&self) -> bool {
        self.root.is_folder()
    }

    /// What an object is called in messages.
    pub(super) fn place_of(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }

    /// The whole name of what is called `name` below the URL.
    pub(super) fn whole_name(&self, name: &str) -> String {
        self.root.name(name)
    }

    fn path(&self, name: &str) -> Result<Path, ObjectError> {
        Path::parse(self.root.name(name))
            .map_err(|error| self.failed(name, Error::InvalidPath { source: error }))
    }

    fn failed(&self, name: &str, error: Error) -> ObjectError {
        ObjectError {
            place: self.place_of(name),
            is_folder: self.is_folder(),
            error,
        }
    }

    /// Puts an object, in place of another of that name.
    pub(super) async fn put(&self, name: &str, bytes: &Bytes) -> Result<(), SinkError> {
        let path = &self.path(name)?;
        self.patience
            .insist(move || async move {
                let payload = PutPayload::from_bytes(bytes.clone());
                let put = self.store.put(path, payload).await;
                put.map(drop).map_err(|error| self.failed(name, error))
            })
            .await
    }

    /// As [`put`](Self::put), waited for.
    pub(super) fn put_now(&self, name: &str, bytes: &Bytes) -> Result<(), SinkError> {
        self.services.runtime().block_on(self.put(name, bytes))
    }

    /// Puts objects, so many at a time and begun in their order; gives what became of each.
    pub(super) fn put_all(
        &self,
        objects: Vec<(usize, String, Bytes)>,
        width: usize,
    ) -> Vec<(usize, Result<(), SinkError>)> {
        let puts = stream::iter(objects)
            .map(|(index, name, bytes)| async move { (index, self.put(&name, &bytes).await) });
        self.services
            .runtime()
            .block_on(puts.buffer_unordered(width).collect())
    }

    /// The names in a folder that come after one of them, without the folder, with their sizes in bytes, in their order.
    pub(super) fn list(
        &self,
        folder: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, u64)>, SinkError> {
        let path = &self.path(folder)?;
        let offset = &match after {
            Some(after) => Some(self.path(&format!("{folder}/{after}"))?),
            None => None,
        };
        let listed = self.patience.insist(move || async move {
            let found = match offset {
                Some(offset) => self.store.list_with_offset(Some(path), offset),
                None => self.store.list(Some(path)),
            };
            let found: Result<Vec<_>, Error> = found.try_collect().await;
            match found {
                Err(Error::NotFound { .. }) if self.is_folder() => Ok(Vec::new()),
                found => found.map_err(|error| self.failed(folder, error)),
            }
        });
        let listed = self.services.runtime().block_on(listed)?;
        let name = |object: object_store::ObjectMeta| {
            Some((object.location.filename()?.to_owned(), object.size))
        };
        let mut names: Vec<_> = listed.into_iter().filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Removes what a process that was killed left half written in a folder of this machine: it has a name that no object has, and is in nobody's way but people's.
    pub(super) fn remove_unfinished(&self, folder: &str) -> Result<(), SinkError> {
        let ObjectRoot::Folder(root) = &self.root else {
            return Ok(());
        };
        let failed = |path: PathBuf| move |error| SinkError::File { path, error };
        let path = root.join(folder);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(failed(path.clone()))?,
        };
        for entry in entries {
            let path = entry.map_err(failed(path.clone()))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.contains(STAGED) {
                let removed = fs::remove_file(&path);
                removed.map_err(failed(path.clone()))?;
            }
        }
        Ok(())
    }

    /// Removes an object; that it is gone already is no mistake.
    pub(super) fn remove(&self, name: &str) -> Result<(), SinkError> {
        let path = &self.path(name)?;
        let removed = self.patience.insist(move || async move {
            match self.store.delete(path).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.failed(name, error)),
            }
        });
        self.services.runtime().block_on(removed)
    }
}
