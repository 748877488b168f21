//! Each `tests/wrong-manifests/NAME.toml` is refused with exactly the message of `NAME.expected`.
//!
//! Lines that begin with `# with: ` say under what circumstances it is read: `# with: --set key=value` and
//! `# with: NAME=value` for a variable of the environment. `BLESS=1` writes the messages anew, to be looked at before they
//! are committed.

#![expect(
    clippy::expect_used,
    reason = "a case that cannot be read fails its test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jackfield::config::{Diagnostics, Manifest, Override, code};

/// What cannot be wrong with the text of one manifest: the codes that other tests stand for.
const ELSEWHERE: &[&code::Code] = &[
    &code::UNREADABLE_MANIFEST,
    &code::SECRET_UNAVAILABLE,
    &code::UNKNOWN_OPTION,
    &code::MISSING_OPTION,
    &code::INVALID_OPTION,
    &code::UNUSABLE_SCHEMA,
    &code::UNUSABLE_PATTERN,
    &code::UNUSABLE_CERTIFICATE,
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wrong-manifests")
}

fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder of wrong manifests");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    cases.sort();
    cases
}

fn refusal(case: &Path) -> Diagnostics {
    let text = std::fs::read_to_string(case).expect("a manifest");
    let mut environment = BTreeMap::new();
    let mut overrides = Vec::new();
    for circumstance in text
        .lines()
        .filter_map(|line| line.strip_prefix("# with: "))
    {
        match circumstance.strip_prefix("--set ") {
            Some(option) => match Override::parse(option) {
                Ok(option) => overrides.push(option),
                Err(refusal) => return refusal,
            },
            None => {
                let (name, value) = circumstance.split_once('=').expect("NAME=value");
                environment.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    let name = Path::new(case.file_name().expect("a file"));
    Manifest::parse(name, text, &environment, &overrides)
        .err()
        .unwrap_or_else(|| panic!("{} is accepted", name.display()))
}

#[test]
fn each_wrong_manifest_is_refused_with_its_message() {
    let cases = cases();
    assert!(cases.len() > 20, "the cases have gone missing");
    for case in cases {
        let rendered = refusal(&case).render(false);
        let expected = case.with_extension("expected");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &rendered).expect("write the message");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(rendered, expected, "{}", case.display());
    }
}

#[test]
fn every_code_has_a_wrong_manifest() {
    let seen: BTreeSet<&str> = cases()
        .iter()
        .flat_map(|case| refusal(case))
        .map(|diagnostic| diagnostic.code.id)
        .collect();
    for code in code::ALL {
        let is_elsewhere = ELSEWHERE.contains(code);
        assert_ne!(seen.contains(code.id), is_elsewhere, "{}", code.id);
    }
}
