//! Where patterns and events are read from.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use jackfield_pattern_language::{Configuration, Definition, Definitions};
use serde_json::Value as Json;

use super::super::inspection::Problem;
use super::super::{LogFormat, Manifests, pipelines};
use super::Which;
use crate::config::code;
use crate::error::Code;

/// The patterns of one stage.
pub(super) struct Patterns {
    pub(super) definitions: Definitions,
    pub(super) filter: Option<String>,
    pub(super) event: Option<String>,
}

impl Patterns {
    /// Those that are asked for, stage by stage.
    pub(super) fn read(which: &Which, log: LogFormat) -> Result<Vec<Self>, Problem> {
        let path = &which.file;
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let mut found = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sql") => vec![Self::of_one(
                path,
                Definition {
                    match_recognize: Some(text),
                    ..Definition::default()
                },
            )],
            Some("json") => Self::of_value(
                path,
                serde_json::from_str(&text).map_err(|error| wrong(path, &error))?,
            )?,
            _ => match toml::from_str::<Json>(&text).map_err(|error| wrong(path, &error))? {
                value if is_manifest(&value) => Self::of_manifest(which, log)?,
                value => Self::of_value(path, value)?,
            },
        };
        if let Some(wanted) = &which.pattern {
            let names: Vec<String> = found
                .iter()
                .flat_map(|patterns| patterns.definitions.keys().cloned())
                .collect();
            for patterns in &mut found {
                patterns.definitions.retain(|name, _| name == wanted);
            }
            found.retain(|patterns| !patterns.definitions.is_empty());
            if found.is_empty() {
                return Err(Problem::not_found(
                    "pattern",
                    wanted,
                    names.iter().map(String::as_str),
                ));
            }
        }
        Ok(found)
    }

    /// A configuration, or one pattern.
    fn of_value(path: &Path, value: Json) -> Result<Vec<Self>, Problem> {
        if value.get("patterns").is_some() {
            return Ok(vec![Self::of_configuration(path, value)?]);
        }
        let definition = serde_json::from_value(value).map_err(|error| wrong(path, &error))?;
        Ok(vec![Self::of_one(path, definition)])
    }

    fn of_configuration(path: &Path, value: Json) -> Result<Self, Problem> {
        let configuration: Configuration =
            serde_json::from_value(value).map_err(|error| wrong(path, &error))?;
        Ok(Self {
            definitions: configuration.patterns,
            filter: configuration.filter,
            event: configuration.event,
        })
    }

    /// One pattern, named for its file.
    fn of_one(path: &Path, definition: Definition) -> Self {
        let name = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self {
            definitions: Definitions::from([(name, definition)]),
            filter: None,
            event: None,
        }
    }

    fn of_manifest(which: &Which, log: LogFormat) -> Result<Vec<Self>, Problem> {
        let manifests = Manifests {
            manifests: vec![which.file.clone()],
            overrides: Vec::new(),
        };
        let read = pipelines::read(&manifests, log).map_err(Problem::Reported)?;
        let stages: Vec<_> = read
            .iter()
            .flat_map(|manifest| &manifest.stages)
            .filter(|stage| stage.configuration.json.get("patterns").is_some())
            .collect();
        let names = stages.iter().map(|stage| &*stage.name.value);
        if let Some(wanted) = &which.stage
            && !names.clone().any(|name: &str| name == wanted)
        {
            return Err(Problem::not_found("stage with patterns", wanted, names));
        }
        if stages.is_empty() {
            let message = format!("{}: no stage has patterns", which.file.display());
            return Err(Problem::NotFound(message));
        }
        let wanted = |name: &str| which.stage.as_deref().is_none_or(|wanted| wanted == name);
        let stages = stages.into_iter().filter(|stage| wanted(&stage.name.value));
        stages
            .map(|stage| Self::of_configuration(&which.file, stage.configuration.json.clone()))
            .collect()
    }
}

/// Whether it describes a pipeline, rather than what one stage is told.
fn is_manifest(value: &Json) -> bool {
    value.get("pipeline").is_some() || value.get("stages").is_some_and(Json::is_object)
}

/// One event a line; empty lines are none.
pub(super) fn events(path: &Path) -> Result<Vec<Vec<u8>>, Problem> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().read_to_end(&mut bytes),
        false => fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|error| {
        Problem::Other(
            Code::SOURCE_UNREADABLE,
            format!("{}: {error}", path.display()),
        )
    })?;
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::Other(
        code::UNREADABLE_MANIFEST,
        format!("{}: {error}", path.display()),
    )
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::Other(
        code::UNUSABLE_PATTERN,
        format!("{}: {error}", path.display()),
    )
}
