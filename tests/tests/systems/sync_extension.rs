//! Synchronising data extensions (document 003), from the source to the audit log, against a simulated platform.

#[path = "sync_extension/pages.rs"]
mod pages;
#[path = "sync_extension/wrong.rs"]
mod wrong;

use cxone_simulator::{Fault, Options, Pace};
use jackfield_tests::harness::{Pipeline, repository};
use jackfield_tests::systems::{Site, SyncExtension, System, side_by_side};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tempfile::TempDir;

use crate::fault::{SEEDS, every_fault_with_short_delays_changes_nothing};
use crate::scenario::{Scenario, too_many};

const SYNC: (&str, &str) = ("POST", "/api/v2/data/extensions/profiles-0/sync");
const STATUS: (&str, &str) = ("GET", "/api/v2/data/extensions/profiles-0/sync/");
const SCHEMA: (&str, &str) = ("GET", "/api/v2/data/extensions/profiles-0/schema");
const EVENTS: (&str, &str) = ("POST", "/api/v2/events/stream");

/// A host that has served all contacts.
fn start() -> Scenario {
    start_with(|pipeline| pipeline)
}

fn start_with(change: impl FnOnce(Pipeline) -> Pipeline) -> Scenario {
    let scenario = Scenario::start_with(&SyncExtension, SyncExtension.platform(), change);
    SyncExtension::await_contacts(&scenario.client, SyncExtension::CONTACTS).unwrap();
    scenario
}

fn synchronise(scenario: &Scenario, extension: &str) -> Value {
    SyncExtension::synchronise(&scenario.client, extension).unwrap()
}

fn sha256(value: &Value) -> String {
    let canonical = serde_json_canonicalizer::to_vec(value).unwrap();
    let digest = Sha256::digest(canonical);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lines of the audit about one thing, in their order.
fn audit(scenario: &Scenario, action: &str) -> Vec<Value> {
    let mut lines = scenario.audit().unwrap();
    lines.retain(|line| line["action"] == action);
    lines
}

/// The example with its own input and its own request.
fn example(platform: Options) -> Scenario {
    let sample = repository().join("examples/sync-extension/sample.jsonl");
    let scenario =
        Scenario::start_with(&SyncExtension, platform, |pipeline| pipeline.input(&sample));
    SyncExtension::await_contacts(&scenario.client, 4).unwrap();
    scenario
}

#[test]
fn the_example_is_synchronised_audited_and_told_of() {
    let mut scenario = example(Options::default());
    let request = include_str!("../../../examples/sync-extension/request.json");
    let answer = scenario.client.post("/sync", request).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    scenario.stop();

    let sync = "/api/v2/data/extensions/customer-profiles/sync";
    let sent = &scenario.performed(sync)[0];
    let here = format!("http://{}", scenario.address());
    let expected = json!({
        "extensionId": "customer-profiles",
        "sourceType": "REST",
        "sourceEndpoint": format!("{here}/contacts"),
        "fieldMappings": serde_json::from_str::<Value>(request).unwrap()["fieldMappings"],
        "syncMode": "INCREMENTAL",
        "webhookUrl": format!("{here}/webhook/cxone-sync"),
        "options": { "maxBatchSize": 5000, "retryOnConflict": true, "nullValueHandling": "SET_NULL" },
    });
    assert_eq!(sent.body, expected);
    let hash = sha256(&sent.body);
    let request = &scenario.requests(("POST", sync))[0];
    assert_eq!(request.headers["x-payload-sha256"], hash);

    let id = &sent.effect.answer["syncJobId"];
    let latency = answer.json()["metrics"]["latencyMs"].clone();
    let metrics = json!({
        "jobId": id, "latencyMs": latency, "totalRecords": 4, "rejectedRecords": 0, "rejectionRate": 0.0,
        "status": "COMPLETED",
    });
    let flags = json!({ "piiProcessed": true, "schemaValidated": true, "nullsStandardized": true });
    let expected = json!({
        "status": "COMPLETED", "extensionId": "customer-profiles", "syncJobId": id, "payloadHash": hash,
        "metrics": metrics, "recoveredRecords": 0, "rejectedRecords": 0,
        "health": "HEALTHY", "healthReported": true, "complianceFlags": flags,
    });
    assert_eq!(answer.json(), expected);

    let audit = scenario.audit().unwrap();
    let expected = json!({
        "timestamp": audit[0]["timestamp"], "action": "DATA_SYNC_JOB_COMPLETED", "actor": "SYSTEM_AUTOMATION",
        "resource": "extensions/customer-profiles", "jobId": id, "metrics": metrics, "payloadHash": hash,
        "complianceFlags": flags,
    });
    assert_eq!(audit, [expected]);

    let event = &scenario.performed(EVENTS.1)[0].body;
    let expected = json!({
        "eventType": "CXONE_EXTENSION_HEALTH",
        "data": {
            "extensionId": "customer-profiles", "syncLatencyMs": latency, "rejectionRatePercent": 0.0,
            "healthScore": "HEALTHY", "reportedAt": event["data"]["reportedAt"],
        },
    });
    assert_eq!(event, &expected);
}

#[test]
fn the_example_gives_the_platform_what_it_takes_and_keeps_the_rest() {
    let mut scenario = example(Options::default());
    let request = include_str!("../../../examples/sync-extension/request.json");
    scenario.client.post("/sync", request).unwrap();
    scenario.stop();
    let contact = |id: &str,
                   name: &str,
                   email: &str,
                   points: Value,
                   vip: bool,
                   last: Value,
                   second: u32| {
        json!({
            "customerId": id, "fullName": name, "email": email, "loyaltyPoints": points, "vip": vip, "lastContact": last,
            "_syncTimestamp": format!("2025-01-31T09:00:0{second}.000Z"), "_sourceSystem": "ETL_PIPELINE_V1",
        })
    };
    let day = json!("2025-01-30T00:00:00.000Z");
    let morning = json!("2025-01-15T07:30:00.000Z");
    let expected = [
        contact(
            "CUST_001",
            "Ann Lee",
            "ann@example.com",
            json!(120),
            true,
            day,
            0,
        ),
        contact("CUST_002", "Björn Åkesson", "", json!(0), false, morning, 1),
        contact(
            "CUST_003",
            "Chen Wei",
            "chen@example.com",
            json!(7.5),
            false,
            json!(null),
            2,
        ),
        contact("CUST_006", "Eve", "", json!(0), false, json!(null), 5),
    ];
    let records = scenario.simulator().extension_records("customer-profiles");
    let records: Vec<Value> = records.unwrap().into_iter().map(Value::Object).collect();
    assert_eq!(records, expected);

    let list = scenario
        .pipeline()
        .run_command(&["dlq", "list"], &["--format", "json"]);
    let list = list.unwrap().expect_success().stdout;
    let letters: Vec<Value> = list
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused: Vec<_> = letters
        .iter()
        .map(|letter| {
            (
                letter["stage"].as_str().unwrap(),
                letter["code"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = ["invalid-date", "missing-key", "not-json"].map(|code| ("prepare", code));
    assert_eq!(refused, expected);
}

#[test]
fn what_the_platform_refuses_is_sent_again_in_a_batch_of_its_own() {
    let mut scenario = start();
    scenario.plan(SYNC, 1, Fault::RejectRecords { count: 2 });
    let document = synchronise(&scenario, "profiles-0");
    scenario.stop();

    let output = &document["output"];
    let told = ["status", "recoveredRecords", "rejectedRecords", "health"]
        .map(|name| output[name].clone());
    assert_eq!(
        told,
        [json!("COMPLETED"), json!(2), json!(0), json!("DEGRADED")]
    );
    assert_eq!(output["metrics"]["status"], "FAILED");
    assert_eq!(output["metrics"]["rejectionRate"], 2.0 / 60.0 * 100.0);
    let held = scenario
        .simulator()
        .extension_records("profiles-0")
        .unwrap();
    assert_eq!(held.len(), SyncExtension::CONTACTS);

    let syncs = scenario.performed(SYNC.1);
    assert_eq!(syncs.len(), 2);
    let (first, second) = (
        &syncs[0].effect.answer["syncJobId"],
        &syncs[1].effect.answer["syncJobId"],
    );
    let line = &audit(&scenario, "DATA_SYNC_RECOVERY_COMPLETED")[0];
    assert_eq!((&line["recoveryOf"], &line["jobId"]), (first, second));
    assert_eq!(line["metrics"]["totalRecords"], 2);
    assert_eq!(line["payloadHash"], sha256(&syncs[1].body));
    let again = |id: &str| json!({ "recordId": id, "corrections": {}, "retryBatch": true });
    assert_eq!(
        line["recoveryPayload"],
        json!([again("CUST_000"), again("CUST_001")])
    );
    let endpoint = syncs[1].body["sourceEndpoint"].as_str().unwrap();
    let batch = format!(
        "/recovery?recoveryBatch={}",
        line["recoveryBatch"].as_str().unwrap()
    );
    assert!(endpoint.ends_with(&batch), "{endpoint}");
}

/// Two contacts with points that are no number, which a stage passes on that does not know of points; in front of them one as it should be.
fn misread() -> Scenario {
    let scenario = Scenario::start_with(&SyncExtension, SyncExtension.platform(), |pipeline| {
        let points = ["1", "\"12\"", "\"many\""];
        let lines = points.iter().enumerate().map(|(number, points)| {
            format!(
                "{{\"customerId\":\"C{number}\",\"fullName\":\"N\",\"email\":\"\",\"loyaltyPoints\":{points},\"vip\":true,\"lastContact\":null,\
                 \"updatedAt\":\"2025-01-31T00:00:00Z\"}}\n"
            )
        });
        let input = pipeline.folder().join("misread.jsonl");
        std::fs::write(&input, lines.collect::<String>()).unwrap();
        pipeline
            .input(&input)
            .set("stages.prepare.configuration.fields={customerId='string'}")
            .set("jobs.sync.configuration.inspected-records=1")
    });
    SyncExtension::await_contacts(&scenario.client, 3).unwrap();
    scenario
}

#[test]
fn what_can_be_corrected_is_corrected_and_the_rest_is_given_up_with_its_reason() {
    let mut scenario = misread();
    let document = synchronise(&scenario, "profiles-0");
    scenario.stop();
    let output = &document["output"];
    let told = ["status", "recoveredRecords", "rejectedRecords"].map(|name| output[name].clone());
    assert_eq!(told, [json!("PARTIAL"), json!(1), json!(1)]);
    let records = scenario
        .simulator()
        .extension_records("profiles-0")
        .unwrap();
    let points: Vec<&Value> = records
        .iter()
        .map(|record| &record["loyaltyPoints"])
        .collect();
    assert_eq!(points, [&json!(1), &json!(12.0)]);
    let line = &audit(&scenario, "DATA_SYNC_RECOVERY_COMPLETED")[0];
    let expected =
        json!([{ "recordId": "C1", "corrections": { "loyaltyPoints": 12.0 }, "retryBatch": true }]);
    assert_eq!(line["recoveryPayload"], expected);
    let expected = json!({
        "extensionId": "profiles-0", "recordId": "C2", "code": "malformed-record",
        "message": "loyaltyPoints: invalid number value", "suggestedCorrections": { "loyaltyPoints": null },
        "reason": "the platform refused it, and it could not be corrected",
    });
    assert_eq!(scenario.lines("rejections.jsonl").unwrap(), [expected]);
}

#[test]
fn what_passes_is_got_over_with_one_synchronisation() {
    let mut scenario = start();
    let cases = [
        ("429 with a time", SYNC, 1, too_many(Some("1"))),
        ("429 without", SYNC, 2, too_many(None)),
        ("500", SYNC, 2, Fault::status(500)),
        ("a lost answer", SYNC, 2, Fault::AnswerLost),
        ("malformed JSON", SYNC, 2, Fault::Malformed),
        ("a schema that is cut", SCHEMA, 2, Fault::Cut),
        ("half a schema", SCHEMA, 2, Fault::Malformed),
        (
            "a callback that comes twice",
            SYNC,
            1,
            Fault::DuplicateCallback,
        ),
        ("a callback that comes late", SYNC, 1, Fault::LateCallback),
        (
            "health that is not heard at first",
            EVENTS,
            2,
            Fault::status(503),
        ),
    ];
    let count = cases.len();
    let request = SyncExtension::request("profiles-0").to_string();
    for (number, (what, at, times, fault)) in cases.into_iter().enumerate() {
        scenario.plan(at, times, fault);
        let document = scenario
            .client
            .finish("/sync", &number.to_string(), &request)
            .unwrap();
        assert_eq!(
            document["output"]["status"], "COMPLETED",
            "{what}: {document}"
        );
        assert_eq!(document["output"]["healthReported"], true, "{what}");
    }
    scenario.stop();
    assert_eq!(scenario.performed(SYNC.1).len(), count);
    assert_eq!(scenario.performed(EVENTS.1).len(), count);
    assert_eq!(audit(&scenario, "DATA_SYNC_JOB_COMPLETED").len(), count);
    let callbacks = scenario.simulator().callbacks();
    assert!(
        callbacks
            .iter()
            .all(|callback| callback.status == Some(200)),
        "{callbacks:?}"
    );
}

#[test]
fn a_callback_that_gets_lost_is_made_up_for() {
    let scenario = start_with(|pipeline| {
        pipeline
            .set("jobs.sync.configuration.webhook-url=http://127.0.0.1:9/nobody")
            .set("jobs.sync.configuration.status-interval=100ms")
    });
    let document = synchronise(&scenario, "profiles-0");
    assert_eq!(document["output"]["status"], "COMPLETED");
    assert!(!scenario.requests(STATUS).is_empty());
}

#[test]
fn health_that_cannot_be_told_does_not_undo_a_synchronisation() {
    let scenario = start();
    scenario.plan(EVENTS, 3, Fault::status(500));
    let output = &synchronise(&scenario, "profiles-0")["output"];
    let told = [
        &output["status"],
        &output["health"],
        &output["healthReported"],
    ];
    assert_eq!(
        told,
        [&json!("COMPLETED"), &json!("HEALTHY"), &json!(false)]
    );
}

#[test]
fn the_same_request_by_the_same_key_is_the_same_synchronisation() {
    let scenario = start();
    let first = synchronise(&scenario, "profiles-0");
    assert_eq!(first, synchronise(&scenario, "profiles-0"));
    let performed = scenario.performed(SYNC.1);
    assert_eq!(performed.len(), 1, "{performed:#?}\n{first:#}");
}

#[test]
fn a_synchronisation_outlives_the_host_that_asked_for_it() {
    let folder = TempDir::new().unwrap();
    let platform = Options {
        pace: Pace::Every(Duration::from_millis(100)),
        ..SyncExtension.platform()
    };
    let site = Site::open(&SyncExtension, folder.path(), platform).unwrap();
    let told = site.work(&SyncExtension, |is_done| {
        let mut host = site.pipeline().start()?;
        host.wait_until(|_| !site.performed(SYNC.1).is_empty())?;
        host.kill()?;
        let mut host = site.pipeline().start()?;
        assert!(host.wait_until(|_| is_done())?);
        host.terminate()?;
        host.wait().map(|ended| drop(ended.expect_success()))
    });
    site.finish().unwrap();
    for told in told.unwrap() {
        assert_eq!(told.what["output"]["status"], "COMPLETED", "{told:?}");
    }
    assert_eq!(site.performed(SYNC.1).len(), 1);
}

/// Extensions that are synchronised under the faults of a seed.
fn extensions_of(seed: u64) -> impl Iterator<Item = String> {
    (0..2).map(move |number| format!("profiles-{seed}-{number}"))
}

#[test]
fn every_fault_at_once_changes_nothing() {
    let platform = || Options {
        data_extensions: SEEDS
            .flat_map(extensions_of)
            .map(SyncExtension::schema)
            .collect(),
        late_callback_wait: Duration::from_millis(100),
        ..SyncExtension.platform()
    };
    let start = || {
        let scenario = Scenario::start_with(&SyncExtension, platform(), |pipeline| pipeline);
        SyncExtension::await_contacts(&scenario.client, SyncExtension::CONTACTS).unwrap();
        scenario
    };
    every_fault_with_short_delays_changes_nothing(&SyncExtension, start, |scenario, seeds| {
        side_by_side(seeds.flat_map(extensions_of), |extension| {
            SyncExtension::synchronise(&scenario.client, extension)
        })
    });
}
