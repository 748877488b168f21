//! Schemas of options that are one of several, each with a name of its own.
//!
//! An enum such as `{ tumbling = … }` or `{ session = … }` comes out as a list of forms, and of a value that fits none of them nobody can
//! tell which one was meant. As one form with several names, a mistake is found where it was made.

use schemars::Schema;
use serde_json::{Map, Value, json};

/// Makes one table, of which one name is to be given, of the forms of a schema that are tables of one name: for
/// `#[schemars(transform = one_table)]` on an enum.
pub fn one_table(schema: &mut Schema) {
    let Some(forms) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    let mut names = Map::new();
    forms.retain_mut(|form| match take_name(form) {
        Some((name, content)) => {
            names.insert(name, content);
            false
        }
        None => true,
    });
    if names.is_empty() {
        return;
    }
    forms.push(json!({
        "type": "object",
        "properties": names,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    }));
}

/// The name that a form consists of, and what it takes, with the description of the form.
fn take_name(form: &mut Value) -> Option<(String, Value)> {
    let description = form.get("description").cloned();
    let properties = form.get_mut("properties")?.as_object_mut()?;
    if properties.len() != 1 {
        return None;
    }
    let name = properties.keys().next()?.clone();
    let mut content = properties.remove(&name)?;
    if let (Some(description), Some(content)) = (description, content.as_object_mut()) {
        content.insert("description".to_owned(), description);
    }
    Some((name, content))
}
