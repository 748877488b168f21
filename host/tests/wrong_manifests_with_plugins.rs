//! Each `tests/wrong-manifests-with-plugins/NAME.toml` is well formed, does not fit its plugins, and is refused with exactly
//! the message of `NAME.expected`. `BLESS=1` writes the messages anew, to be looked at before they are committed.

#![expect(
    clippy::expect_used,
    reason = "a case that cannot be read fails its test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jackfield::config::{Diagnostics, Manifest};
use jackfield::pipeline::planner;
use jackfield::plugin::Runtime;

/// From the folder that tests of this crate run in.
const FOLDER: &str = "../tests/wrong-manifests-with-plugins";

fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).expect("the folder of wrong manifests");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let mut cases: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    cases.sort();
    cases
}

fn refusal(case: &Path, runtime: &Runtime) -> Diagnostics {
    let text = std::fs::read_to_string(case).expect("a manifest");
    let manifest = Manifest::parse(case, text, &BTreeMap::new(), &[]).unwrap_or_else(|wrong| {
        panic!(
            "{} is wrong by itself:\n{}",
            case.display(),
            wrong.render(false)
        )
    });
    planner::plan(&manifest, runtime)
        .err()
        .unwrap_or_else(|| panic!("{} is accepted", case.display()))
}

#[test]
fn each_manifest_that_does_not_fit_its_plugins_is_refused_with_its_message() {
    assert!(
        Path::new("../target/guests/misbehave.wasm").is_file(),
        "run `make guests` first"
    );
    let runtime = Runtime::new(None).expect("an engine");
    let cases = cases();
    assert!(cases.len() >= 10, "the cases have gone missing");
    for case in cases {
        let rendered = refusal(&case, &runtime).render(false);
        let expected = case.with_extension("expected");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &rendered).expect("write the message");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(rendered, expected, "{}", case.display());
    }
}
