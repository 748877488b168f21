//! Where the control socket of a pipeline is: one rule, for the host that opens it and for those who look for it.
//!
//! It stands beside the checkpoint database, which host and onlooker find by the same manifest. The address of a socket is no path like others, though: it has at
//! most 107 bytes, and not every file system can hold one. Then it is in the user's folder for things of this session, under a name that is made of
//! the database's path.

use std::env;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

/// Bytes of a socket's path: 108 on Linux and 104 elsewhere, of which the last is 0.
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where those who ask how a pipeline fares meet the processes that run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// At its checkpoint database, which one process has.
    Database(PathBuf),
    /// By the name of a place that is none of this machine's files, and that several processes share.
    Shared(String),
    /// At this socket and nowhere else, whatever it stands beside.
    Socket(PathBuf),
}

impl Meeting {
    /// Where the socket of a process may be, the best place first. A host takes the first that it can.
    pub(super) fn own(&self) -> Vec<PathBuf> {
        match self {
            Self::Database(database) => addresses(database),
            Self::Shared(name) => {
                let process = std::process::id();
                let socket = format!("{}{process}{ENDING}", beginning(name));
                vec![folder().join(socket)]
            }
            Self::Socket(socket) => vec![socket.clone()],
        }
    }

    /// Where sockets are to be looked for: at the first that answers, or at each.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        let Self::Shared(name) = self else {
            return self.own();
        };
        let beginning = beginning(name);
        let is_one = |path: &PathBuf| {
            let file = path.file_name().and_then(|file| file.to_str());
            file.is_some_and(|file| file.starts_with(&beginning) && file.ends_with(ENDING))
        };
        let Ok(entries) = fs::read_dir(folder()) else {
            return Vec::new();
        };
        let mut found: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(is_one)
            .collect();
        found.sort();
        found
    }
}

impl fmt::Display for Meeting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.own().first()) {
            (Self::Database(_), Some(socket)) => write!(formatter, "{}", socket.display()),
            (Self::Shared(name), _) => write!(formatter, "the sockets of {name}"),
            (Self::Socket(socket), _) => write!(formatter, "{}", socket.display()),
            (Self::Database(database), None) => write!(formatter, "{}", database.display()),
        }
    }
}

const ENDING: &str = ".sock";

fn beginning(name: &str) -> String {
    format!("{:032x}-", xxh3_128(name.as_bytes()))
}

fn folder() -> PathBuf {
    user_folder(env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

/// Where the socket of the pipeline with this checkpoint database may be, the best place first.
fn addresses(database: &Path) -> Vec<PathBuf> {
    let database = resolved(database);
    let mut beside = database.clone().into_os_string();
    beside.push(".sock");
    let hash = xxh3_128(database.as_os_str().as_bytes());
    let elsewhere = folder();
    [
        PathBuf::from(beside),
        elsewhere.join(format!("{hash:032x}.sock")),
    ]
    .into_iter()
    .filter(|path| path.as_os_str().len() <= LONGEST_PATH)
    .collect()
}

/// Makes the folder of a socket if it is the user's own; a folder beside a database is there.
pub(super) fn prepare_folder(socket: &Path) -> io::Result<()> {
    match socket.parent() {
        Some(folder) if !folder.exists() => DirBuilder::new().mode(0o700).create(folder),
        _ => Ok(()),
    }
}

/// The same path for the same file, from whatever folder and through whatever link it is named.
fn resolved(database: &Path) -> PathBuf {
    let absolute = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    match (
        absolute.parent().map(fs::canonicalize),
        absolute.file_name(),
    ) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => absolute,
    }
}

/// `$XDG_RUNTIME_DIR/jackfield`, which other users cannot reach; where there is no such variable, the folder that it names on most systems, or else
/// one in `/tmp`.
fn user_folder(runtime: Option<PathBuf>) -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let usual = || Some(PathBuf::from(format!("/run/user/{user}"))).filter(|path| path.is_dir());
    match runtime.filter(|path| path.is_absolute()).or_else(usual) {
        Some(runtime) => runtime.join("jackfield"),
        None => PathBuf::from(format!("/tmp/jackfield-{user}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_socket_stands_beside_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let found = addresses(&folder.join("orders.db"));
        assert_eq!(found[0], folder.join("orders.db.sock"));
    }

    #[test]
    fn a_path_that_is_too_long_for_a_socket_has_a_short_stand_in_of_its_own() {
        let long = Path::new("/").join("long".repeat(30));
        let (one, other) = (addresses(&long.join("a.db")), addresses(&long.join("b.db")));
        assert_eq!((one.len(), other.len()), (1, 1));
        assert!(one[0].as_os_str().len() <= LONGEST_PATH);
        assert_ne!(one, other);
    }

    #[test]
    fn a_link_to_the_folder_leads_to_the_same_socket() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        assert_eq!(addresses(&link.join("a.db")), addresses(&real.join("a.db")));
    }

    #[test]
    fn processes_that_share_a_pipeline_have_sockets_of_their_own() {
        let (one, other) = ("s3://bucket/one".to_owned(), "s3://bucket/other".to_owned());
        let own = Meeting::Shared(one).own();
        assert_ne!(own, Meeting::Shared(other).own());
        let process = format!("-{}.sock", std::process::id());
        assert!(own[0].display().to_string().ends_with(&process));
    }

    #[test]
    fn sockets_that_cannot_stand_there_are_in_a_folder_of_the_users_own() {
        let runtime = PathBuf::from("/run/somebody");
        assert_eq!(
            user_folder(Some(runtime)),
            Path::new("/run/somebody/jackfield")
        );
        let user = rustix::process::geteuid().as_raw().to_string();
        let relative = user_folder(Some(PathBuf::from("relative")));
        assert!(relative.is_absolute() && relative.display().to_string().contains(&user));
    }
}
