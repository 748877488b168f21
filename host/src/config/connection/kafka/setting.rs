//! Settings of librdkafka, by its own names. Those that a guarantee rests on are the host's, and secrets are never written in a manifest.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read};
use crate::config::secret::Secret;
use crate::config::tree::{Node, Value};

/// Names that the host sets itself, each with what to do instead.
const RESERVED: &[(&str, &str)] = &[
    ("acks", OWN),
    ("allow.auto.create.topics", OWN),
    ("auto.commit.enable", OWN),
    ("auto.offset.reset", "write `start` at the source"),
    (
        "bootstrap.servers",
        "write `bootstrap-servers` at the connection",
    ),
    ("delivery.report.only.error", OWN),
    ("enable.auto.commit", OWN),
    ("enable.auto.offset.store", OWN),
    ("enable.gapless.guarantee", OWN),
    ("enable.idempotence", OWN),
    ("enable.partition.eof", OWN),
    ("enabled_events", OWN),
    ("group.id", "write `group` at the source"),
    ("group.instance.id", OWN),
    ("group.protocol", OWN),
    ("isolation.level", OWN),
    ("log.queue", OWN),
    (
        "metadata.broker.list",
        "write `bootstrap-servers` at the connection",
    ),
    ("partition.assignment.strategy", OWN),
    ("request.required.acks", OWN),
    (
        "transaction.timeout.ms",
        "write `transaction-timeout` at the connection",
    ),
    ("transactional.id", OWN),
];

const OWN: &str = "leave it out: what the pipeline promises rests on it, and the host sets it";

/// Parts of names whose values are secrets.
const SECRET: &[&str] = &["password", "secret", "key.pem", "oauthbearer.config"];

/// A value of any plain type.
struct Plain(String);

impl Read for Plain {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        match &node.value {
            Value::Text(text) => Some(Self(text.content.clone())),
            Value::Integer(integer) => Some(Self(integer.to_string())),
            Value::Float(float) => Some(Self(float.to_string())),
            Value::Boolean(boolean) => Some(Self(boolean.to_string())),
            Value::Table(_) => context.wrong_type(
                node,
                "a string, number or boolean; a name with dots goes into quotes: `\"sasl.mechanisms\" = …`",
            ),
            _ => context.wrong_type(node, "a string, number or boolean"),
        }
    }
}

/// Reads a setting.
pub(super) fn read(
    name: &Located<String>,
    node: &Node,
    context: &Context,
) -> Option<(Located<String>, Located<String>)> {
    if SECRET.iter().any(|part| name.value.contains(part)) {
        context.report(
            Diagnostic::new(
                &code::LITERAL_SECRET,
                name.place.clone(),
                format!("the secret `{name}` is written in the manifest"),
            )
            .without_source()
            .help(format!(
                "put it under `secrets`: `secrets = {{ \"{name}\" = {{ env = \"NAME\" }} }}`"
            )),
        );
        return None;
    }
    let value: Located<Plain> = context.read_located(node)?;
    let value = value.map(|plain| plain.0);
    if is_reserved(name, context) {
        return None;
    }
    let mut config = ClientConfig::new();
    config.set(name.value.as_str(), value.value.as_str());
    match config.create_native_config() {
        Ok(_) => Some((name.clone(), value)),
        Err(error) => {
            context.report(wrong(name, node, &error));
            None
        }
    }
}

/// Reads where the value of a setting is found.
pub(super) fn read_secret(
    name: &Located<String>,
    node: &Node,
    context: &Context,
) -> Option<(Located<String>, Secret)> {
    let secret = Secret::of(node, context)?;
    if is_reserved(name, context) {
        return None;
    }
    // Whether there is such a setting can be told by any value; what the secret is shows when the pipeline runs.
    let mut config = ClientConfig::new();
    config.set(name.value.as_str(), "any");
    let known = config.create_native_config();
    if let Err(error @ KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) = known
    {
        context.report(wrong(name, node, &error));
        return None;
    }
    Some((name.clone(), secret))
}

/// Reports what is given both as a setting and as a secret.
pub(super) fn refuse_twins(
    settings: &[(Located<String>, Located<String>)],
    secrets: &[(Located<String>, Secret)],
    context: &Context,
) {
    for (name, _) in secrets {
        let twin = settings.iter().find(|(twin, _)| twin.value == name.value);
        if let Some((twin, _)) = twin {
            context.report(
                Diagnostic::new(
                    &code::DUPLICATE,
                    name.place.clone(),
                    format!("`{name}` is given both as a setting and as a secret"),
                )
                .related(twin.place.clone(), "the setting"),
            );
        }
    }
}

fn is_reserved(name: &Located<String>, context: &Context) -> bool {
    let Some((_, remedy)) = RESERVED
        .iter()
        .find(|(reserved, _)| *reserved == name.value)
    else {
        return false;
    };
    context.report(
        Diagnostic::new(
            &code::UNKNOWN_KEY,
            name.place.clone(),
            format!("`{name}` cannot be set here"),
        )
        .help(*remedy),
    );
    true
}

fn wrong(name: &Located<String>, node: &Node, error: &KafkaError) -> Diagnostic {
    let is_unknown = matches!(
        error,
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)
    );
    if is_unknown {
        let problem = format!("librdkafka has no setting `{name}`");
        return Diagnostic::new(&code::UNKNOWN_KEY, name.place.clone(), problem)
            .help("librdkafka's CONFIGURATION.md lists them; those of the Java clients differ");
    }
    let problem = format!("librdkafka does not take this value of `{name}`");
    let mut diagnostic =
        Diagnostic::new(&code::MALFORMED_VALUE, node.place.clone(), problem).found(node.describe());
    if let KafkaError::ClientConfig(_, reason, ..) = error {
        diagnostic = diagnostic.help(reason.clone());
    }
    diagnostic
}
