//! What a stage that matches patterns is told.

use jackfield_expression::Format;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::definition::Definitions;
use crate::{Fault, Intake, PatternSet};

/// What the manifest says of a stage that matches patterns.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Configuration {
    /// How records are encoded.
    #[serde(default)]
    pub format: Format,
    /// Which records are events: an expression over `record`. Without it, all. Others are passed over: they come between no events.
    #[serde(rename = "where", default)]
    pub filter: Option<String>,
    /// What of a record patterns see, and what is remembered: an expression over `record`, such as
    /// `{'status': record.status, 'channel': record.channel}`. Without it, all of it.
    #[serde(default)]
    pub event: Option<String>,
    /// The patterns by name.
    pub patterns: Definitions,
}

impl Configuration {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn compile(&self) -> Result<PatternSet, Fault> {
        let intake = Intake::new(
            self.format.clone(),
            self.filter.as_deref(),
            self.event.as_deref(),
        )?;
        PatternSet::compile(&self.patterns, intake)
    }
}
