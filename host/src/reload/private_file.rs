//! Files that hold records as they are: nobody but this user may read them.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The permissions: this user may read and write.
const MODE: u32 = 0o600;

/// Makes a file that only this user may read and write, in the place of what a file of that name holds. Whoever may have been able to read that can do so no more before
/// anything is written.
///
/// # Errors
/// Where it cannot be opened, is another user's, or is no regular file; what it holds stays then.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    // Not emptied by opening: it may be another user's.
    options.write(true).create(true).truncate(false).mode(MODE);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ));
    }
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.set_len(0)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_may_read_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        create(&path).unwrap().write_all(b"new").unwrap();
        assert_eq!(mode(&path), MODE);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn nobody_else_may_read_a_file_that_is_written_over_though_they_could_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        fs::write(&path, "what was there, which is longer").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        create(&path).unwrap().write_all(b"new").unwrap();
        assert_eq!(mode(&path), MODE);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn what_is_no_file_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let before = mode(folder.path());
        assert!(create(folder.path()).is_err());
        assert_eq!(mode(folder.path()), before);
        let device = mode(Path::new("/dev/null"));
        assert!(create(Path::new("/dev/null")).is_err());
        assert_eq!(mode(Path::new("/dev/null")), device);
    }
}
