//! What starts jobs, as those see it who are on the other side: over HTTP, by the clock, and with a WebSocket client that is none
//! of ours.

use serde_json::{Value, json};

use crate::http::{get, post};
use crate::scenario::Scenario;
use crate::websocket::{connect, stay};

const HTTP: &str = r#"
[triggers.run]
type = "http"
job = "courier"
path = "/run"
wait = "20s"
failures = { late = { status = 504, retry-after = "7s" } }
"#;

const STREAM: &str = r#"
[triggers.stream]
type = "websocket"
job = "courier"
port = "parcels"
path = "/stream"
"#;

fn steps(steps: &Value) -> String {
    json!({ "steps": steps }).to_string()
}

fn parcels(numbers: impl IntoIterator<Item = u32>) -> Vec<Value> {
    numbers.into_iter().map(|n| json!({ "n": n })).collect()
}

#[test]
fn a_request_starts_a_job_and_gets_what_it_returns() {
    let scenario = Scenario::new().table(HTTP);
    let _host = scenario.start();
    let answer = post(&scenario, "/run", &steps(&json!([{"get": "/a"}])));
    assert_eq!(answer.status, 200);
    let expected = json!({ "greeting": "done", "answers": ["\"/a\""] });
    assert_eq!(answer.json(), expected);
    let job = get(&scenario, answer.header("location"));
    assert_eq!(
        (&job.json()["state"], &job.json()["output"]),
        (&json!("done"), &expected)
    );
}

#[test]
fn what_is_wrong_with_an_input_and_how_a_job_failed_are_told_apart() {
    let scenario = Scenario::new().table(HTTP);
    let _host = scenario.start();
    let wrong = post(
        &scenario,
        "/run",
        &steps(&json!([{"get-all": [["/a"], 0]}, {"get-all": [["/a"], 0]}])),
    );
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["problems"][1]["field"], "steps[1]");
    assert_eq!(wrong.json()["problems"][1]["value"], 0);
    let failed = post(&scenario, "/run", &steps(&json!([{"fail": "unsuitable"}])));
    assert_eq!(
        (failed.status, &failed.json()["code"]),
        (422, &json!("unsuitable"))
    );
    let late = post(&scenario, "/run", &steps(&json!([{"fail": "late"}])));
    assert_eq!((late.status, late.header("retry-after")), (504, "7"));
    let broken = post(&scenario, "/run", &steps(&json!(["panic"])));
    assert_eq!(
        (broken.status, &broken.json()["code"]),
        (500, &json!("trapped"))
    );
}

#[test]
fn the_clock_starts_jobs() {
    let table = "[triggers.tick]\ntype = \"cron\"\njob = \"courier\"\nschedule = \"* * * * * *\"\ninput = { steps = [{ post = [\"/tick\", {}] }] }\n";
    let scenario = Scenario::new().table(table);
    let mut host = scenario.start();
    host.wait_until(|_| scenario.service.count() >= 3).unwrap();
    // Each run is a job of its own, and its request has a key of its own.
    assert!(scenario.service.effects()["/tick"] >= 3);
}

#[test]
fn another_client_gets_all_that_a_job_emits_and_then_its_output() {
    let scenario = Scenario::new().table(STREAM);
    let _host = scenario.start();
    let emitted: Vec<Value> = (0..300).map(|n| json!({ "emit": { "n": n } })).collect();
    let heard = connect(&scenario, "/stream", &steps(&json!(emitted)));
    let mut expected = parcels(0..300);
    expected.push(json!({ "greeting": "done", "answers": [] }));
    expected.push(json!({ "closed": 1000, "reason": "the job has ended" }));
    assert_eq!(heard, expected);
}

#[test]
fn another_client_is_told_what_is_wrong() {
    let scenario = Scenario::new().table(STREAM);
    let _host = scenario.start();
    let heard = connect(&scenario, "/stream", &steps(&json!([])));
    assert_eq!(heard[0]["error"]["problems"][0]["field"], "steps");
    assert_eq!(
        heard[1],
        json!({ "closed": 1003, "reason": "there is nothing to do" })
    );
    let heard = connect(&scenario, "/stream", "{");
    assert_eq!(heard[1]["closed"], 1002);
    let heard = connect(&scenario, "/stream", &steps(&json!([{"fail": "drift"}])));
    assert_eq!(
        (&heard[0]["error"]["code"], &heard[1]["closed"]),
        (&json!("drift"), &json!(1011))
    );
}

#[test]
fn a_client_that_comes_back_after_a_crash_of_the_host_misses_nothing() {
    let scenario = Scenario::new().table(STREAM);
    let host = scenario.start();
    let mut all: Vec<Value> = (0..40).map(|n| json!({ "emit": { "n": n } })).collect();
    all.insert(25, json!({ "sleep": 1500 }));
    let all = steps(&json!(all));
    let path = "/stream?key=k1&acknowledge=true";
    let heard = stay(&scenario, path, &all, 20, 12);
    assert_eq!(heard, parcels(0..20));
    host.kill().unwrap();
    let _host = scenario.start();
    let heard = connect(&scenario, path, &all);
    assert_eq!(heard[..28], parcels(12..40));
    assert_eq!(heard.last().unwrap()["closed"], 1000);
}
