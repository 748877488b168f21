//! Compiled code, kept between runs.
//!
//! Compiling a component takes a hundred milliseconds and loading what was compiled before takes one. Compiled code is machine code
//! that runs outside any sandbox, so it is only ever loaded from a folder and a file that belong to this user and that nobody
//! else can write, and only if it is whole.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Bytes of the checksum in front of the code.
const CHECKSUM: usize = 32;

/// A folder of compiled code.
#[derive(Clone, Debug)]
pub(super) struct CodeCache {
    folder: PathBuf,
}

impl CodeCache {
    /// The cache in `folder`, which is made if need be; none where it is not this user's alone.
    pub(super) fn open(folder: &Path) -> Option<Self> {
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(folder) {
            tracing::debug!(folder = %folder.display(), %error, "compiled code is not kept");
            return None;
        }
        if !belongs_to_us(folder) {
            tracing::warn!(folder = %folder.display(), "compiled code is not kept: others own or can write the folder");
            return None;
        }
        Some(Self {
            folder: folder.to_owned(),
        })
    }

    /// The code kept under `key`.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key);
        if !belongs_to_us(&path) {
            return None;
        }
        let mut bytes = fs::read(path).ok()?;
        if bytes.len() < CHECKSUM || bytes[..CHECKSUM] != Sha256::digest(&bytes[CHECKSUM..])[..] {
            return None;
        }
        bytes.drain(..CHECKSUM);
        Some(bytes)
    }

    /// Keeps code under `key`. That this fails is no more than a loss of time at the next start.
    pub(super) fn put(&self, key: &str, code: &[u8]) {
        let path = self.path(key);
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let written = write_whole(&beside, code).and_then(|()| fs::rename(&beside, &path));
        if let Err(error) = written {
            tracing::debug!(path = %path.display(), %error, "compiled code is not kept");
            // What is left over is overwritten by the next attempt of a process with this id.
            let _ = fs::remove_file(&beside);
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.cwasm"))
    }
}

fn write_whole(path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)
}

fn belongs_to_us(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| {
        metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn code_comes_back_as_it_was_put() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&folder.path().join("code")).unwrap();
        cache.put("key", b"machine code");
        assert_eq!(cache.get("key").as_deref(), Some(&b"machine code"[..]));
        assert_eq!(cache.get("other"), None);
    }

    #[test]
    fn damaged_code_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&folder.path().join("code")).unwrap();
        cache.put("key", b"machine code");
        let mut bytes = fs::read(cache.path("key")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(cache.path("key"), bytes).unwrap();
        assert_eq!(cache.get("key"), None);
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(CodeCache::open(folder.path()).is_none());
    }
}
