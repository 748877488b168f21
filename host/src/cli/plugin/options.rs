//! The options of a plugin, read out of the JSON Schema that it describes them by. The schema can say more than fits into a
//! line; what is not understood here is left out, and `--format json` has all of it.

use serde_json::Value as Json;

/// One option.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfigurationOption {
    /// Its key; of a nested table with a dot.
    pub(super) name: String,
    /// What it means, by the plugin's author.
    pub(super) description: String,
    kind: String,
    range: String,
    default: Option<String>,
    is_required: bool,
}

impl ConfigurationOption {
    /// Type, range and default in a few words.
    pub(super) fn summary(&self) -> String {
        let mut summary = format!("{}{}", self.kind, self.range);
        if let Some(default) = &self.default {
            summary.push_str(&format!(", {default} by default"));
        } else if self.is_required {
            summary.push_str(", required");
        }
        summary
    }
}

/// The options of a schema, in its order.
pub(super) fn of(schema: &Json) -> Vec<ConfigurationOption> {
    let mut options = Vec::new();
    gather(schema, schema, "", 0, &mut options);
    options
}

/// How deep tables are looked into; a schema may refer to itself.
const DEPTH: usize = 8;

fn gather(
    root: &Json,
    table: &Json,
    prefix: &str,
    depth: usize,
    options: &mut Vec<ConfigurationOption>,
) {
    let table = resolve(root, table);
    let required = |name: &str| {
        let names = table.get("required").and_then(Json::as_array);
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    for (key, property) in table
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        let name = format!("{prefix}{key}");
        let target = resolve(root, property);
        if target.get("properties").is_some() && depth < DEPTH {
            gather(root, target, &format!("{name}."), depth + 1, options);
            continue;
        }
        let either = |key: &str| property.get(key).or_else(|| target.get(key));
        let default = either("default").or_else(|| table.get("default")?.get(key));
        options.push(ConfigurationOption {
            name,
            description: description(property, target),
            kind: kind(root, property),
            range: range(target),
            default: default
                .filter(|default| !default.is_null())
                .map(Json::to_string),
            is_required: required(key),
        });
    }
}

/// What the option means, and what values of its type look like.
fn description(property: &Json, target: &Json) -> String {
    let text = |schema: &Json| {
        schema
            .get("description")
            .and_then(Json::as_str)
            .map(str::to_owned)
    };
    match (text(property), text(target)) {
        (Some(meaning), Some(form)) if meaning != form => format!("{meaning} {form}"),
        (meaning, form) => meaning.or(form).unwrap_or_default(),
    }
}

/// Follows `$ref` within the schema, a few steps at most.
fn resolve<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    let mut found = schema;
    for _ in 0..DEPTH {
        let target = found
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|target| target.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(target) => found = target,
            None => break,
        }
    }
    found
}

fn kind(root: &Json, schema: &Json) -> String {
    kind_within(root, schema, 0)
}

fn kind_within(root: &Json, schema: &Json, depth: usize) -> String {
    let schema = resolve(root, schema);
    if depth > DEPTH {
        return "any".to_owned();
    }
    if let Some(choices) = schema.get("enum").and_then(Json::as_array) {
        return alternatives(choices.iter().map(Json::to_string));
    }
    if let Some(only) = schema.get("const") {
        return only.to_string();
    }
    if let Some(parts) = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Json::as_array)
    {
        return alternatives(parts.iter().map(|part| kind_within(root, part, depth + 1)));
    }
    let form = schema.get("format").and_then(Json::as_str);
    let of_type = |kind: &str| match kind {
        "array" => match schema.get("items") {
            Some(items) => format!("list of {}", kind_within(root, items, depth + 1)),
            None => "list".to_owned(),
        },
        "object" => "table".to_owned(),
        // Formats of numbers are the widths of Rust's integers, which the range says better.
        "string" => form.unwrap_or("string").to_owned(),
        kind => kind.to_owned(),
    };
    match schema.get("type") {
        Some(Json::String(kind)) => of_type(kind),
        Some(Json::Array(kinds)) => {
            alternatives(kinds.iter().filter_map(Json::as_str).map(of_type))
        }
        _ => "any".to_owned(),
    }
}

/// An option that may be left out says `null`, which nobody writes in a manifest.
fn alternatives(kinds: impl Iterator<Item = String>) -> String {
    let mut kinds: Vec<String> = kinds.filter(|kind| kind != "null").collect();
    kinds.dedup();
    kinds.join(" or ")
}

fn range(schema: &Json) -> String {
    // A least of 0 and the ends of Rust's integers are what the type says anyway.
    let bound = |key: &str| {
        schema
            .get(key)
            .filter(|bound| bound.as_f64().is_some_and(|bound| bound.abs() < 1e9))
    };
    let least = bound("minimum").filter(|least| least.as_f64() != Some(0.0));
    match (least, bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(most)) => format!(" up to {most}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(schema: &Json) -> Vec<String> {
        of(schema)
            .iter()
            .map(|option| format!("{}: {}", option.name, option.summary()))
            .collect()
    }

    #[test]
    fn types_ranges_and_defaults_are_said_in_words() {
        let schema = json!({
            "type": "object",
            "properties": {
                "failures": {"type": "integer", "format": "uint32", "minimum": 1, "maximum": 1000, "default": 3},
                "mode": {"enum": ["fast", "exact"]},
                "names": {"type": "array", "items": {"type": "string"}},
                "within": {"$ref": "#/$defs/Duration", "default": "30s", "description": "In all."},
            },
            "required": ["mode"],
            "$defs": {"Duration": {"type": "string", "description": "Such as `10s`."}},
        });
        let expected = [
            "failures: integer from 1 to 1000, 3 by default",
            r#"mode: "fast" or "exact", required"#,
            "names: list of string",
            r#"within: string, "30s" by default"#,
        ];
        assert_eq!(lines(&schema), expected);
        assert_eq!(of(&schema)[3].description, "In all. Such as `10s`.");
    }

    #[test]
    fn tables_are_opened_and_what_may_be_left_out_is_no_null() {
        let schema = json!({
            "properties": {
                "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null},
                "output": {"properties": {"pretty": {"type": ["boolean", "null"]}}},
            },
        });
        assert_eq!(lines(&schema), ["limit: integer", "output.pretty: boolean"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_has_an_end() {
        let schema = json!({"properties": {"again": {"$ref": "#"}}});
        assert!(lines(&schema).len() <= 1);
        assert_eq!(
            lines(&json!({"properties": {"loop": {"$ref": "#/properties/loop"}}})),
            ["loop: any"]
        );
    }
}
