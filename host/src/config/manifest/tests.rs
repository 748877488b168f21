use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::{
    ColumnType, Compression, ConnectionKind, FileSource, HttpAuthentication, HttpConnection,
    OnBreaker, OutputPort, PreflightKind, RateLimit, Reference, Secret, SinkKind, SourceKind,
};

const SMALLEST: &str = r#"
    [pipeline]
    name = "orders"
    [checkpoint]
    path = "orders.db"
    [sources.lines]
    type = "file"
    paths = ["orders.jsonl"]
    [stages.parse]
    plugin = "parse.wasm"
    inputs.lines = "lines"
"#;

const FULL: &str = r#"
    [pipeline]
    name = "orders"
    parallelism = 4

    [checkpoint]
    path = "orders.db"
    interval = "1m 30s"
    minimum-pause = "500ms"

    [[preflight]]
    type = "data-action"
    enabled = false
    connection = "crm"
    action = ""

    [connections.crm]
    base-url = "https://crm.example.com/v1/"
    token-path = "/oauth/token"
    client-id = { env = "CRM_ID" }
    client-secret = { file = "crm-secret" }
    scope = "orders:read"
    timeout = "3s"

    [sources.lines]
    type = "file"
    paths = ["a.jsonl", "b.jsonl.gz"]
    compression = "none"
    maximum-record-bytes = "64 KiB"

    [stages.parse]
    plugin = "parse.wasm"
    inputs.lines = "lines"
    watermark = { out-of-orderness = "5s", idle-timeout = "30s" }
    limits = { memory = "64 MiB", cpu-time = "250ms" }
    configuration = { strict = true }

    [stages.count]
    plugin = "count.wasm"
    inputs.orders = ["parse.orders", "parse.returns"]

    [sinks.totals]
    type = "sqlite"
    from = "count.totals"
    table = "totals"
    columns = { customer = "text", total = "real" }
    primary-key = ["customer"]

    [sinks.log]
    type = "jsonl"
    from = ["parse.orders", "parse.returns"]
    path = "orders.jsonl"

    [dead-letters]
    type = "sqlite"

    [recovery]
    maximum-restarts = 7
"#;

type Variables = BTreeMap<String, String>;

fn variables(variables: &[(&str, &str)]) -> Variables {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn overrides(options: &[&str]) -> Vec<Override> {
    let parsed = options.iter().map(|option| Override::parse(option));
    parsed.collect::<Result<_, _>>().unwrap()
}

fn read_with(text: &str, environment: &Variables, options: &[&str]) -> Manifest {
    let path = Path::new("pipelines/orders.toml");
    Manifest::parse(path, text.to_owned(), environment, &overrides(options))
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn read(text: &str) -> Manifest {
    read_with(text, &Variables::new(), &[])
}

fn checkpoint_path(written: &str, environment: &Variables, options: &[&str]) -> PathBuf {
    let text = SMALLEST.replace("orders.db", written);
    let manifest = read_with(&text, environment, options);
    manifest.checkpoint.path().unwrap().value.clone()
}

/// The first source, which is one of files.
fn file(manifest: &Manifest) -> &FileSource {
    match &manifest.sources[0].kind {
        SourceKind::File(file) => file,
        other => panic!("{other:?}"),
    }
}

/// The first connection, which is one by HTTP.
fn http(manifest: &Manifest) -> &HttpConnection {
    match &manifest.connections[0].kind {
        ConnectionKind::Http(http) => http,
        other => panic!("{other:?}"),
    }
}

fn port(stage: &str, port: &str) -> OutputPort {
    OutputPort {
        stage: stage.to_owned(),
        port: port.to_owned(),
    }
}

#[test]
fn what_a_manifest_leaves_out_has_its_default() {
    let manifest = read(SMALLEST);
    assert_eq!(*manifest.pipeline.parallelism, 1);
    assert_eq!(manifest.checkpoint.interval, Duration::from_secs(60));
    assert_eq!(manifest.checkpoint.minimum_pause, Duration::from_secs(30));
    assert_eq!(manifest.recovery, Recovery::default());
    assert_eq!(manifest.dead_letters, DeadLetters::Sqlite);
    let file = file(&manifest);
    assert_eq!(file.compression, Compression::Auto);
    assert_eq!(*file.maximum_record_bytes, 1 << 20);
    let stage = &manifest.stages[0];
    assert_eq!(*stage.limits.memory, 256 << 20);
    assert_eq!(*stage.limits.cpu_time, Duration::from_secs(1));
    assert_eq!(stage.configuration.json, serde_json::json!({}));
    assert_eq!(stage.watermark, None);
}

#[test]
fn what_happens_when_plugins_keep_failing_is_read() {
    let options = [
        "recovery.maximum-restarts=7",
        "recovery.breaker-failures=5",
        "recovery.breaker-window=30s",
        "recovery.on-breaker=bypass-to-dlq",
    ];
    let manifest = read_with(SMALLEST, &Variables::new(), &options);
    let expected = Recovery {
        maximum_restarts: 7,
        breaker_failures: 5,
        breaker_window: Duration::from_secs(30),
        on_breaker: OnBreaker::BypassToDlq,
    };
    assert_eq!(manifest.recovery, expected);
}

#[test]
fn the_pause_between_checkpoints_shrinks_with_their_interval() {
    let manifest = read_with(SMALLEST, &Variables::new(), &["checkpoint.interval=200ms"]);
    assert_eq!(
        manifest.checkpoint.minimum_pause,
        Duration::from_millis(200)
    );
}

#[test]
fn stages_keep_what_was_written_of_them() {
    let manifest = read(FULL);
    let [parse, count] = &manifest.stages[..] else {
        panic!("two stages");
    };
    let watermark = parse.watermark.as_ref().unwrap();
    assert_eq!(watermark.out_of_orderness, Duration::from_secs(5));
    assert_eq!(watermark.idle_timeout, Some(Duration::from_secs(30)));
    assert_eq!(*parse.limits.memory, 64 << 20);
    assert_eq!(*parse.limits.cpu_time, Duration::from_millis(250));
    assert_eq!(
        parse.configuration.json,
        serde_json::json!({"strict": true})
    );
    assert_eq!(
        parse.inputs[0].from[0].value,
        Reference::Source("lines".to_owned())
    );
    let counted: Vec<_> = count.references().map(|from| from.value.clone()).collect();
    assert_eq!(
        counted,
        [
            Reference::Stage(port("parse", "orders")),
            Reference::Stage(port("parse", "returns")),
        ]
    );
}

#[test]
fn sinks_keep_what_was_written_of_them() {
    let manifest = read(FULL);
    let SinkKind::Sqlite(totals) = &manifest.sinks[0].kind else {
        panic!("a sqlite sink");
    };
    let columns: Vec<_> = totals
        .columns
        .iter()
        .map(|column| (&**column.name, *column.kind))
        .collect();
    assert_eq!(&**totals.table, "totals");
    assert_eq!(
        columns,
        [("customer", ColumnType::Text), ("total", ColumnType::Real)]
    );
    assert_eq!(*totals.primary_key[0], "customer");
    let SinkKind::Jsonl(log) = &manifest.sinks[1].kind else {
        panic!("a jsonl sink");
    };
    assert_eq!(*log.path, Path::new("pipelines/orders.jsonl"));
    assert_eq!(manifest.sinks[1].from.len(), 2);
}

#[test]
fn connections_say_where_their_secrets_are() {
    let manifest = read(FULL);
    let connection = http(&manifest);
    assert_eq!(connection.base_url.as_str(), "https://crm.example.com/v1");
    let HttpAuthentication::OAuth(oauth) = &connection.authentication else {
        panic!("{:?}", connection.authentication);
    };
    assert_eq!(oauth.token_path.as_str(), "/oauth/token");
    assert_eq!(connection.timeout, Duration::from_secs(3));
    assert!(matches!(&oauth.client_id, Secret::Environment(name) if **name == "CRM_ID"));
    assert!(
        matches!(&oauth.client_secret, Secret::File(path) if **path == Path::new("pipelines/crm-secret"))
    );
    let PreflightKind::DataAction(check) = &manifest.preflight[0].kind;
    assert!(!manifest.preflight[0].enabled);
    assert_eq!(*check.connection, "crm");
}

#[test]
fn the_burst_of_a_rate_limit_is_what_is_read_in_a_second_unless_it_is_said() {
    let limit = |text: &str| {
        let option = format!("sources.lines.rate-limit={text}");
        read_with(SMALLEST, &Variables::new(), &[&option]).sources[0].rate_limit
    };
    let expected = |records_per_second, burst| {
        Some(RateLimit {
            records_per_second,
            burst,
        })
    };
    assert_eq!(limit("{records-per-second=500}"), expected(500, 500));
    assert_eq!(
        limit("{records-per-second=500,burst=20}"),
        expected(500, 20)
    );
    assert_eq!(read(SMALLEST).sources[0].rate_limit, None);
}

#[test]
fn values_know_their_line() {
    let manifest = read(SMALLEST);
    let plugin = &manifest.stages[0].plugin.place;
    assert_eq!(plugin.to_string(), "pipelines/orders.toml:10:14");
    assert_eq!(plugin.key(), "stages.parse.plugin");
}

#[test]
fn a_path_in_a_manifest_begins_in_its_folder() {
    let path = checkpoint_path("data/orders.db", &Variables::new(), &[]);
    assert_eq!(path, Path::new("pipelines/data/orders.db"));
}

#[test]
fn an_absolute_path_is_taken_as_it_is() {
    let path = checkpoint_path("/data/orders.db", &Variables::new(), &[]);
    assert_eq!(path, Path::new("/data/orders.db"));
}

#[test]
fn a_path_that_begins_with_a_variable_begins_in_the_working_directory() {
    let environment = variables(&[("DATA", "out")]);
    let path = checkpoint_path("${DATA:-data}/orders.db", &environment, &[]);
    assert_eq!(path, Path::new("out/orders.db"));
}

#[test]
fn a_path_that_begins_with_a_default_begins_in_the_manifests_folder() {
    let path = checkpoint_path("${DATA:-data}/orders.db", &Variables::new(), &[]);
    assert_eq!(path, Path::new("pipelines/data/orders.db"));
}

#[test]
fn a_path_with_a_variable_further_in_begins_in_the_manifests_folder() {
    let environment = variables(&[("NAME", "orders")]);
    let path = checkpoint_path("data/${NAME}.db", &environment, &[]);
    assert_eq!(path, Path::new("pipelines/data/orders.db"));
}

#[test]
fn a_path_of_an_option_begins_in_the_working_directory() {
    let path = checkpoint_path("x", &Variables::new(), &["checkpoint.path=out/orders.db"]);
    assert_eq!(path, Path::new("out/orders.db"));
}

#[test]
fn a_whole_reference_stands_for_a_number_a_boolean_a_duration_or_a_size() {
    let text = FULL
        .replace("parallelism = 4", "parallelism = \"${WORKERS}\"")
        .replace("enabled = false", "enabled = \"${CHECKED:-false}\"")
        .replace("\"3s\"", "\"${PATIENCE}\"")
        .replace("\"64 KiB\"", "\"${LONGEST}\"");
    let environment = variables(&[("WORKERS", "8"), ("PATIENCE", "2s"), ("LONGEST", "4096")]);
    let manifest = read_with(&text, &environment, &[]);
    assert_eq!(*manifest.pipeline.parallelism, 8);
    assert!(!manifest.preflight[0].enabled);
    assert_eq!(http(&manifest).timeout, Duration::from_secs(2));
    let file = file(&manifest);
    assert_eq!(*file.maximum_record_bytes, 4096);
}

#[test]
fn an_option_replaces_what_the_manifest_says() {
    let options = [
        "pipeline.parallelism=2",
        "sources.lines.paths=[\"x.jsonl\", \"y.jsonl\"]",
        "pipeline.name=returns",
    ];
    let manifest = read_with(SMALLEST, &Variables::new(), &options);
    assert_eq!(*manifest.pipeline.parallelism, 2);
    assert_eq!(&**manifest.pipeline.name, "returns");
    let file = file(&manifest);
    let paths: Vec<&Path> = file.paths.iter().map(|path| path.as_path()).collect();
    assert_eq!(paths, [Path::new("x.jsonl"), Path::new("y.jsonl")]);
}

#[test]
fn an_option_that_looks_like_a_number_is_text_where_text_is_wanted() {
    let options = [
        "sinks.log.type=jsonl",
        "sinks.log.from=parse.out",
        "sinks.log.path=2024",
    ];
    let manifest = read_with(SMALLEST, &Variables::new(), &options);
    let SinkKind::Jsonl(log) = &manifest.sinks[0].kind else {
        panic!("a jsonl sink");
    };
    assert_eq!(*log.path, Path::new("2024"));
}

#[test]
fn an_option_reaches_into_a_list() {
    let options = ["preflight.0.action=42", "preflight.0.enabled=true"];
    let manifest = read_with(FULL, &Variables::new(), &options);
    let PreflightKind::DataAction(check) = &manifest.preflight[0].kind;
    assert!(manifest.preflight[0].enabled);
    assert_eq!(*check.action, "42");
}

#[test]
fn of_two_options_the_later_one_holds() {
    let options = ["pipeline.parallelism=2", "pipeline.parallelism=3"];
    let manifest = read_with(SMALLEST, &Variables::new(), &options);
    assert_eq!(*manifest.pipeline.parallelism, 3);
}

#[test]
fn a_manifest_that_is_not_there_is_said_with_its_path() {
    let path = Path::new("no/such/manifest.toml");
    let refusal = Manifest::read(path, &Variables::new(), &[]).unwrap_err();
    let diagnostic = refusal.iter().next().unwrap();
    assert_eq!(diagnostic.code, &code::UNREADABLE_MANIFEST);
    assert_eq!(diagnostic.place.to_string(), "no/such/manifest.toml");
}

#[test]
fn two_pipelines_of_one_process_share_neither_name_nor_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.toml", "b.toml"].map(|name| folder.path().join(name));
    for path in &paths {
        std::fs::write(path, SMALLEST).unwrap();
    }
    let refusal = Manifest::read_all(&paths, &Variables::new(), &[]).unwrap_err();
    let codes: Vec<_> = refusal.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [&code::DUPLICATE, &code::SHARED_TARGET]);
}

#[test]
fn a_wrong_option_is_reported_once_for_several_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.toml", "b.toml"].map(|name| folder.path().join(name));
    for path in &paths {
        std::fs::write(path, SMALLEST).unwrap();
    }
    let options = overrides(&["pipeline.parallelism=0"]);
    let refusal = Manifest::read_all(&paths, &Variables::new(), &options).unwrap_err();
    assert_eq!(refusal.len(), 1);
}

#[test]
fn no_mutilated_manifest_is_met_with_a_panic() {
    let text = FULL.replace("orders:read", "${SCOPE:-ördërs}");
    let characters: Vec<char> = text.chars().collect();
    let path = Path::new("m.toml");
    for index in 0..characters.len() {
        let (before, from) = characters.split_at(index);
        let with = |between: &str, after: &[char]| {
            let before: String = before.iter().collect();
            before + between + &after.iter().collect::<String>()
        };
        let mutilated = [
            with("", &from[1..]),
            with("é\"", &from[1..]),
            with("${", from),
            with("\r\n", &[]),
        ];
        for text in mutilated {
            // Showing what is wrong has to come through it as well.
            if let Err(refusal) = Manifest::parse(path, text, &Variables::new(), &[]) {
                assert!(!refusal.render(false).is_empty());
            }
        }
    }
}
