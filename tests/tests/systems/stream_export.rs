//! Batch exports over WebSockets (document 004), from the handshake to the data lake, against a simulated platform.

#[path = "stream_export/drift.rs"]
mod drift;
#[path = "stream_export/ending.rs"]
mod ending;
#[path = "stream_export/resuming.rs"]
mod resuming;
#[path = "stream_export/third_party.rs"]
mod third_party;

use cxone_simulator::{ClientRequest, Options};
use jackfield_tests::harness::Pipeline;
use jackfield_tests::systems::{Chunk, Heard, StreamClient, StreamExport, System};
use serde_json::{Value, json};

use crate::fault::every_fault_with_short_delays_changes_nothing;
use crate::scenario::Scenario;

const EXPORTS: &str = "/api/v2/data-actions/exports";
const RECORDS: (&str, &str) = ("GET", "/api/v2/data-actions/exports/");
/// An export that exists from the start.
const KNOWN: &str = "export_known";
/// Its records.
const ROWS: u64 = 1_000;

/// A host, and a platform that has an export already.
fn start() -> Scenario {
    start_with(|pipeline| pipeline)
}

fn start_with(change: impl FnOnce(Pipeline) -> Pipeline) -> Scenario {
    let platform = Options {
        export_rows: ROWS,
        exports: vec![KNOWN.into()],
        ..Options::default()
    };
    let scenario = Scenario::start_with(&StreamExport, platform, change);
    // The description is there when the triggers are.
    scenario.client.get("/openapi.json").unwrap();
    scenario
}

/// What a client asks for that attaches to the export.
fn attached() -> Value {
    json!({
        "export_job_id": KNOWN,
        "chunk_size_matrix": [100, 250],
        "compression_format": "gzip",
        "max_payload_size": 1_048_576,
    })
}

fn with(members: &Value) -> Value {
    let mut payload = attached();
    for (name, value) in members.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload
}

fn connect(scenario: &Scenario, path: &str) -> StreamClient {
    StreamClient::connect(scenario.address(), path).unwrap()
}

/// All messages of a stream and how it ended.
fn stream(scenario: &Scenario, payload: &Value) -> (Vec<Value>, (u16, String)) {
    let mut client = connect(scenario, "/stream");
    client.say(payload).unwrap();
    client.hear_all().unwrap()
}

fn chunks(messages: &[Value]) -> Vec<Chunk> {
    let chunks = messages
        .iter()
        .filter(|message| message.get("data").is_some());
    chunks.map(|message| Chunk::of(message).unwrap()).collect()
}

/// Where chunks begin, and how many records they have.
fn cuts(chunks: &[Chunk]) -> Vec<(u64, u64)> {
    chunks
        .iter()
        .map(|chunk| (chunk.offset, chunk.records))
        .collect()
}

fn records(chunks: Vec<Chunk>) -> Vec<Value> {
    chunks.into_iter().flat_map(|chunk| chunk.data).collect()
}

/// The records of an export, as the platform itself gives them.
fn original(scenario: &Scenario, export: &str) -> Vec<Value> {
    let request = ClientRequest {
        method: "GET".into(),
        target: format!("{EXPORTS}/{export}/records?limit={ROWS}"),
        headers: Vec::new(),
        body: None,
    };
    let platform = scenario.simulator().client();
    let answer = scenario.block_on(platform.send(&request)).unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn an_export_is_started_and_streamed_to_its_end() {
    let scenario = start();
    let request = include_str!("../../../examples/stream-export/request.json");
    let (messages, ended) = stream(&scenario, &serde_json::from_str(request).unwrap());
    assert_eq!(ended, (1000, "the job has ended".into()));

    let export = &scenario.performed(EXPORTS)[0];
    let asked = json!({ "report_id": "DEFAULT_ANALYTICS_EXPORT", "format": "json" });
    assert_eq!(export.body, asked);
    let id = &export.effect.answer["id"];
    let greeting = json!({ "status": "streaming", "export_job_id": id, "resume_offset": 0, "schema_version": "v1.2" });
    assert_eq!(messages[0], greeting);
    let chunks = chunks(&messages);
    assert_eq!(cuts(&chunks), [(0, 500), (500, 500)]);
    assert!(
        messages[1..3]
            .iter()
            .all(|chunk| chunk["encoding"] == "gzip+base64")
    );

    let bytes: usize = messages[1..3]
        .iter()
        .map(|chunk| chunk.to_string().len())
        .sum();
    let last = messages.last().unwrap();
    let told = ["status", "export_job_id", "next_offset"].map(|name| &last[name]);
    assert_eq!(told, [&json!("complete"), id, &json!(ROWS)]);
    let metrics = &last["metrics"];
    let counted = [
        "total_chunks",
        "total_frames",
        "total_records",
        "total_bytes",
        "drifted_chunks",
    ];
    assert_eq!(
        counted.map(|name| metrics[name].as_u64().unwrap()),
        [2, 2, ROWS, bytes as u64, 0]
    );
}

#[test]
fn a_stream_leaves_its_metrics_a_copy_of_each_chunk_and_an_audit() {
    let mut scenario = start();
    let asked = json!({
        "chunk_size_matrix": [500],
        "compression_format": "gzip",
        "max_payload_size": 1_048_576,
    });
    let (messages, _) = stream(&scenario, &asked);
    let chunks = chunks(&messages);
    let last = messages.last().unwrap();
    let id = &last["export_job_id"];
    scenario.stop();
    assert_eq!(
        scenario.lines("metrics.jsonl").unwrap(),
        std::slice::from_ref(last)
    );
    let lake = scenario.objects("lake").unwrap();
    let id = id.as_str().unwrap();
    let expected =
        ["000000000000", "000000000500"].map(|offset| format!("exports/{id}/{offset}.json"));
    assert!(lake.keys().eq(&expected));
    let copies: Vec<Value> = lake
        .values()
        .flat_map(|chunk| chunk["data"].as_array().cloned().unwrap())
        .collect();
    assert_eq!(copies, records(chunks.clone()));
    let audit = scenario.audit().unwrap();
    let actions: Vec<&str> = audit
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    let chunk = "EXPORT_CHUNK_STREAMED";
    assert_eq!(
        actions,
        [
            "EXPORT_STREAM_STARTED",
            chunk,
            chunk,
            "EXPORT_STREAM_COMPLETED"
        ]
    );
    assert_eq!(audit[1]["frames"][0]["checksum"], chunks[0].checksum);
    assert!(
        audit
            .iter()
            .all(|line| line["resource"] == format!("exports/{id}"))
    );
}

#[test]
fn a_client_may_attach_to_an_export_that_is_there() {
    let scenario = start();
    let (messages, (code, _)) = stream(&scenario, &attached());
    assert_eq!((code, &messages[0]["export_job_id"]), (1000, &json!(KNOWN)));
    let chunks = chunks(&messages);
    assert_eq!(
        cuts(&chunks),
        [(0, 100), (100, 250), (350, 250), (600, 250), (850, 150)]
    );
    assert_eq!(records(chunks), original(&scenario, KNOWN));
    assert!(scenario.performed(EXPORTS).is_empty());
}

#[test]
fn records_come_uncompressed_as_the_platform_wrote_them() {
    let scenario = start();
    let (messages, _) = stream(&scenario, &with(&json!({ "compression_format": "none" })));
    assert!(
        messages[1..6]
            .iter()
            .all(|chunk| chunk["encoding"] == "json")
    );
    assert_eq!(records(chunks(&messages)), original(&scenario, KNOWN));
}

#[test]
fn a_chunk_that_is_too_large_is_split_and_its_records_are_all_there() {
    let scenario = start();
    let asked = with(&json!({ "compression_format": "none", "max_payload_size": 10_000 }));
    let (messages, (code, _)) = stream(&scenario, &asked);
    assert_eq!(code, 1000);
    let chunks = chunks(&messages);
    assert!(chunks.len() > 20, "{}", chunks.len());
    assert!(
        messages[1..]
            .iter()
            .all(|message| message.to_string().len() <= 10_000)
    );
    let metrics = &messages.last().unwrap()["metrics"];
    assert_eq!(
        (&metrics["total_chunks"], &metrics["total_frames"]),
        (&json!(5), &json!(chunks.len()))
    );
    assert_eq!(records(chunks), original(&scenario, KNOWN));
}

#[test]
fn an_export_that_is_not_ready_is_waited_for() {
    let platform = Options {
        export_steps: 3,
        export_rows: 10,
        ..Options::default()
    };
    let scenario = Scenario::start_with(&StreamExport, platform, |pipeline| {
        pipeline.set("jobs.export.configuration.poll-interval=20ms")
    });
    scenario.client.get("/openapi.json").unwrap();
    let (messages, (code, _)) = stream(&scenario, &StreamExport::payload(0));
    assert_eq!(code, 1000);
    assert_eq!(cuts(&chunks(&messages)), [(0, 10)]);
}

#[test]
fn many_clients_are_streamed_to_at_once() {
    let scenario = start();
    let clients: Vec<StreamClient> = (0..40)
        .map(|_| {
            let mut client = connect(&scenario, "/stream");
            client.say(&attached()).unwrap();
            client
        })
        .collect();
    let expected = original(&scenario, KNOWN);
    for mut client in clients {
        let (messages, (code, _)) = client.hear_all().unwrap();
        assert_eq!(code, 1000);
        assert_eq!(records(chunks(&messages)), expected);
    }
}

#[test]
fn a_client_that_does_not_listen_holds_up_its_own_stream_alone() {
    let slow = "export_slow";
    let platform = Options {
        export_rows: ROWS,
        exports: vec![slow.into(), KNOWN.into()],
        ..Options::default()
    };
    let scenario = Scenario::start_with(&StreamExport, platform, |pipeline| pipeline);
    scenario.client.get("/openapi.json").unwrap();
    let small = json!({ "chunk_size_matrix": [10] });
    let mut client = connect(&scenario, "/stream?acknowledge=true");
    let mut asked = with(&small);
    asked["export_job_id"] = slow.into();
    client.say(&asked).unwrap();
    let (messages, (code, _)) = stream(&scenario, &with(&small));
    assert_eq!((code, chunks(&messages).len()), (1000, 100));
    // The greeting and 63 chunks may be on their way to it, and one more is made.
    let requests = scenario.requests((RECORDS.0, &format!("{}{slow}", RECORDS.1)));
    assert!(requests.len() <= 64, "{} chunks", requests.len());
    let mut heard = 0;
    while let Heard::Message(_) = client.hear().unwrap() {
        heard += 1;
        // It ends when all has arrived, whether that is said or not.
        _ = client.say(&json!({ "acknowledge": heard }));
    }
    assert_eq!(heard, 102);
}

#[test]
fn every_fault_at_once_changes_nothing() {
    let start = || {
        let platform = Options {
            export_rows: 400,
            ..StreamExport.platform()
        };
        let scenario = Scenario::start_with(&StreamExport, platform, |pipeline| {
            pipeline.set("jobs.export.configuration.poll-interval=20ms")
        });
        scenario.client.get("/openapi.json").unwrap();
        scenario
    };
    every_fault_with_short_delays_changes_nothing(&StreamExport, start, |scenario, seeds| {
        let told = seeds.map(|seed| StreamExport::read_all(scenario, &format!("seed-{seed}"), 2));
        Ok(told.collect::<Result<Vec<_>, _>>()?.concat())
    });
}
