//! What a sync is asked to do.

use axum::body::Bytes;
use axum::http::HeaderMap;
use reqwest::Url;
use serde_json::Value;

use super::schema::ExtensionSchema;
use crate::canonical_json::canonical_sha256;
use crate::refusal::Refusal;
use crate::validation::Fields;

/// The document's largest page, in records.
const LARGEST_BATCH: u64 = 5_000;

/// The SHA-256 of the request's canonical JSON; what does not match was changed on its way.
const PAYLOAD_DIGEST: &str = "x-payload-sha256";

/// A sync's request that agrees with the extension's schema.
#[derive(Debug, Clone)]
pub(super) struct SyncRequest {
    pub source: Url,
    pub webhook: String,
    pub batch: u64,
    /// Names in the source's records, and in the extension's.
    pub mappings: Vec<(String, String)>,
}

impl SyncRequest {
    /// # Errors
    /// 400 with every rule that the request breaks.
    pub fn checked(
        headers: &HeaderMap,
        body: &Bytes,
        schema: &ExtensionSchema,
    ) -> Result<Self, Refusal> {
        let mut fields = Fields::of(headers, body)?;
        fields.text_that("extensionId", "is not the one of the path", |id| {
            id == schema.id
        });
        fields.one_of("sourceType", &["REST"]);
        fields.one_of("syncMode", &["INCREMENTAL"]);
        let rule = "must be an http or https URL";
        let source = fields.text_that("sourceEndpoint", rule, |text| url(text).is_some());
        let webhook = fields.text_that("webhookUrl", rule, |text| url(text).is_some());
        let batch = batch(&mut fields);
        let mappings = mappings(&mut fields, schema);
        fields.finish()?;
        check_digest(headers, &fields.into_value())?;
        let source = url(&source).ok_or_else(|| Refusal::bad_request("validation_failed", rule))?;
        Ok(Self {
            source,
            webhook,
            batch,
            mappings,
        })
    }
}

fn url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (url.has_host() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

fn batch(fields: &mut Fields) -> u64 {
    let options = fields.value("options");
    let batch = options["maxBatchSize"].as_u64();
    if !batch.is_some_and(|batch| (1..=LARGEST_BATCH).contains(&batch)) {
        let message = format!("maxBatchSize must be a whole number from 1 to {LARGEST_BATCH}");
        fields.problem("options", message);
    }
    if !options["retryOnConflict"].is_boolean() {
        fields.problem("options", "retryOnConflict must be true or false");
    }
    if options["nullValueHandling"] != "SET_NULL" {
        fields.problem("options", "nullValueHandling must be SET_NULL");
    }
    batch.unwrap_or(1)
}

/// Each mapping is an object with `source` and `target`, or a text where both have the same name.
fn mappings(fields: &mut Fields, schema: &ExtensionSchema) -> Vec<(String, String)> {
    let listed = fields.value("fieldMappings");
    let Some(listed) = listed.as_array().filter(|listed| !listed.is_empty()) else {
        fields.problem("fieldMappings", "must be a list that is not empty");
        return Vec::new();
    };
    let mut mappings: Vec<(String, String)> = Vec::new();
    for mapping in listed {
        let Some((source, target)) = names(mapping) else {
            let message = format!("{mapping} has no texts source and target");
            fields.problem("fieldMappings", message);
            continue;
        };
        if mappings.iter().any(|(_, other)| *other == target) {
            fields.problem("fieldMappings", format!("{target} is mapped twice"));
        }
        match schema.field(&target) {
            None => fields.problem(
                "fieldMappings",
                format!("the extension has no field {target}"),
            ),
            Some(field) => {
                let kind = serde_json::to_value(field.kind).unwrap_or_default();
                if mapping.get("type").is_some_and(|claimed| *claimed != kind) {
                    let message = format!("{target} is of type {kind}, not {}", mapping["type"]);
                    fields.problem("fieldMappings", message);
                }
            }
        }
        mappings.push((source, target));
    }
    if !mappings.iter().any(|(_, target)| target == schema.key()) {
        let message = format!("the key {} is not mapped", schema.key());
        fields.problem("fieldMappings", message);
    }
    mappings
}

fn names(mapping: &Value) -> Option<(String, String)> {
    if let Some(name) = mapping.as_str() {
        return Some((name.into(), name.into()));
    }
    let name = |member: &str| Some(mapping.get(member)?.as_str()?.to_owned());
    Some((name("source")?, name("target")?))
}

fn check_digest(headers: &HeaderMap, payload: &Value) -> Result<(), Refusal> {
    let Some(claimed) = headers.get(PAYLOAD_DIGEST) else {
        return Ok(());
    };
    let found = canonical_sha256(payload);
    if claimed.as_bytes() == found.as_bytes() {
        return Ok(());
    }
    let description = format!("the SHA-256 of the payload's canonical JSON is {found}");
    Err(Refusal::bad_request("payload_digest_mismatch", description))
}
