//! What the schema of a configuration says.

use jackfield_expression::{Format, Schema};
use serde_json::json;

#[test]
fn an_option_that_is_one_of_several_is_one_table_with_their_names() {
    let schema = schemars::schema_for!(Schema).to_value();
    let forms = schema["oneOf"].as_array().unwrap();
    let tables: Vec<_> = forms
        .iter()
        .filter(|form| form["type"] == "object")
        .collect();
    assert_eq!(tables.len(), 1);
    let names: Vec<&String> = tables[0]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(
        names,
        ["fields", "list", "map", "optional", "tuple", "variants"]
    );
    assert_eq!(tables[0]["maxProperties"], 1);
    let fields = &tables[0]["properties"]["fields"];
    assert!(
        fields["description"]
            .as_str()
            .unwrap()
            .starts_with("A struct"),
        "{fields}"
    );
    assert!(forms.iter().any(|form| form["const"] == "text"), "{schema}");
}

#[test]
fn a_format_is_json_where_nothing_is_said() {
    assert_eq!(Format::default(), Format::Json);
    assert_eq!(
        serde_json::from_value::<Format>(json!("json")).unwrap(),
        Format::Json
    );
}
