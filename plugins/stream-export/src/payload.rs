//! What a client asks for with its first message, and the rules that it has to keep to: document 004, step 1.

use jackfield_sdk::{LONGEST_IDENTIFIER, Problem, Problems, is_identifier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chunk::ChunkSizes;

/// The document's largest chunk, in records.
const LARGEST_CHUNK: u64 = 10_000;

/// The document's largest message, in bytes.
const LARGEST_PAYLOAD: u64 = 10 * 1024 * 1024;

const KNOWN: [&str; 8] = [
    "export_job_id",
    "report_id",
    "chunk_size_matrix",
    "compression_format",
    "max_payload_size",
    "schema_version",
    "drift_policy",
    "resume_offset",
];

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Payload {
    /// The export to attach to; none for one that is started.
    pub export_job_id: Option<String>,
    /// What is exported if an export is started; the manifest's if the client says nothing.
    pub report_id: Option<String>,
    /// How large chunks are.
    pub chunk_size_matrix: ChunkSizes,
    /// How chunks are written into messages.
    pub compression_format: Compression,
    /// The largest message of a chunk, in bytes, as it is sent.
    pub max_payload_size: usize,
    /// What the client calls the shape of the records; passed on as it is.
    pub schema_version: Option<String>,
    /// What is done about drift; the manifest's policy if the client says nothing.
    pub drift_policy: Option<DriftPolicy>,
    /// The first record that the client has not got yet.
    pub resume_offset: u64,
}

/// How chunks are written into messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Compressed, and in Base64 since messages are JSON.
    Gzip,
    /// As they are.
    None,
}

/// What is done about records that are not of the shape that the first chunk had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    /// The stream ends in front of the chunk, with an error that says what has changed.
    #[default]
    Stop,
    /// The chunk is sent behind a warning; so is every later one that differs from the first.
    Warn,
    /// The chunk is sent behind a warning, and its shape is expected from then on, beside the earlier one.
    Adapt,
}

/// Reads a payload and says everything that is wrong with it.
pub fn read(input: &[u8], problems: &mut Problems) -> Option<Payload> {
    let value = problems.read_json::<Value>(input)?;
    let Value::Object(members) = value else {
        problems.add("", "unexpected", "the payload is not a JSON object");
        return None;
    };
    let mut fields = Fields { members, problems };
    for name in fields.unknown() {
        let problem = fields.problem(&name, "unknown-field", "there is no such field");
        problem.allowed(KNOWN);
    }
    let export_job_id = fields.identifier("export_job_id");
    let report_id = fields.text("report_id");
    let sizes = fields.chunk_sizes();
    let compression = fields.choice(
        "compression_format",
        &[("gzip", Compression::Gzip), ("none", Compression::None)],
    );
    if compression.is_none() && fields.is_absent("compression_format") {
        let text = "say how chunks are compressed";
        let problem = fields.problem("compression_format", "missing", text);
        problem.allowed(["gzip", "none"]);
    }
    let max_payload_size = fields.max_payload_size();
    let schema_version = fields.text("schema_version");
    let drift_policy = fields.choice(
        "drift_policy",
        &[
            ("stop", DriftPolicy::Stop),
            ("warn", DriftPolicy::Warn),
            ("adapt", DriftPolicy::Adapt),
        ],
    );
    let resume_offset = fields.resume_offset();
    if export_job_id.is_some() && report_id.is_some() {
        let text = "an export that exists has its report; leave out one of `export_job_id` and `report_id`";
        fields.problem("report_id", "contradiction", text);
    }
    if resume_offset > 0 && export_job_id.is_none() {
        let text = "only an export that exists can be gone on with; name it with `export_job_id`";
        fields.problem("resume_offset", "contradiction", text);
    }
    Some(Payload {
        export_job_id,
        report_id,
        chunk_size_matrix: sizes?,
        compression_format: compression?,
        max_payload_size: max_payload_size?,
        schema_version,
        drift_policy,
        resume_offset,
    })
}

struct Fields<'p> {
    members: Map<String, Value>,
    problems: &'p mut Problems,
}

impl Fields<'_> {
    /// Null is what a client writes that has nothing to say.
    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn is_absent(&self, name: &str) -> bool {
        self.get(name).is_none()
    }

    fn unknown(&self) -> Vec<String> {
        let names = self.members.keys();
        names
            .filter(|name| !KNOWN.contains(&name.as_str()))
            .cloned()
            .collect()
    }

    fn problem(&mut self, name: &str, code: &str, message: impl Into<String>) -> &mut Problem {
        let problem = self.problems.add(name, code, message);
        if let Some(value) = self.members.get(name) {
            problem.value(value);
        }
        problem
    }

    /// A text; an empty one is none.
    fn text(&mut self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            _ => {
                self.problem(name, "wrong-type", "must be a text");
                None
            }
        }
    }

    fn identifier(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if !is_identifier(&text) {
            let message = format!(
                "must be an identifier: letters, digits and `-._~`, {LONGEST_IDENTIFIER} at most"
            );
            self.problem(name, "malformed-identifier", message);
        }
        Some(text)
    }

    fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.get(name)?;
        let text = value.as_str();
        let chosen = choices.iter().find(|(choice, _)| Some(*choice) == text);
        if chosen.is_none() {
            let allowed: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            let message = format!("must be one of {}", allowed.join(", "));
            self.problem(name, "unknown-variant", message)
                .allowed(allowed);
        }
        chosen.map(|(_, value)| *value)
    }

    fn chunk_sizes(&mut self) -> Option<ChunkSizes> {
        let name = "chunk_size_matrix";
        let Some(Value::Array(listed)) = self.get(name) else {
            let code = if self.is_absent(name) {
                "missing"
            } else {
                "wrong-type"
            };
            self.problem(name, code, "must be a list of sizes of chunks, in records");
            return None;
        };
        let listed = listed.clone();
        let size = |value: &Value| {
            let size = value.as_u64();
            size.filter(|size| (1..=LARGEST_CHUNK).contains(size))
        };
        for (place, value) in listed.iter().enumerate() {
            if size(value).is_none() {
                let place = format!("{name}[{place}]");
                let message = format!("must be a whole number from 1 to {LARGEST_CHUNK}");
                self.problems
                    .add(place, "out-of-range", message)
                    .value(value);
            }
        }
        let sizes = listed.iter().map(size).collect::<Option<Vec<u64>>>()?;
        let sizes = ChunkSizes::new(sizes);
        if sizes.is_none() {
            self.problem(name, "empty", "must have one size at least");
        }
        sizes
    }

    fn max_payload_size(&mut self) -> Option<usize> {
        let name = "max_payload_size";
        let size = self.get(name).and_then(Value::as_u64);
        let size = size.filter(|size| (1..=LARGEST_PAYLOAD).contains(size));
        if size.is_none() {
            let code = if self.is_absent(name) {
                "missing"
            } else {
                "out-of-range"
            };
            let message = format!("must be a whole number of bytes from 1 to {LARGEST_PAYLOAD}");
            self.problem(name, code, message);
        }
        usize::try_from(size?).ok()
    }

    fn resume_offset(&mut self) -> u64 {
        let name = "resume_offset";
        let Some(value) = self.get(name) else {
            return 0;
        };
        let offset = value.as_u64();
        if offset.is_none() {
            let message = "must be the number of a record, from 0 on";
            self.problem(name, "out-of-range", message);
        }
        offset.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Value {
        json!({
            "export_job_id": "",
            "chunk_size_matrix": [5000],
            "compression_format": "gzip",
            "max_payload_size": 5_242_880,
            "schema_version": "v1.2",
        })
    }

    /// The sample with a member changed.
    fn with(name: &str, value: Value) -> Value {
        let mut payload = sample();
        payload[name] = value;
        payload
    }

    /// Fields and codes of what is wrong with a payload.
    fn wrong(payload: &Value) -> Vec<(String, String)> {
        let mut problems = Problems::default();
        read(payload.to_string().as_bytes(), &mut problems);
        let problems = problems.into_vec().into_iter();
        problems
            .map(|problem| (problem.field, problem.code))
            .collect()
    }

    #[test]
    fn the_documents_own_sample_starts_an_export() {
        let mut problems = Problems::default();
        let payload = read(sample().to_string().as_bytes(), &mut problems).unwrap();
        assert!(problems.is_empty());
        assert_eq!(payload.export_job_id, None);
        assert_eq!(payload.schema_version.as_deref(), Some("v1.2"));
    }

    #[test]
    fn each_rule_has_its_answer() {
        for (name, value, code) in [
            ("export_job_id", json!(7), "wrong-type"),
            ("export_job_id", json!("../other"), "malformed-identifier"),
            ("export_job_id", json!(".."), "malformed-identifier"),
            ("report_id", json!(["x"]), "wrong-type"),
            ("chunk_size_matrix", json!(null), "missing"),
            ("chunk_size_matrix", json!(5000), "wrong-type"),
            ("chunk_size_matrix", json!([]), "empty"),
            ("compression_format", json!(""), "unknown-variant"),
            ("compression_format", json!("zstd"), "unknown-variant"),
            ("compression_format", json!(null), "missing"),
            ("max_payload_size", json!(0), "out-of-range"),
            ("max_payload_size", json!(10_485_761), "out-of-range"),
            ("max_payload_size", json!("5 MiB"), "out-of-range"),
            ("max_payload_size", json!(null), "missing"),
            ("schema_version", json!(1.2), "wrong-type"),
            ("drift_policy", json!("ignore"), "unknown-variant"),
            ("resume_offset", json!(-1), "out-of-range"),
            ("chunk_sizes", json!([1]), "unknown-field"),
        ] {
            let found = wrong(&with(name, value.clone()));
            assert_eq!(found, [(name.to_owned(), code.to_owned())], "{value}");
        }
    }

    #[test]
    fn the_bounds_of_the_document_are_inside() {
        assert_eq!(wrong(&with("chunk_size_matrix", json!([1, 10_000]))), []);
        assert_eq!(wrong(&with("max_payload_size", json!(1))), []);
        assert_eq!(wrong(&with("max_payload_size", json!(10_485_760))), []);
    }

    #[test]
    fn each_wrong_size_of_a_chunk_is_named() {
        let found = wrong(&with("chunk_size_matrix", json!([1, 0, 10_001, 2.5])));
        let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "chunk_size_matrix[1]",
                "chunk_size_matrix[2]",
                "chunk_size_matrix[3]"
            ]
        );
    }

    #[test]
    fn everything_is_said_at_once() {
        let found = wrong(&json!({ "resume_offset": 5, "typo": 1 }));
        let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "typo",
                "chunk_size_matrix",
                "compression_format",
                "max_payload_size",
                "resume_offset"
            ]
        );
    }

    #[test]
    fn an_export_is_attached_to_or_started_not_both() {
        let mut payload = with("export_job_id", json!("export_1"));
        payload["report_id"] = json!("DAILY");
        assert_eq!(
            wrong(&payload),
            [("report_id".into(), "contradiction".into())]
        );
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none() {
        for (input, code) in [(&b"[]"[..], "unexpected"), (b"{", "malformed")] {
            let mut problems = Problems::default();
            assert_eq!(read(input, &mut problems), None);
            assert_eq!(problems.into_vec()[0].code, code);
        }
    }
}
