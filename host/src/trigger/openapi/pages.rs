//! What is said of a table that is served.

use serde_json::{Map, Value as Json, json};

use super::refusal;
use crate::config::{Column, ColumnType, Manifest, PagesTrigger};
use crate::trigger::pages::{DEFAULT_LIMIT, MOST_ROWS, filters, sink};

pub(super) fn served(name: &str, pages: &PagesTrigger, manifest: &Manifest) -> Json {
    let sink = sink(pages, manifest);
    let number = |name: &str, description: &str, schema: Json| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    let limit =
        json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": DEFAULT_LIMIT });
    let offset = json!({ "type": "integer", "minimum": 0, "default": 0 });
    let mut parameters = vec![
        number("limit", "The most rows of the page.", limit),
        number("offset", "The rows in front of it.", offset),
    ];
    let filters = sink.into_iter().flat_map(|sink| filters(pages, sink));
    parameters.extend(filters.map(filter));
    let columns: &[Column] = sink.map_or(&[], |sink| &sink.columns);
    let mut responses = json!({
        "200": { "description": "Rows, in the order in which they came first.", "content": { "application/json": { "schema": page(columns) } } },
        "400": refusal("A parameter is wrong; `problems` lists everything that is."),
        "503": refusal("The rows cannot be read at the moment; `Retry-After` says when to come again."),
    });
    if pages.bearer_token.is_some() {
        responses["401"] = refusal("The bearer token is missing or wrong.");
    }
    let mut operation = json!({
        "operationId": name,
        "summary": format!("Gives the rows that the sink `{}` has committed.", pages.sink.value),
        "parameters": parameters,
        "responses": responses,
    });
    if pages.bearer_token.is_some() {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    operation
}

fn filter(column: &Column) -> Json {
    let items = match column.kind.value {
        ColumnType::Integer => "integer",
        _ => "string",
    };
    json!({
        "name": &**column.name, "in": "query", "required": false, "style": "form", "explode": true,
        "description": "Only rows that hold one of these.",
        "schema": { "type": "array", "items": { "type": items } },
    })
}

fn page(columns: &[Column]) -> Json {
    let names: Vec<&str> = columns.iter().map(|column| &**column.name).collect();
    let properties: Map<String, Json> = columns
        .iter()
        .map(|column| (column.name.to_string(), member(column.kind.value)))
        .collect();
    json!({
        "type": "object", "required": ["records", "sha256", "nextOffset"], "additionalProperties": false,
        "properties": {
            "records": { "type": "array", "items": {
                "type": "object", "required": names, "additionalProperties": false, "properties": properties,
            } },
            "sha256": {
                "type": "string", "pattern": "^[0-9a-f]{64}$",
                "description": "SHA-256 of the canonical JSON (RFC 8785) of `records`.",
            },
            "nextOffset": { "type": ["integer", "null"], "description": "Where the next page begins; null on the last." },
        },
    })
}

fn member(kind: ColumnType) -> Json {
    match kind {
        ColumnType::Text => json!({ "type": ["string", "null"] }),
        ColumnType::Integer => json!({ "type": ["integer", "null"] }),
        ColumnType::Real => json!({ "type": ["number", "null"] }),
        ColumnType::Blob => json!({ "type": ["string", "null"], "pattern": "^([0-9a-f]{2})*$" }),
        ColumnType::Json => json!({}),
    }
}
