//! What each kind of store does with files and objects that are not what it left.

use std::fs;
use std::path::PathBuf;

use super::*;

fn folder_of(place: &Place) -> PathBuf {
    place.folder.path().join("objects").join(PIPELINE)
}

fn files(place: &Place, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder_of(place).join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn filled(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(
        &mut store,
        epoch,
        Finality::Certain,
        &[("a", "1"), ("b", "2")],
        &[],
    )
    .unwrap();
}

/// What is said of a store in which every object has been changed in turn.
fn each_damage(damage: impl Fn(&mut Vec<u8>)) {
    let place = Place::objects();
    filled(&place);
    let newest = |folder| files(&place, folder).pop().unwrap();
    for object in [newest("state"), newest("log")] {
        let before = fs::read(&object).unwrap();
        let mut bytes = before.clone();
        damage(&mut bytes);
        fs::write(&object, bytes).unwrap();
        let read = |store: Store| store.entries("count", |_| std::ops::ControlFlow::Continue(()));
        let error = place.try_open().and_then(read).unwrap_err();
        assert_eq!(error.code().id, "JF-5001", "{error}");
        assert!(error.to_string().contains(PIPELINE), "{error}");
        fs::write(&object, before).unwrap();
    }
}

#[test]
fn an_object_with_a_changed_byte_is_told() {
    each_damage(|bytes| {
        let last = bytes.len() - 5;
        bytes[last] ^= 1;
    });
}

#[test]
fn an_object_that_is_cut_short_is_told() {
    each_damage(|bytes| bytes.truncate(bytes.len() - 7));
}

#[test]
fn an_object_that_is_missing_is_told() {
    let place = Place::objects();
    filled(&place);
    fs::remove_file(&files(&place, "state")[0]).unwrap();
    let error = place.open().entry("count", b"a").unwrap_err();
    assert_eq!(error.code().id, "JF-5001", "{error}");
}

#[test]
fn an_object_in_the_place_of_another_is_told() {
    let place = Place::objects();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(&mut store, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[("a", "2")], &[]).unwrap();
    let runs = files(&place, "state");
    fs::copy(&runs[0], &runs[1]).unwrap();
    let error = store.entry("count", b"a").unwrap_err();
    assert_eq!(error.code().id, "JF-5001", "{error}");
}

#[test]
fn prepared_changes_that_are_damaged_are_told() {
    let place = Place::sqlite();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(&mut store, epoch, Finality::Undecided, &[("a", "1")], &[]).unwrap();
    drop(store);
    let Location::Sqlite(path) = &place.location else {
        panic!("a database");
    };
    let changed = rusqlite::Connection::open(path).unwrap().execute(
        "UPDATE jackfield_prepared SET changes = CAST(changes || x'00' AS BLOB)",
        [],
    );
    assert_eq!(changed, Ok(1));
    let error = place.open().settle(true).unwrap_err();
    assert_eq!(error.code().id, "JF-5001", "{error}");
}

#[test]
fn old_checkpoints_and_what_only_they_need_are_removed() {
    let place = Place::objects();
    let mut store = place.open();
    let (first, _) = store.claim().unwrap();
    for epoch in first..first + 200 {
        store.write_dead_letters(epoch, 0, &[letter("x")]).unwrap();
        commit(&mut store, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    }
    store.close().unwrap();
    // Three are kept; what is removed is removed every second time.
    assert!(store.history(u64::MAX).unwrap().len() >= 3);
    for (folder, most) in [("log", 12), ("state", 60), ("dead-letters", 60)] {
        let found = files(&place, folder).len();
        assert!(found <= most, "{found} objects in {folder}");
    }
    assert_eq!(store.dead_letters(&Default::default()).unwrap().len(), 200);
    assert_eq!(remembered(&place.open(), "count"), pairs(&[("a", "1")]));
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let place = Place::objects();
    fs::write(place.folder.path().join("objects"), "a file").unwrap();
    let error = place.try_open().unwrap_err();
    assert_eq!(error.code().id, "JF-5005", "{error}");
}

/// As the host before this one left it.
fn set_back(place: &Place) {
    let path = place.folder.path().join("orders.db");
    let database = rusqlite::Connection::open(path).unwrap();
    for column in ["backtrace", "state_version", "state", "state_bytes"] {
        let drop = format!("ALTER TABLE jackfield_dead_letters DROP COLUMN {column}");
        database.execute_batch(&drop).unwrap();
    }
    database.pragma_update(None, "user_version", 3).unwrap();
}

#[test]
fn a_database_of_the_former_format_is_brought_up_to_date_by_who_runs_the_pipeline() {
    let place = Place::sqlite();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    store.write_dead_letters(epoch, 0, &[letter("x")]).unwrap();
    commit(&mut store, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    drop(store);
    set_back(&place);

    let error = place.open_read_only().unwrap_err();
    assert_eq!(error.code().id, "JF-5002", "{error}");
    assert!(error.to_string().contains("format 3"), "{error}");

    let letters = place.open().dead_letters(&Default::default()).unwrap();
    assert_eq!(letters[0].letter, letter("x"));
    let store = place.open_read_only().unwrap();
    assert_eq!(remembered(&store, "count"), pairs(&[("a", "1")]));
}
