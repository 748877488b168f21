//! From TOML to JSON, keeping the place of every part.

use serde_json::{Map, Number, Value as Json};

use crate::config::code;
use crate::config::configuration::{Configuration, Part};
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::{Context, TableReader};
use crate::config::tree::{Node, Value};

impl Configuration {
    /// Reads `configuration` of a stage; without one, the options are empty.
    pub(crate) fn read(stage: &TableReader<'_>) -> Self {
        Self::read_key(stage, "configuration")
    }

    /// Reads options that stand under another key.
    pub(crate) fn read_key(stage: &TableReader<'_>, key: &'static str) -> Self {
        let mut configuration = Self {
            json: Json::Object(Map::new()),
            place: stage.header().clone(),
            parts: std::collections::BTreeMap::new(),
        };
        let Some(node) = stage.optional_node(key) else {
            return configuration;
        };
        configuration.place = node.key_place.clone();
        if matches!(node.value, Value::Table(_)) {
            configuration.json = configuration.convert(node, "", stage.context());
        } else {
            stage.context().wrong_type::<()>(node, "a table of options");
        }
        configuration
    }

    fn convert(&mut self, node: &Node, pointer: &str, context: &Context) -> Json {
        match &node.value {
            Value::Text(text) => Json::String(text.content.clone()),
            Value::Integer(integer) => Json::from(*integer),
            Value::Float(float) => number(*float, node, context),
            Value::Unresolved => Json::Null,
            Value::Boolean(boolean) => Json::Bool(*boolean),
            Value::Datetime(datetime) => Json::String(datetime.clone()),
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, element)| self.part(element, format!("{pointer}/{index}"), context))
                .collect(),
            Value::Table(entries) => entries
                .iter()
                .map(|entry| {
                    let pointer = child(pointer, &entry.key);
                    (entry.key.clone(), self.part(&entry.node, pointer, context))
                })
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    fn part(&mut self, node: &Node, pointer: String, context: &Context) -> Json {
        let json = self.convert(node, &pointer, context);
        let part = Part {
            key: node.key_place.clone(),
            value: node.place.clone(),
            supplied: node.supplied_text().is_some(),
        };
        self.parts.insert(pointer, part);
        json
    }
}

/// The JSON pointer of a key below that of its object (RFC 6901).
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn number(float: f64, node: &Node, context: &Context) -> Json {
    match Number::from_f64(float) {
        Some(number) => Json::Number(number),
        None => {
            context.report(
                Diagnostic::new(
                    &code::OUT_OF_RANGE,
                    node.place.clone(),
                    format!("`{}` is not a finite number", node.place.key()),
                )
                .found(node.describe())
                .help("options reach the plugin as JSON, which has neither infinity nor NaN"),
            );
            Json::Null
        }
    }
}
