//! Whether what a plugin says of itself can be worked with: names end up in manifests, messages and terminals.

use std::collections::BTreeSet;

use super::job::JobDescription;
use super::words::presentable;
use super::{Description, Port};

/// Ports on each side. Every one costs a little with each batch.
const MOST_PORTS: usize = 64;

/// Bytes of a name. A port is named in manifests, where names have the same form.
const LONGEST_NAME: usize = 63;

/// Bytes of the schema of a configuration.
const LONGEST_SCHEMA: usize = 1 << 20;

/// Tells what cannot be.
pub(super) fn check(description: &Description) -> Result<(), String> {
    let is_version = |version: &str| {
        (1..=LONGEST_NAME).contains(&version.len())
            && version.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !is_name(&description.name) {
        return Err(format!(
            "its name is {}, which {NAME}",
            quoted(&description.name)
        ));
    }
    if !is_version(&description.version) {
        return Err(format!(
            "its version is {}, which is not up to {LONGEST_NAME} visible characters",
            quoted(&description.version)
        ));
    }
    if description.inputs.is_empty() {
        return Err("it has no input".to_owned());
    }
    check_ports("input", &description.inputs)?;
    check_ports("output", &description.outputs)?;
    let (newest, oldest) = (description.state_version, description.oldest_state_version);
    if oldest > newest {
        return Err(format!(
            "it writes state of version {newest} and cannot load any older than {oldest}"
        ));
    }
    match description.configuration.len() {
        0..=LONGEST_SCHEMA => Ok(()),
        length => Err(format!(
            "the schema of its configuration has {length} bytes; {LONGEST_SCHEMA} are allowed"
        )),
    }
}

/// As [`check`], of a job.
pub(super) fn check_job(description: &JobDescription) -> Result<(), String> {
    let port = |name: &String| Port {
        name: name.clone(),
        keyed: false,
    };
    let outputs: Vec<_> = description.outputs.iter().map(port).collect();
    check(&Description {
        name: description.name.clone(),
        version: description.version.clone(),
        // A job has an input of its own kind.
        inputs: vec![port(&"input".to_owned())],
        outputs,
        state_version: description.state_version,
        oldest_state_version: description.oldest_state_version,
        configuration: description.configuration.clone(),
    })
}

fn check_ports(kind: &str, ports: &[Port]) -> Result<(), String> {
    if ports.len() > MOST_PORTS {
        return Err(format!(
            "it has {} {kind} ports; {MOST_PORTS} are allowed",
            ports.len()
        ));
    }
    let mut names = BTreeSet::new();
    for Port { name, .. } in ports {
        if !is_name(name) {
            return Err(format!(
                "the name of an {kind} port is {}, which {NAME}",
                quoted(name)
            ));
        }
        if !names.insert(name) {
            return Err(format!("it has two {kind} ports of the name `{name}`"));
        }
    }
    Ok(())
}

const NAME: &str = "is not a letter and up to 62 letters, digits, hyphens and underscores";

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(allowed)
}

fn quoted(text: &str) -> String {
    format!(
        "`{}`",
        presentable(text.chars().take(LONGEST_NAME).collect())
    )
}
