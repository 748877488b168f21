//! What the records of a data extension look like.

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};

/// The longest text, in characters.
pub(super) const LONGEST_TEXT: usize = 255;

/// A data extension and its fields, of which the first is the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionSchema {
    /// The identifier that paths name it by.
    pub id: String,
    /// What a record has.
    pub fields: Vec<ExtensionField>,
}

/// A member of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtensionField {
    /// Its name.
    pub name: String,
    /// What it can hold besides null.
    #[serde(rename = "type")]
    pub kind: FieldType,
}

/// What a member of a record can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A text of at most 255 characters.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A text that is a date, or a point in time, of ISO 8601.
    Date,
}

impl ExtensionSchema {
    /// The data extension `customer-profiles`, which exists unless options say otherwise.
    #[must_use]
    pub fn customer_profiles() -> Self {
        let field = |(name, kind): (&str, FieldType)| ExtensionField {
            name: name.into(),
            kind,
        };
        let fields = [
            ("customerId", FieldType::String),
            ("fullName", FieldType::String),
            ("email", FieldType::String),
            ("loyaltyPoints", FieldType::Number),
            ("vip", FieldType::Boolean),
            ("lastContact", FieldType::Date),
        ];
        Self {
            id: "customer-profiles".into(),
            fields: fields.map(field).to_vec(),
        }
    }

    /// The name of the field that tells records apart.
    pub(super) fn key(&self) -> &str {
        self.fields.first().map_or("", |field| &field.name)
    }

    pub(super) fn field(&self, name: &str) -> Option<&ExtensionField> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(super) fn description(&self, storage_limit: u64) -> Value {
        json!({
            "extensionId": self.id,
            "primaryKey": self.key(),
            "fields": self.fields,
            "maxFieldLength": LONGEST_TEXT,
            "storageLimitMb": storage_limit / (1024 * 1024),
        })
    }
}

/// `ID=NAME:TYPE,NAME:TYPE`, or `ID` alone for the fields of `customer-profiles`.
impl FromStr for ExtensionSchema {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((id, fields)) = text.split_once('=') else {
            return Ok(Self {
                id: text.into(),
                ..Self::customer_profiles()
            });
        };
        let fields = fields.split(',').map(str::parse);
        Ok(Self {
            id: id.into(),
            fields: fields.collect::<Result<_, _>>()?,
        })
    }
}

impl FromStr for ExtensionField {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, kind) = text.split_once(':').unwrap_or((text, "string"));
        let kind = match kind {
            "string" => FieldType::String,
            "number" => FieldType::Number,
            "boolean" => FieldType::Boolean,
            "date" => FieldType::Date,
            other => {
                return Err(format!(
                    "{other} is none of string, number, boolean and date"
                ));
            }
        };
        let name = name.into();
        Ok(Self { name, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_written_with_its_fields() {
        let schema: ExtensionSchema = "orders=orderId:string,total:number".parse().unwrap();
        assert_eq!(schema.id, "orders");
        assert_eq!(schema.key(), "orderId");
        assert_eq!(schema.fields[1].kind, FieldType::Number);
    }

    #[test]
    fn an_unknown_type_is_told() {
        let error = "orders=total:money".parse::<ExtensionSchema>().unwrap_err();
        assert_eq!(error, "money is none of string, number, boolean and date");
    }
}
