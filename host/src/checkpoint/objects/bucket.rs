//! An object store from a thread that may wait: every request ends before its call does.

use std::fs;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};

use super::owner::random;
use crate::checkpoint::StoreError;
use crate::checkpoint::location::Objects;
use crate::connection::Services;
use crate::connection::objects::ObjectRoot;

/// Bytes of a part of a large object; S3 wants at least 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// The objects of one task. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    root: String,
    place: String,
    is_folder: bool,
    services: Services,
}

impl Bucket {
    /// The objects below `folder`. A local folder is made if the caller may write; where it is missing otherwise, there is nothing.
    pub(super) fn open(
        location: &Objects,
        folder: &str,
        may_write: bool,
        services: &Services,
    ) -> Result<Self, StoreError> {
        let root = &location.root;
        let place = format!("{root}/{folder}");
        if let ObjectRoot::Folder(path) = root {
            if may_write {
                fs::create_dir_all(path).map_err(|error| StoreError::Create {
                    path: path.clone(),
                    error,
                })?;
            } else if !path.exists() {
                return Err(StoreError::Missing { place });
            }
        }
        let is_folder = root.is_folder();
        let store = root
            .store()
            .map_err(|error| failed(&place, is_folder, error))?;
        let root = root.name(folder);
        Ok(Self {
            store,
            root,
            place,
            is_folder,
            services: services.clone(),
        })
    }

    /// Where the objects are, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What an object is called in messages.
    pub(super) fn place_of(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    pub(super) fn damaged(&self, name: &str, found: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            place: self.place_of(name),
            found: found.into(),
        }
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.root))
    }

    fn failed(&self, name: &str, error: Error) -> StoreError {
        failed(&self.place_of(name), self.is_folder, error)
    }

    fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        self.services.runtime().block_on(request)
    }

    /// The object of that name, if there is one.
    pub(super) fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(name);
        let got = self.wait(async { self.store.get(&path).await?.bytes().await });
        match got {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// A part of an object that has to be there.
    pub(super) fn range(&self, name: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        let path = self.path(name);
        self.wait(self.store.get_range(&path, range))
            .map_err(|error| self.failed(name, error))
    }

    pub(super) fn put(&self, name: &str, bytes: Bytes) -> Result<(), StoreError> {
        let path = self.path(name);
        self.wait(self.store.put(&path, PutPayload::from_bytes(bytes)))
            .map(drop)
            .map_err(|error| self.failed(name, error))
    }

    /// Writes an object of a name that nobody has used. Gives whether this was who wrote it.
    pub(super) fn create(&self, name: &str, bytes: &Bytes) -> Result<bool, StoreError> {
        let path = self.path(name);
        let options = PutOptions::from(PutMode::Create);
        let payload = PutPayload::from_bytes(bytes.clone());
        match self.wait(self.store.put_opts(&path, payload, options)) {
            Ok(_) => Ok(true),
            // A request that was tried again may have met itself.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Ok(self.get(name)?.as_ref() == Some(bytes))
            }
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Makes sure that the store refuses a name that is in use. Some that speak the API of S3 do as if they did, and two processes would both be right.
    pub(super) fn check_conditions(&self) -> Result<(), StoreError> {
        const NAME: &str = "conditional-put";
        if self.is_folder {
            return Ok(());
        }
        self.create(NAME, &random().into())?;
        if !self.create(NAME, &random().into())? {
            return Ok(());
        }
        let source = "it writes over an object that it was asked not to touch".into();
        Err(self.failed(NAME, Error::NotSupported { source }))
    }

    /// The names in a folder that come after one of them, without the folder.
    pub(super) fn list(
        &self,
        folder: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, StoreError> {
        let path = self.path(folder);
        let listed: Result<Vec<String>, Error> = self.wait(async {
            let mut found = match after {
                Some(after) => {
                    let after = self.path(&format!("{folder}/{after}"));
                    self.store.list_with_offset(Some(&path), &after)
                }
                None => self.store.list(Some(&path)),
            };
            let mut names = Vec::new();
            while let Some(object) = found.next().await {
                names.extend(object?.location.filename().map(str::to_owned));
            }
            Ok(names)
        });
        match listed {
            Ok(mut names) => {
                names.sort();
                Ok(names)
            }
            Err(Error::NotFound { .. }) if self.is_folder => Ok(Vec::new()),
            Err(error) => Err(self.failed(folder, error)),
        }
    }

    /// Removes objects; those that are gone already are no mistake.
    pub(super) fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let mut removed = self
            .store
            .delete_stream(futures_util::stream::iter(paths).boxed());
        self.wait(async {
            while let Some(result) = removed.next().await {
                match result {
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(self.failed("", error)),
                }
            }
            Ok(())
        })
    }

    /// Begins an object that may be larger than memory. Nobody sees it before it is finished.
    pub(super) fn upload(&self, name: String) -> Upload {
        Upload {
            bucket: self.clone(),
            name,
            waiting: Vec::new(),
            parts: None,
        }
    }
}

fn failed(place: &str, is_folder: bool, error: Error) -> StoreError {
    let place = place.to_owned();
    match error {
        Error::NotFound { .. } if is_folder => StoreError::Damaged {
            place,
            found: "it is missing".to_owned(),
        },
        Error::NotFound { .. }
        | Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::NotImplemented { .. }
        | Error::NotSupported { .. }
        | Error::InvalidPath { .. }
        | Error::UnknownConfigurationKey { .. } => StoreError::Refused { place, error },
        error if is_folder => StoreError::Folder { place, error },
        error => StoreError::Unavailable { place, error },
    }
}

/// An object in the making.
pub(super) struct Upload {
    bucket: Bucket,
    name: String,
    waiting: Vec<u8>,
    /// The parts that were sent, once there is more than one.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() >= PART_BYTES {
            let rest = self.waiting.split_off(PART_BYTES);
            let part = std::mem::replace(&mut self.waiting, rest);
            self.send(part)?;
        }
        Ok(())
    }

    fn send(&mut self, part: Vec<u8>) -> Result<(), StoreError> {
        let Self {
            bucket,
            name,
            parts,
            ..
        } = self;
        let path = bucket.path(name);
        let sent = bucket.wait(async {
            let parts = match parts {
                Some(parts) => parts,
                None => parts.insert(bucket.store.put_multipart(&path).await?),
            };
            parts.put_part(PutPayload::from(part)).await
        });
        sent.map_err(|error| bucket.failed(name, error))
    }

    /// Makes the object.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        let rest = std::mem::take(&mut self.waiting);
        if self.parts.is_none() {
            return self.bucket.put(&self.name, rest.into());
        }
        if !rest.is_empty() {
            self.send(rest)?;
        }
        let Some(mut parts) = self.parts.take() else {
            return Ok(());
        };
        self.bucket
            .wait(parts.complete())
            .map(drop)
            .map_err(|error| self.bucket.failed(&self.name, error))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Err(error) = self.bucket.wait(parts.abort())
        {
            tracing::debug!(%error, object = self.name, "parts of an unfinished object are left behind");
        }
    }
}
