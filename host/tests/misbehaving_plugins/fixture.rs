//! The plugin `misbehave`, told how to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use jackfield::error::Code;
use jackfield::plugin::{Component, Failure, Instance, Limits, LoadError, Output, Runtime};
use jackfield::record::{Batch, Mark};
use tempfile::TempDir;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(None).unwrap());
static MISBEHAVE: LazyLock<Component> =
    LazyLock::new(|| RUNTIME.load(&guest("misbehave")).unwrap());

/// The file of a guest.
pub fn guest(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/guests")
        .join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "{} is missing: run `make guests` first",
        path.display()
    );
    path
}

/// What comes of loading a file of these bytes.
pub fn load(bytes: &[u8]) -> Result<Component, LoadError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("plugin.wasm");
    fs::write(&path, bytes).unwrap();
    RUNTIME.load(&path)
}

/// The bytes of a guest with one text in the place of another of the same length, as often as it occurs.
pub fn altered(name: &str, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "a component counts its bytes");
    let mut bytes = fs::read(guest(name)).unwrap();
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|&at| bytes[at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "{from} is not in {name}");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

pub const LIMITS: Limits = Limits::within(64 << 20, Duration::from_millis(200));

/// An instance of `misbehave` with this configuration.
pub fn misbehaving(configuration: &str) -> Instance {
    misbehaving_within(&LIMITS, configuration)
}

pub fn misbehaving_within(limits: &Limits, configuration: &str) -> Instance {
    let mut instance = MISBEHAVE.instantiate("guest", limits).unwrap();
    instance.configure(configuration, &[0, 1]).unwrap();
    instance
}

/// Three records, of which the one in the middle provokes the plugin, with marks before, between and behind them.
pub fn batch() -> Batch {
    let mut batch = Batch::default();
    for (n, text) in [(1, "first"), (2, "POISON"), (3, "last")] {
        batch.push_mark(n * 1000 - 500);
        batch.push(
            format!(r#"{{"n":{n},"key":"k{n}","text":"{text}"}}"#).as_bytes(),
            None,
            n * 1000,
        );
    }
    batch.push_mark(9000);
    batch
}

/// What an instance makes of [`batch`].
pub fn process(instance: &mut Instance) -> Result<Output, Failure> {
    let batch = batch();
    let marks: &[Mark] = &batch.marks;
    instance.process(0, &batch, marks)
}

/// How `misbehave` fails on [`batch`] when it does `misdeed`.
pub fn failure(misdeed: &str) -> Failure {
    process(&mut misbehaving(&format!(r#"{{"misdeed":"{misdeed}"}}"#))).expect_err(misdeed)
}

#[track_caller]
pub fn assert_fails(failure: &Failure, code: Code, words: &str) {
    let text = failure.to_string();
    assert_eq!(failure.code().id, code.id, "{text}");
    assert!(text.contains(words), "`{words}` is not in: {text}");
    assert!(
        text.len() < 10_000 && !text.chars().any(char::is_control),
        "{text:?}"
    );
}
