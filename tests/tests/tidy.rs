//! The style that a compiler does not check: how long files and functions are, what they are called, what must not be in
//! the repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;
use std::{env, fs};

use jackfield_tests::harness::repository;

const LONGEST_FILE: usize = 800;
const LONGEST_FUNCTION: usize = 70;

/// Files of the repository, by path relative to it. What is built, fetched or ignored is none.
fn files() -> Vec<String> {
    let root = repository();
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            match path.is_dir() {
                true if ["target", ".git"]
                    .iter()
                    .any(|ignored| name.split('/').any(|part| part == *ignored)) => {}
                true => folders.push(path),
                false => files.push(name),
            }
        }
    }
    files.sort();
    assert!(
        files.len() > 50,
        "only {} files: not the repository",
        files.len()
    );
    files
}

fn read(file: &str) -> String {
    String::from_utf8_lossy(&fs::read(repository().join(file)).unwrap()).into_owned()
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files()
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .map(|file| (read(&file), file))
        .map(|(text, file)| (file, text))
}

fn assert_none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let lengths = sources().map(|(file, text)| (file, text.lines().count()));
    assert_none(
        lengths
            .filter(|(_, lines)| *lines > LONGEST_FILE)
            .map(|(file, lines)| format!("{file}: {lines} lines"))
            .collect(),
    );
}

#[test]
fn functions_can_be_seen_at_one_glance() {
    let mut offences = Vec::new();
    for (file, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            if !is_function(line.trim_start()) {
                continue;
            }
            // As rustfmt sets it: the brace that closes a function stands under its beginning.
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[start..]
                .iter()
                .position(|line| *line == end || line.ends_with("{}") || line.ends_with(';'));
            let length = match lines[start..].iter().position(|line| *line == end) {
                Some(closed)
                    if lines[start].ends_with('{') || length.is_none_or(|short| closed < short) =>
                {
                    closed + 1
                }
                _ => continue,
            };
            if length > LONGEST_FUNCTION {
                offences.push(format!(
                    "{file}:{}: {length} lines: {}",
                    start + 1,
                    line.trim()
                ));
            }
        }
    }
    assert_none(offences);
}

fn is_function(line: &str) -> bool {
    let qualifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "async",
        "const",
        "extern",
        "\"C\"",
    ];
    line.split(' ').find(|word| !qualifiers.contains(word)) == Some("fn")
}

#[test]
fn modules_are_files_beside_their_folder_and_named_for_what_they_do() {
    let vague = [
        "mod", "utils", "util", "helpers", "helper", "manager", "common", "misc",
    ];
    let stem = |file: &str| {
        file.rsplit('/')
            .next()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned()
    };
    assert_none(
        sources()
            .map(|(file, _)| file)
            .filter(|file| vague.contains(&stem(file).as_str()))
            .collect(),
    );
}

#[test]
fn every_crate_says_its_licence() {
    let manifests: Vec<String> = files()
        .into_iter()
        .filter(|file| file.ends_with("Cargo.toml"))
        .collect();
    let says = |file: &String| {
        let text = read(file);
        text.contains("license = \"Apache-2.0\"") || text.contains("license.workspace = true")
    };
    assert!(read("Cargo.toml").contains("license = \"Apache-2.0\""));
    assert!(read("LICENSE").contains("Apache License"));
    assert_none(manifests.into_iter().filter(|file| !says(file)).collect());
}

#[test]
fn nothing_depends_on_the_machine_that_it_was_written_on() {
    let places = [
        repository().display().to_string(),
        // What is in it, and not what only ends like it: `</root>` is XML.
        env::var("HOME").map_or_else(|_| String::new(), |home| format!("{home}/")),
    ];
    // A folder such as `/` stands in many paths and tells nothing.
    let machine_paths: Vec<&String> = places.iter().filter(|path| path.len() > 4).collect();
    let text_files = files()
        .into_iter()
        .filter(|file| !file.ends_with(".jsonl") && !file.ends_with(".lock"));
    let mut offences = Vec::new();
    for file in text_files {
        for (number, line) in read(&file).lines().enumerate() {
            if machine_paths
                .iter()
                .any(|path| line.contains(path.as_str()))
            {
                offences.push(format!("{file}:{}: {line}", number + 1));
            }
        }
    }
    assert_none(offences);
}

#[test]
fn packages_come_from_crates_io_alone() {
    let lock = read("Cargo.lock");
    let sources = lock.lines().filter(|line| line.starts_with("source = "));
    let ours = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    assert_none(
        sources
            .filter(|source| *source != ours)
            .map(str::to_owned)
            .collect(),
    );
    let configuration = read(".cargo/config.toml");
    assert!(
        !configuration.contains("[source") && !configuration.contains("[registr"),
        "{configuration}"
    );
}

/// The manifest says so of them, to save building them twice; a test there would never run.
#[test]
fn programs_of_this_package_have_their_tests_in_its_library() {
    let programs = sources().filter(|(file, _)| file.starts_with("tests/src/bin/"));
    assert_none(
        programs
            .filter(|(_, text)| text.contains("#[test]"))
            .map(|(file, _)| format!("{file}: its tests are not run"))
            .collect(),
    );
}
