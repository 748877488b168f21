//! Stages and sinks name what they consume: `source`, or `stage.port`.

use std::fmt;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::name;
use crate::config::reader::{Context, Read};
use crate::config::tree::Node;

/// What an input of a stage consumes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// The records of a source, which exists.
    Source(String),
    /// The records of an output port of a stage, which exists; whether it has the port is known when its plugin is.
    Stage(OutputPort),
}

/// An output port of a stage: `stage.port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputPort {
    /// The stage.
    pub stage: String,
    /// The port, as the stage's plugin describes it.
    pub port: String,
}

impl fmt::Display for OutputPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.stage, self.port)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => formatter.write_str(source),
            Self::Stage(port) => port.fmt(formatter),
        }
    }
}

fn parse(text: &str) -> Option<Reference> {
    match text.split_once('.') {
        None => name::is_valid(text).then(|| Reference::Source(text.to_owned())),
        Some((stage, port)) => (name::is_valid(stage) && name::is_valid(port)).then(|| {
            Reference::Stage(OutputPort {
                stage: stage.to_owned(),
                port: port.to_owned(),
            })
        }),
    }
}

impl Read for Reference {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        let reference = parse(text);
        if reference.is_none() {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` does not name a source or a port", node.place.key()),
                )
                .found(node.describe())
                .expected("the name of a source, or `STAGE.PORT`, such as `parse.customers`"),
            );
        }
        reference
    }
}

impl Read for OutputPort {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        if let Some(Reference::Stage(port)) = parse(text) {
            return Some(port);
        }
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                node.place.clone(),
                format!("`{}` does not name a port of a stage", node.place.key()),
            )
            .found(node.describe())
            .expected("`STAGE.PORT`, such as `count.volumes`"),
        );
        None
    }
}
