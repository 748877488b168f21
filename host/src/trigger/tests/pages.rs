use std::path::Path;

use reqwest::Response;
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::openapi::{check, description};
use super::{Host, problem, read};

const CONTACTS: &str = r#"
[sinks.contacts]
type = "sqlite"
from = "report.contacts"
table = "contacts"
primary-key = ["customerId"]
columns = { customerId = "text", visits = "integer", score = "real", more = "json" }

[triggers.contacts]
type = "pages"
path = "/contacts"
sink = "contacts"
filters = ["customerId", "visits"]
bearer-token = { env = "TOKEN" }
"#;

/// A host that serves three contacts.
struct Scene {
    host: Host,
    folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let database = Connection::open(&path).unwrap();
        let rows = "CREATE TABLE contacts (customerId TEXT, visits INT, score REAL, more TEXT, PRIMARY KEY (customerId)); \
            INSERT INTO contacts VALUES ('c', 1, 120.0, '[1.0]'), ('a', 2, 7.5, '{\"b\":1,\"a\":\"€\"}'), ('b', 3, NULL, 'null')";
        database.execute_batch(rows).unwrap();
        let host = Host::start_on(&path, CONTACTS).await;
        Self { host, folder }
    }

    async fn get(&self, query: &str) -> Response {
        let url = self.host.url(&format!("/contacts{query}"));
        let request = self.host.client.get(url).bearer_auth("correct horse");
        request.send().await.unwrap()
    }

    async fn page(&self, query: &str) -> Json {
        let (status, page) = read(self.get(query).await).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    fn database(&self) -> &Path {
        self.folder.path()
    }
}

#[tokio::test]
async fn a_page_has_rows_their_hash_and_where_the_next_one_begins() {
    let scene = Scene::start().await;
    let records = json!([
        { "customerId": "c", "visits": 1, "score": 120.0, "more": [1.0] },
        { "customerId": "a", "visits": 2, "score": 7.5, "more": { "a": "€", "b": 1 } },
    ]);
    // sha256sum of [{"customerId":"c","more":[1],"score":120,"visits":1},{"customerId":"a","more":{"a":"€","b":1},"score":7.5,"visits":2}]
    let sha256 = "2b4087714e3e417eac796e4fcc082b36523f73eef532601ea8328b7e2bd476b6";
    let expected = json!({ "records": records, "sha256": sha256, "nextOffset": 2 });
    assert_eq!(scene.page("?limit=2").await, expected);
}

#[tokio::test]
async fn the_last_page_says_so() {
    let scene = Scene::start().await;
    let page = scene.page("?limit=2&offset=2").await;
    assert_eq!(page["records"][0]["customerId"], "b");
    assert_eq!(page["nextOffset"], Json::Null);
    // sha256sum of []
    let sha256 = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";
    let expected = json!({ "records": [], "sha256": sha256, "nextOffset": null });
    assert_eq!(scene.page("?offset=3").await, expected);
}

#[tokio::test]
async fn a_filter_that_is_repeated_takes_one_of_several_values() {
    let scene = Scene::start().await;
    let page = scene.page("?customerId=b&customerId=c&visits=1").await;
    assert_eq!(page["records"].as_array().unwrap().len(), 1);
    assert_eq!(page["records"][0]["customerId"], "c");
}

#[tokio::test]
async fn all_wrong_parameters_are_in_one_answer() {
    let scene = Scene::start().await;
    let response = scene.get("?limit=0&more=1&visits=few").await;
    let (status, body) = read(response).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid-input")));
    let expected = json!([
        { "field": "limit", "code": "out-of-range", "message": "`limit` is a whole number from 1 to 5000", "value": "0" },
        {
            "field": "more", "code": "unknown-parameter", "message": "`more` is no parameter of this path", "value": "1",
            "allowed": ["limit", "offset", "customerId", "visits"],
        },
        { "field": "visits", "code": "not-an-integer", "message": "`visits` is a whole number within 64 bits", "value": "few" },
    ]);
    assert_eq!(body["problems"], expected);
}

#[tokio::test]
async fn callers_show_the_token_before_anything_is_said_of_the_table() {
    let scene = Scene::start().await;
    let response = scene.host.get("/contacts?limit=0").await;
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(response).await, (401, "unauthorized".into()));
}

#[tokio::test]
async fn a_table_is_only_read() {
    let scene = Scene::start().await;
    let response = scene.host.post("/contacts", "{}").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET");
    assert_eq!(problem(response).await, (405, "method-not-allowed".into()));
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_told_without_its_place() {
    let scene = Scene::start().await;
    let path = scene.database().join("orders.db");
    std::fs::write(
        path,
        "this is no database, and long enough to be looked at".repeat(99),
    )
    .unwrap();
    let response = scene.get("").await;
    assert_eq!(response.headers()["retry-after"], "5");
    let (status, body) = read(response).await;
    assert_eq!((status, &body["code"]), (503, &json!("unavailable")));
    assert!(!body.to_string().contains("orders.db"), "{body}");
}

#[tokio::test]
async fn answers_are_as_described() {
    let scene = Scene::start().await;
    let description = description(&scene.host).await;
    let operation = &description["paths"]["/contacts"]["get"];
    assert_eq!(operation["security"], json!([{ "bearer": [] }]));
    let parameters = operation["parameters"].as_array().unwrap();
    let names: Vec<&str> = parameters
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["limit", "offset", "customerId", "visits"]);
    for query in ["", "?limit=1", "?offset=9", "?limit=0"] {
        check(&description, operation, scene.get(query).await).await;
    }
    check(&description, operation, scene.host.get("/contacts").await).await;
}
