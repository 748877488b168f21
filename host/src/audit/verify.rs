//! Whether a log is what was written.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::chain::{Chain, Hash, Line, file_name, number_of};

/// What was found of a log whose chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its end.
    pub chain: Chain,
    /// Files that it consists of.
    pub files: u64,
    /// Lines behind what was asked for: they were written and not yet committed.
    pub uncommitted: u64,
}

/// A log is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file is missing between others.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A line is none of a log's.
    #[error("{}:{line}: this is no line of an audit log: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line's number in it, from 1 on.
        line: u64,
        /// Why not.
        reason: String,
    },
    /// A line does not hold on to the one before it.
    #[error(
        "{}:{line}: this line follows another one than stands before it: the one before it was changed, or lines were taken out, put in or moved",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line's number in it, from 1 on.
        line: u64,
    },
    /// The log does not have the end that is known.
    #[error("the log has {found} records, and {expected} were committed")]
    Shorter {
        /// How many there are.
        found: u64,
        /// How many there should be.
        expected: u64,
    },
    /// The last record that is known to be committed is another one.
    #[error("record {sequence} is not the one that was committed")]
    Other {
        /// Its number.
        sequence: u64,
    },
}

/// Follows the chain of the log in `folder`, to the end of its files. `committed` is what the last checkpoint says of its end, if that is known.
///
/// # Errors
/// [`Breach`] with the first place where the log is not what was written.
pub fn verify(folder: &Path, committed: Option<Chain>) -> Result<Verified, Breach> {
    let files = files(folder)?;
    let mut walk = Walk {
        chain: Chain::default(),
        committed,
        reached: committed.is_none_or(|committed| committed.sequence == 0),
    };
    for &number in &files {
        walk.file(&folder.join(file_name(number)))?;
    }
    let expected = committed.map_or(0, |committed| committed.sequence);
    if !walk.reached {
        return Err(Breach::Shorter {
            found: walk.chain.sequence,
            expected,
        });
    }
    Ok(Verified {
        chain: walk.chain,
        files: files.len() as u64,
        uncommitted: committed.map_or(0, |_| walk.chain.sequence - expected),
    })
}

/// The numbers of the files, from 1 on without a gap.
fn files(folder: &Path) -> Result<Vec<u64>, Breach> {
    let failed = |error| Breach::File {
        path: folder.to_owned(),
        error,
    };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        numbers.extend(number_of(&entry.map_err(failed)?.path()));
    }
    numbers.sort_unstable();
    match (1..)
        .zip(&numbers)
        .find(|(expected, found)| expected != *found)
    {
        Some((missing, _)) => Err(Breach::Missing {
            path: folder.join(file_name(missing)),
        }),
        None => Ok(numbers),
    }
}

struct Walk {
    chain: Chain,
    committed: Option<Chain>,
    /// Whether the end that is known has been passed.
    reached: bool,
}

impl Walk {
    fn file(&mut self, path: &Path) -> Result<(), Breach> {
        let failed = |error| Breach::File {
            path: path.to_owned(),
            error,
        };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let (mut text, mut number) = (Vec::new(), 0);
        while file.read_until(b'\n', &mut text).map_err(failed)? > 0 {
            number += 1;
            match text.strip_suffix(b"\n") {
                Some(line) => self.line(path, number, line)?,
                // The host was ended while it wrote: nothing of that was committed.
                None if self.reached => return Ok(()),
                None => return Err(malformed(path, number, "it is cut short")),
            }
            text.clear();
        }
        Ok(())
    }

    fn line(&mut self, path: &Path, number: u64, text: &[u8]) -> Result<(), Breach> {
        let line: Line<'_> =
            serde_json::from_slice(text).map_err(|error| malformed(path, number, error))?;
        if line.previous != self.chain.head || line.sequence != self.chain.sequence + 1 {
            return Err(Breach::Broken {
                path: path.to_owned(),
                line: number,
            });
        }
        self.chain = Chain {
            sequence: line.sequence,
            head: Hash::of(text),
        };
        match self.committed {
            Some(committed) if committed.sequence == line.sequence => {
                self.reached = true;
                if committed != self.chain {
                    return Err(Breach::Other {
                        sequence: line.sequence,
                    });
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn malformed(path: &Path, line: u64, reason: impl ToString) -> Breach {
    Breach::Malformed {
        path: path.to_owned(),
        line,
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A log of two files with three records each.
    fn log() -> (TempDir, Chain) {
        let folder = TempDir::new().unwrap();
        let mut chain = Chain::default();
        for file in [1, 2] {
            let mut text = Vec::new();
            for record in 0..3 {
                let record = format!(r#"{{"file":{file},"record":{record}}}"#);
                chain.append(record.as_bytes(), &mut text).unwrap();
            }
            fs::write(folder.path().join(file_name(file)), text).unwrap();
        }
        (folder, chain)
    }

    fn change(folder: &TempDir, file: u64, change: impl FnOnce(&str) -> String) {
        let path = folder.path().join(file_name(file));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, change(&text)).unwrap();
    }

    #[test]
    fn a_log_that_nobody_touched_holds() {
        let (folder, chain) = log();
        let verified = verify(folder.path(), Some(chain)).unwrap();
        assert_eq!(
            (verified.chain, verified.files, verified.uncommitted),
            (chain, 2, 0)
        );
    }

    #[test]
    fn a_change_is_found_at_the_line_behind_it_also_in_the_next_file() {
        let (folder, chain) = log();
        change(&folder, 1, |text| {
            text.replace("\"record\":2}", "\"record\":3}")
        });
        let Err(Breach::Broken { path, line }) = verify(folder.path(), Some(chain)) else {
            panic!("the change was not found");
        };
        assert_eq!((number_of(&path), line), (Some(2), 1));
    }

    #[test]
    fn lines_that_were_taken_out_moved_or_doubled_break_the_chain() {
        type Reorder = fn(&[&str]) -> Vec<String>;
        let changes: [Reorder; 3] = [
            |lines| vec![lines[0].to_owned(), lines[2].to_owned()],
            |lines| {
                vec![
                    lines[1].to_owned(),
                    lines[0].to_owned(),
                    lines[2].to_owned(),
                ]
            },
            |lines| {
                [lines[0], lines[0], lines[1], lines[2]]
                    .map(str::to_owned)
                    .to_vec()
            },
        ];
        for reorder in changes {
            let (folder, chain) = log();
            change(&folder, 1, |text| {
                let lines: Vec<&str> = text.lines().collect();
                reorder(&lines).join("\n") + "\n"
            });
            let found = verify(folder.path(), Some(chain));
            assert!(matches!(found, Err(Breach::Broken { .. })), "{found:?}");
        }
    }

    #[test]
    fn a_last_line_that_was_changed_or_taken_away_is_found_by_who_knows_the_end() {
        let (folder, chain) = log();
        change(&folder, 2, |text| {
            text.replace("\"record\":2}", "\"record\":3}")
        });
        assert!(verify(folder.path(), None).is_ok());
        let found = verify(folder.path(), Some(chain));
        assert!(
            matches!(found, Err(Breach::Other { sequence: 6 })),
            "{found:?}"
        );
        change(&folder, 2, |text| {
            let lines: Vec<&str> = text.lines().take(2).collect();
            lines.join("\n") + "\n"
        });
        let found = verify(folder.path(), Some(chain));
        assert!(
            matches!(
                found,
                Err(Breach::Shorter {
                    found: 5,
                    expected: 6
                })
            ),
            "{found:?}"
        );
    }

    #[test]
    fn a_file_that_is_gone_is_named() {
        let (folder, _) = log();
        fs::remove_file(folder.path().join(file_name(1))).unwrap();
        let Err(Breach::Missing { path }) = verify(folder.path(), None) else {
            panic!("the gap was not found");
        };
        assert_eq!(number_of(&path), Some(1));
    }

    #[test]
    fn what_was_being_written_when_the_host_ended_does_no_harm() {
        let (folder, chain) = log();
        change(&folder, 2, |text| format!("{text}{{\"sequence\":7,\"prev"));
        assert!(verify(folder.path(), Some(chain)).is_ok());
        let later = Chain {
            sequence: 7,
            ..chain
        };
        let found = verify(folder.path(), Some(later));
        assert!(
            matches!(found, Err(Breach::Malformed { line: 4, .. })),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_no_log_is_refused_with_its_place() {
        for text in ["\n", "{}\n", "\u{0}\n", "{\"sequence\":1}\n"] {
            let (folder, _) = log();
            change(&folder, 1, |log| text.to_owned() + log);
            let found = verify(folder.path(), None);
            assert!(
                matches!(found, Err(Breach::Malformed { line: 1, .. })),
                "{found:?}"
            );
        }
    }
}
