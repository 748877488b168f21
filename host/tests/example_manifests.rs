//! The manifests of the examples are accepted as they are, with nothing set in the environment.

use std::collections::BTreeMap;
use std::path::Path;

use jackfield::config::Manifest;

#[test]
fn the_examples_of_data_actions_are_valid_manifests() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for file in ["embedded.toml", "kafka.toml"] {
        let path = examples.join("data-actions").join(file);
        let manifest = Manifest::read(&path, &BTreeMap::<String, String>::new(), &[])
            .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        assert_eq!(manifest.stages.len(), 4, "{file}");
    }
}

#[test]
fn the_examples_of_jobs_are_valid_manifests() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for name in ["schedule-report", "query-journeys"] {
        let path = examples.join(name).join("pipeline.toml");
        let manifest = Manifest::read(&path, &BTreeMap::<String, String>::new(), &[])
            .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        assert_eq!(
            (manifest.jobs.len(), manifest.triggers.len()),
            (1, 1),
            "{name}"
        );
    }
}
