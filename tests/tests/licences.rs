//! Licences of everything that is linked in, judged without a network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use jackfield_tests::harness::repository;
use serde_json::Value;

/// The licences of deny.toml, which is the one list.
fn allowed() -> Vec<String> {
    let rules = std::fs::read_to_string(repository().join("deny.toml")).unwrap();
    let list = rules
        .split_once("allow = [")
        .unwrap()
        .1
        .split_once(']')
        .unwrap()
        .0;
    list.lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .map(str::to_owned)
        .collect()
}

/// Whether an SPDX expression leaves a way to use the package under allowed licences alone.
fn permits(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    // Without brackets AND would bind closer than OR: each alternative needs all of its own. A bracketed OR inside an AND
    // is judged more strictly than it is, never less.
    let alternatives = expression.split(" OR ");
    let is_allowed = |licence: &str| allowed.iter().any(|allowed| allowed == licence.trim());
    match expression.contains(" AND ") {
        true => expression
            .split(" AND ")
            .all(|part| part.split(" OR ").any(is_allowed)),
        false => alternatives.into_iter().any(is_allowed),
    }
}

#[test]
fn every_dependency_may_be_used_under_an_allowed_licence() {
    // Only what is built here can be at hand without a network.
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let platform = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            platform,
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let allowed = allowed();
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| {
            !package["license"]
                .as_str()
                .is_some_and(|licence| permits(licence, &allowed))
        })
        .map(|package| {
            format!(
                "{} {}: {}",
                package["name"], package["version"], package["license"]
            )
        })
        .collect();
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
}

#[test]
fn a_choice_of_licences_needs_one_that_is_allowed_and_a_sum_needs_all() {
    let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned()];
    for permitted in [
        "MIT",
        "GPL-3.0 OR MIT",
        "Apache-2.0/MIT",
        "(MIT OR GPL-3.0) AND Apache-2.0",
    ] {
        assert!(permits(permitted, &allowed), "{permitted}");
    }
    for refused in ["GPL-3.0", "MIT AND GPL-3.0", ""] {
        assert!(!permits(refused, &allowed), "{refused}");
    }
}
