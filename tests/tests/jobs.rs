//! Jobs, as users start them: the host is a process, the services are sockets, and everything may be interrupted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "jobs/http.rs"]
mod http;
#[path = "jobs/scenario.rs"]
mod scenario;
#[path = "jobs/service.rs"]
mod service;
#[path = "jobs/triggers.rs"]
mod triggers;
#[path = "jobs/websocket.rs"]
mod websocket;

use std::io::{Read, Write};
use std::net::TcpStream;

use jackfield_tests::harness::Host;
use scenario::Scenario;
use serde_json::{Value, json};

/// What is told of a job that failed by itself.
fn failure(scenario: &Scenario, steps: &Value) -> String {
    let finished = scenario.finish(steps);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    finished.stderr
}

/// Posts a callback; gives the status.
fn call_back(scenario: &Scenario, id: &str, delivery: &str) -> u16 {
    let mut stream = TcpStream::connect(scenario.hooks()).unwrap();
    let body = json!({"id": id}).to_string();
    write!(
        stream,
        "POST /hook HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nx-delivery: {delivery}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_job_sends_sleeps_and_emits_and_what_it_emits_reaches_a_sink_once() {
    let scenario = Scenario::new();
    let host = scenario.start();
    let finished = scenario.finish(&json!([
        {"progress": "begin"}, {"post": ["/orders", {"n": 1}]}, {"sleep": 1500}, {"emit": {"n": 1}},
        {"get-all": [["/a", "/b", "/c"], 2]}, "save", "now", {"emit": {"n": 2}},
    ]));
    let output: Value = serde_json::from_str(&finished.expect_success().stdout).unwrap();
    let answers = json!(["\"/orders\"", "\"/a\"", "\"/b\"", "\"/c\""]);
    assert_eq!(output, json!({"greeting": "done", "answers": answers}));
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    scenario.run_to_idle();
    assert_eq!(scenario.emitted(), [json!({"n": 1}), json!({"n": 2})]);
    assert_eq!(scenario.service.effects()["/orders"], 1);
}

#[test]
fn until_idle_is_until_what_jobs_emit_is_delivered() {
    let scenario = Scenario::new().table(
        "[sinks.hook]\ntype = \"webhook\"\nfrom = \"courier.parcels\"\nconnection = \"service\"\npath = \"/parcels\"",
    );
    scenario.service.answer("/parcels", 503);
    let host = scenario.start();
    let emits = json!([{"emit": {"n": 1}}, {"emit": {"n": 2}}]);
    scenario.finish(&emits).expect_success();
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    scenario.service.answer("/parcels", 200);
    scenario.run_to_idle();
    assert_eq!(scenario.service.effects()["/parcels"], 2);
}

#[test]
fn killed_at_random_steps_a_job_ends_as_if_nothing_had_happened() {
    for seed in 0..3_usize {
        let scenario = Scenario::new();
        let mut steps = Vec::new();
        for number in 0..12 {
            steps.push(json!({"post": [format!("/orders/{number}"), {}]}));
            steps.push(json!({"emit": {"n": number}}));
            if number % 5 == 3 {
                steps.push(json!("save"));
            }
            if number % 4 == 2 {
                steps.push(json!({"sleep": 30}));
            }
        }
        let mut host = scenario.start();
        let id = scenario.begin(&json!(steps));
        for kill in 1..=4 {
            let enough = kill * 3 - 1 + (seed + kill) % 2;
            host.wait_until_closely(|_| scenario.service.count() >= enough)
                .unwrap();
            host.kill().unwrap();
            host = scenario.start();
        }
        assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
        host.terminate().unwrap();
        host.wait().unwrap().expect_success();
        scenario.run_to_idle();
        let expected: Vec<_> = (0..12).map(|number| json!({"n": number})).collect();
        assert_eq!(scenario.emitted(), expected, "seed {seed}");
        let effects = scenario.service.effects();
        assert!(effects.values().all(|&keys| keys == 1), "{effects:?}");
        assert_eq!(effects.len(), 12);
    }
}

#[test]
fn a_request_in_doubt_is_sent_again_when_somebody_says_so() {
    let scenario = Scenario::new().connection("after-crash = \"ask\"");
    scenario.service.hold("/orders");
    let mut host = scenario.start();
    let id = scenario.begin(&json!([{"post": ["/orders", {}]}]));
    host.wait_until(|_| scenario.service.count() == 1).unwrap();
    host.kill().unwrap();
    scenario.service.let_go();
    let mut host = scenario.start();
    assert!(
        host.wait_until(|_| scenario.state(&id) == "asking")
            .unwrap()
    );
    assert_eq!(scenario.service.count(), 1, "it was not sent by itself");
    scenario.run("retry", &[&id]).expect_success();
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
    assert_eq!(
        scenario.service.effects()["/orders"],
        1,
        "the key is the same"
    );
}

#[test]
fn a_callback_reaches_the_job_that_expects_it_once() {
    let scenario = Scenario::new();
    let mut host = scenario.start();
    let id = scenario.begin(&json!([{"expect": ["hook", null]}, {"get": "/a"}, {"sleep": 1500}, {"await": ["hook", "7", null]}]));
    host.wait_until(|_| scenario.service.count() == 1).unwrap();
    assert_eq!(
        call_back(&scenario, "7", "first"),
        200,
        "before it is awaited"
    );
    assert_eq!(call_back(&scenario, "7", "first"), 200, "repeated");
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
    let answers = &scenario.show(&id)["output"]["answers"];
    assert_eq!(answers[1], r#"{"id":"7"}"#);
    assert_eq!(call_back(&scenario, "8", "other"), 404, "nobody expects it");
}

#[test]
fn a_job_waits_over_a_restart() {
    let scenario = Scenario::new();
    let host = scenario.start();
    let id = scenario.begin(&json!([{"await": ["hook", "9", null]}, {"emit": {"called": true}}]));
    let mut host = {
        let mut host = host;
        assert!(
            host.wait_until(|_| scenario.state(&id) == "waiting")
                .unwrap()
        );
        host.kill().unwrap();
        scenario.start()
    };
    assert_eq!(call_back(&scenario, "9", "only"), 200);
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
}

#[test]
fn a_job_ends_on_the_version_that_it_began_with_though_the_manifest_has_another_since() {
    let scenario = Scenario::new().job("configuration = { greeting = \"one\" }");
    let mut host = scenario.start();
    let id = scenario.begin_waiting(&json!([{"await": ["hook", "9", null]}]), &mut host);
    host.kill().unwrap();
    scenario.edit("\"one\"", "\"two\"");
    let mut host = scenario.start();
    assert_eq!(call_back(&scenario, "9", "only"), 200);
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
    assert_eq!(scenario.show(&id)["output"]["greeting"], "one");
    let finished = scenario.finish(&json!(["now"])).expect_success();
    assert!(finished.stdout.contains("two"), "{finished:?}");
}

#[test]
fn a_reload_changes_what_new_jobs_begin_with() {
    let scenario = Scenario::new().job("configuration = { greeting = \"one\" }");
    let mut host = scenario.start();
    let id = scenario.begin_waiting(&json!([{"await": ["hook", "9", null]}]), &mut host);
    scenario.edit("\"one\"", "\"two\"");
    let reloaded = scenario.reload().expect_success();
    assert!(reloaded.stdout.contains("job "), "{}", reloaded.stdout);
    let finished = scenario.finish(&json!(["now"])).expect_success();
    assert!(finished.stdout.contains("two"), "{finished:?}");
    assert_eq!(call_back(&scenario, "9", "only"), 200);
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
    assert_eq!(scenario.show(&id)["output"]["greeting"], "one");
}

#[test]
fn what_jobs_emit_is_read_by_a_version_that_goes_on_though_the_manifest_has_other_connections() {
    let scenario = Scenario::new();
    let mut host = scenario.start();
    scenario
        .finish(&json!([{"emit": {"n": 1}}]))
        .expect_success();
    assert!(host.wait_until(|_| scenario.emitted().len() == 1).unwrap());
    host.kill().unwrap();
    scenario.edit("[reload]", "[reload]\non-start = \"reload\"");
    scenario.edit(
        "[connections.service]",
        "[connections.other]\nbase-url = \"https://localhost\"\n\n[connections.service]",
    );
    let mut host = scenario.start();
    let is_refused = |_: &Host| {
        let log = std::fs::read_to_string(scenario.folder().join("log.stderr")).unwrap();
        log.contains("JF-9105")
    };
    assert!(host.wait_until(is_refused).unwrap());
    scenario
        .finish(&json!([{"emit": {"n": 2}}]))
        .expect_success();
    assert!(host.wait_until(|_| scenario.emitted().len() == 2).unwrap());
}

#[test]
fn a_job_waits_for_the_version_that_it_was_started_with() {
    let scenario = Scenario::new().job("configuration = { greeting = \"one\" }");
    let mut host = scenario.start();
    let id = scenario.begin_waiting(
        &json!([{"post": ["/a", {}]}, {"await": ["hook", "9", null]}]),
        &mut host,
    );
    host.kill().unwrap();
    scenario.edit("\"one\"", "\"two\"");
    scenario.forget_versions();
    let host = scenario.start();
    assert_eq!(call_back(&scenario, "9", "only"), 200);
    let shown = scenario.show(&id);
    assert_eq!(shown["state"], "waiting");
    assert_eq!(shown["failure"]["code"], "JF-9015");
    let version = &shown["version"].as_str().unwrap()[..12];
    let list = scenario.run("list", &[]).expect_success().stdout;
    assert!(list.contains(version), "{list}");
    let finished = scenario.finish(&json!(["now"])).expect_success();
    assert!(finished.stdout.contains("two"), "{finished:?}");
    let migrated = scenario.run("migrate", &[&id]).expect_success().stdout;
    assert!(migrated.contains("0 moved"), "{migrated}");
    host.kill().unwrap();
    scenario.edit("\"two\"", "\"one\"");
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
    assert_eq!(scenario.show(&id)["output"]["greeting"], "one");
    assert_eq!(scenario.service.count_of("POST", "/a"), 1);
}

#[test]
fn a_job_over_a_limit_fails_with_what_it_was_doing() {
    let limits = "limits = { cpu-time = \"300ms\", memory = \"16 MiB\", host-calls = 10_000, steps = 4, wall-time = \"6s\", output = \"64 B\" }";
    let scenario = Scenario::new().job(limits);
    let _host = scenario.start();
    let spin = failure(&scenario, &json!([{"get": "/a"}, "spin"]));
    assert!(
        spin.contains("JF-9002") && spin.contains("CPU time"),
        "{spin}"
    );
    assert!(spin.contains("after step 0: send GET service /a"), "{spin}");
    let hoard = failure(&scenario, &json!(["hoard"]));
    assert!(
        hoard.contains("JF-9002") && hoard.contains("memory"),
        "{hoard}"
    );
    let chatter = failure(&scenario, &json!(["chatter"]));
    assert!(
        chatter.contains("JF-9002") && chatter.contains("more than 10000 times within a second"),
        "{chatter}"
    );
    assert!(
        chatter.contains("the plugin courier 0.1.0 (sha256 "),
        "{chatter}"
    );
    let steps = failure(&scenario, &json!(["now", "now", "now", "now", "now"]));
    assert!(steps.contains("4 steps (steps)"), "{steps}");
    let late = failure(&scenario, &json!([{"sleep": 60_000}]));
    assert!(late.contains("wall-time"), "{late}");
    let long = failure(&scenario, &json!([{"emit": "x".repeat(100)}]));
    assert!(long.contains("(output)"), "{long}");
}

#[test]
fn a_job_may_ask_of_a_connection_what_it_is_granted_and_nothing_else() {
    let grant = r#"{ service = { paths = ["/reports/*"], methods = ["GET"] } }"#;
    let scenario = Scenario::new().granted(grant);
    let _host = scenario.start();
    let granted = scenario.finish(&json!([{"get": "/reports/7"}]));
    assert!(granted.expect_success().stdout.contains("/reports/7"));
    for (step, named) in [
        (json!({"get": "/users/7"}), "the path `/users/7`"),
        (json!({"get": "/reports/../users"}), "the path `/users`"),
        (json!({"post": ["/reports/7", {}]}), "the method POST"),
    ] {
        let refused = failure(&scenario, &json!([step]));
        assert!(
            refused.contains(named) && refused.contains("JF-7017"),
            "{refused}"
        );
    }
    assert_eq!(scenario.service.count(), 1, "nothing else was sent");
}

#[test]
fn a_job_that_breaks_off_or_gives_up_says_why() {
    let scenario = Scenario::new();
    let _host = scenario.start();
    let trap = failure(&scenario, &json!([{"get": "/a"}, "panic"]));
    assert!(
        trap.contains("JF-9003") && trap.contains("as the input wants"),
        "{trap}"
    );
    let failed = failure(&scenario, &json!([{"fail": "no-stamps"}]));
    assert!(
        failed.contains("JF-9005") && failed.contains("as the input wants"),
        "{failed}"
    );
}

#[test]
fn a_job_that_failed_goes_on_from_the_request_that_failed() {
    let scenario = Scenario::new();
    scenario.service.answer("/b", 409);
    let mut host = scenario.start();
    let id = scenario.begin(&json!([{"post": ["/a", {}]}, {"post": ["/b", {}]}]));
    assert!(
        host.wait_until(|_| scenario.state(&id) == "failed")
            .unwrap()
    );
    scenario.service.answer("/b", 200);
    scenario.run("retry", &[&id]).expect_success();
    assert!(host.wait_until(|_| scenario.state(&id) == "done").unwrap());
    assert_eq!(scenario.service.count_of("POST", "/a"), 1);
    assert_eq!(scenario.service.count_of("POST", "/b"), 2);
    let again = scenario.run("retry", &[&id]);
    assert!(again.stderr.contains("JF-9013"), "{again:?}");
}

#[test]
fn an_input_that_is_refused_makes_no_job() {
    let scenario = Scenario::new();
    let _host = scenario.start();
    let refused = scenario.finish(&json!([{"get-all": [[], 0]}, {"get-all": [[], 0]}]));
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("JF-9010"), "{refused:?}");
    assert_eq!(refused.stdout.lines().count(), 2, "{refused:?}");
    assert!(
        refused
            .stdout
            .contains("steps[1]: nothing can be sent side by side; found 0; allowed: 1, 2, 3")
    );
    assert_eq!(scenario.run("list", &[]).stdout.trim(), "no jobs");
}

#[test]
fn a_job_that_is_started_again_with_its_key_is_that_job() {
    let scenario = Scenario::new();
    let _host = scenario.start();
    let input = scenario.folder().join("one.json");
    std::fs::write(&input, r#"{"steps": [{"post": ["/a", {}]}]}"#).unwrap();
    let input = input.display().to_string();
    let start = [
        "courier",
        "--idempotency-key",
        "k",
        "--wait",
        "--input",
        &input,
    ];
    scenario.run("start", &start).expect_success();
    scenario.run("start", &start).expect_success();
    assert_eq!(scenario.service.count(), 1);
    std::fs::write(scenario.folder().join("one.json"), r#"{"steps": ["now"]}"#).unwrap();
    let other = scenario.run("start", &start);
    assert!(other.stderr.contains("JF-9012"), "{other:?}");
}

#[test]
fn a_waiting_job_can_be_looked_at_and_cancelled() {
    let scenario = Scenario::new();
    let mut host = scenario.start();
    let id = scenario.begin_waiting(
        &json!([{"get": "/a"}, {"progress": "dozing"}, {"sleep": 600_000}]),
        &mut host,
    );
    let shown = scenario.show(&id);
    assert_eq!(shown["progress"], "dozing");
    assert_eq!(shown["steps"][0]["result"], "200, 4 bytes");
    assert_eq!(shown["steps"][2]["call"], "sleep 600000 ms");
    scenario.run("cancel", &[&id]).expect_success();
    assert_eq!(scenario.state(&id), "cancelled");
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    assert_eq!(scenario.state(&id), "cancelled", "also when no host runs");
}

#[test]
fn steering_needs_a_host() {
    let scenario = Scenario::new();
    let absent = scenario.run("start", &["courier"]);
    assert_eq!(absent.code(), Some(6));
    let misspelt = scenario.run("start", &["couriers"]);
    assert!(
        misspelt.stderr.contains("did you mean `courier`?"),
        "{misspelt:?}"
    );
}
