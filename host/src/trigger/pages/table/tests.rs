use std::collections::BTreeMap;

use serde_json::json;
use tempfile::TempDir;

use super::*;

const CREATE: &str = "CREATE TABLE contacts (id TEXT, visits INT, score REAL, mark BLOB, more TEXT, PRIMARY KEY (id))";

/// A database as a pipeline has it, and a table of it that is served.
struct Scene {
    table: Table,
    writer: Connection,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self::without_table();
        scene.writer.execute_batch(CREATE).unwrap();
        scene
    }

    fn without_table() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        let columns = [
            ("id", ColumnType::Text),
            ("visits", ColumnType::Integer),
            ("score", ColumnType::Real),
            ("mark", ColumnType::Blob),
            ("more", ColumnType::Json),
        ];
        let table = Table {
            path,
            name: "contacts".into(),
            columns: columns.map(|(name, kind)| (name.to_owned(), kind)).into(),
            readers: Mutex::default(),
        };
        Self {
            table,
            writer,
            _folder: folder,
        }
    }

    fn insert(&self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            let insert = "INSERT INTO contacts (id, visits, more) VALUES (?1, length(?1), 'null')";
            self.writer.execute(insert, [id]).unwrap();
        }
    }

    /// The identifiers of a page, and where the next one begins.
    fn ids(&self, question: &Question) -> (Vec<String>, Option<u64>) {
        let page = self.table.read(question).unwrap();
        let ids = page.records.iter().map(|record| record["id"].as_str());
        (
            ids.map(|id| id.unwrap().to_owned()).collect(),
            page.next_offset,
        )
    }
}

fn from(limit: u64, offset: u64) -> Question {
    Question {
        limit,
        offset,
        filters: BTreeMap::new(),
    }
}

fn only(column: &str, values: impl Into<Vec<Sql>>) -> Question {
    Question {
        filters: BTreeMap::from([(column.to_owned(), values.into())]),
        ..from(10, 0)
    }
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("c{number}")).collect()
}

#[test]
fn columns_are_what_the_sink_was_given() {
    let scene = Scene::new();
    let insert = "INSERT INTO contacts VALUES ('ö', 9007199254740993, 7.5, x'00ff', '{\"vip\":true}'), ('', NULL, NULL, NULL, '\"text\"')";
    scene.writer.execute_batch(insert).unwrap();
    let page = scene.table.read(&from(10, 0)).unwrap();
    let expected = [
        json!({ "id": "ö", "visits": 9_007_199_254_740_993_u64, "score": 7.5, "mark": "00ff", "more": { "vip": true } }),
        json!({ "id": "", "visits": null, "score": null, "mark": null, "more": "text" }),
    ];
    assert_eq!(page.records, expected);
}

#[test]
fn pages_follow_each_other_to_the_last() {
    let scene = Scene::new();
    scene.insert(numbered(0..5));
    assert_eq!(scene.ids(&from(2, 0)), (numbered(0..2), Some(2)));
    assert_eq!(scene.ids(&from(2, 2)), (numbered(2..4), Some(4)));
    assert_eq!(scene.ids(&from(2, 4)), (numbered(4..5), None));
    assert_eq!(scene.ids(&from(5, 0)), (numbered(0..5), None));
    assert_eq!(scene.ids(&from(2, 9)), (vec![], None));
}

#[test]
fn rows_come_in_the_order_of_their_arrival() {
    let scene = Scene::new();
    let ids = ["zoe", "adam", "mia"].map(str::to_owned);
    scene.insert(ids.clone());
    assert_eq!(scene.ids(&from(10, 0)).0, ids);
}

#[test]
fn rows_can_be_asked_for_by_what_they_hold() {
    let scene = Scene::new();
    scene.insert(numbered(8..12));
    let keys = ["c11", "c8", "c99"].map(|key| Sql::Text(key.into()));
    assert_eq!(scene.ids(&only("id", keys)).0, ["c8", "c11"]);
    assert_eq!(
        scene.ids(&only("visits", [Sql::Integer(2)])).0,
        ["c8", "c9"]
    );
    let hostile = Sql::Text("' OR 1=1 --".into());
    assert_eq!(scene.ids(&only("id", [hostile])), (vec![], None));
}

#[test]
fn what_is_not_committed_is_not_there() {
    let scene = Scene::new();
    scene.insert(numbered(0..1));
    scene.writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    scene.insert(numbered(1..2));
    assert_eq!(scene.ids(&from(10, 0)).0, ["c0"]);
    scene.writer.execute_batch("COMMIT").unwrap();
    assert_eq!(scene.ids(&from(10, 0)).0, ["c0", "c1"]);
}

#[test]
fn before_the_first_commit_there_is_nothing() {
    let scene = Scene::without_table();
    assert_eq!(scene.table.read(&from(10, 0)).unwrap(), Page::default());
    scene.writer.execute_batch(CREATE).unwrap();
    scene.insert(numbered(0..1));
    assert_eq!(scene.ids(&from(10, 0)).0, ["c0"], "by the same reader");
}

#[test]
fn before_there_is_a_database_there_is_nothing() {
    let scene = Scene::without_table();
    let absent = Table {
        path: scene.table.path.with_extension("absent"),
        ..scene.table
    };
    assert_eq!(absent.read(&from(10, 0)).unwrap(), Page::default());
    assert!(!absent.path.exists(), "a reader makes no database");
}

#[test]
fn a_page_ends_before_it_is_too_large() {
    let scene = Scene::new();
    let long = |letter: &str| letter.repeat(MOST_BYTES / 2);
    scene.insert(["a", "b", "c"].map(long));
    let page = scene.table.read(&from(10, 0)).unwrap();
    assert_eq!((page.records.len(), page.next_offset), (2, Some(2)));
    let rest = scene.table.read(&from(10, 2)).unwrap();
    assert_eq!((rest.records.len(), rest.next_offset), (1, None));
}

#[test]
fn what_no_sink_has_written_is_told_by_its_column() {
    let scene = Scene::new();
    let insert = "INSERT INTO contacts (id, more) VALUES ('a', 'not JSON')";
    scene.writer.execute_batch(insert).unwrap();
    let error = scene.table.read(&from(10, 0)).unwrap_err().to_string();
    assert!(error.contains("the column `more` of `contacts`"), "{error}");
}

#[test]
fn readers_are_used_again() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.table.read(&from(10, 0)).unwrap();
    }
    assert_eq!(scene.table.free().len(), 1);
}
