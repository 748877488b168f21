//! Compiled code, kept between runs.
//!
//! Compiling a component takes a hundred milliseconds and loading what was compiled before takes one. Compiled code is machine code
//! that runs outside any sandbox, so it is only ever loaded from a folder and a file that belong to this user and that nobody
//! else can write, and only if it is whole.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// Bytes of the checksum in front of the code.
const CHECKSUM: usize = 32;

/// Bytes that are kept in all. Plugins that change often leave as many files; those that nobody has asked for the longest go first.
const MOST_KEPT: u64 = 2 << 30;

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
        let mut bytes = fs::read(&path).ok()?;
        if bytes.len() < CHECKSUM || bytes[..CHECKSUM] != Sha256::digest(&bytes[CHECKSUM..])[..] {
            return None;
        }
        bytes.drain(..CHECKSUM);
        // What was asked for last is what is kept; that this fails costs time later.
        let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
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
        self.prune(MOST_KEPT);
    }

    /// Removes what was asked for the longest ago, until no more is left than may be.
    fn prune(&self, most: u64) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort_unstable();
        let mut kept: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if kept <= most {
                return;
            }
            // Another process may have been faster.
            let _ = fs::remove_file(path);
            kept -= length;
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
    fn what_was_asked_for_last_is_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&folder.path().join("code")).unwrap();
        for key in ["a", "b", "c"] {
            cache.put(key, b"machine code");
            let file = File::open(cache.path(key)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        assert!(cache.get("b").is_some());
        let one = fs::metadata(cache.path("b")).unwrap().len();
        cache.prune(one);
        let left = ["a", "b", "c"].map(|key| cache.get(key).is_some());
        assert_eq!(left, [false, true, false]);
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
