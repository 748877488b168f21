//! What sinks owe: seen when it is committed, and gone when its removal is.

use super::*;
use crate::record::{Batch, NO_EVENT_TIME};

/// Owes records in an epoch.
fn owe(store: &mut Store, epoch: u64, records: &[&str]) {
    let mut batch = Batch::default();
    for record in records {
        batch.push(record.as_bytes(), Some(b"k"), NO_EVENT_TIME);
    }
    let mut database = store.database().unwrap();
    database.owe(("bi", epoch, 7), &batch, |_| true).unwrap();
}

fn end(store: &mut Store, epoch: u64, finality: Finality) {
    commit(store, epoch, finality, &[], &[]).unwrap();
}

/// What is to be delivered when the checkpoint of that epoch is the last.
fn owed(store: &mut Store, epoch: u64) -> Vec<String> {
    let outbox = store.database().unwrap().outbox("bi").unwrap();
    let owed = outbox.read(0, epoch).unwrap();
    assert_eq!(outbox.count(epoch).unwrap(), owed.len() as u64);
    let text = |owed: super::super::Owed| String::from_utf8(owed.record).unwrap();
    owed.into_iter().map(text).collect()
}

fn ids(store: &mut Store, epoch: u64) -> Vec<i64> {
    let outbox = store.database().unwrap().outbox("bi").unwrap();
    let owed = outbox.read(0, epoch).unwrap();
    owed.into_iter().map(|owed| owed.id).collect()
}

#[test]
fn records_are_owed_from_their_commit_to_that_of_their_removal() {
    let place = Place::sqlite();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    owe(&mut store, epoch, &["a", "b"]);
    assert!(owed(&mut store, epoch).is_empty(), "not committed");
    end(&mut store, epoch, Finality::Certain);
    assert_eq!(owed(&mut store, epoch), ["a", "b"]);
    let first = ids(&mut store, epoch)[0];
    let mut database = store.database().unwrap();
    database.owe_no_longer(&[first], epoch + 1).unwrap();
    assert_eq!(owed(&mut store, epoch), ["a", "b"], "not committed");
    end(&mut store, epoch + 1, Finality::Certain);
    assert_eq!(owed(&mut store, epoch + 1), ["b"]);
    assert_eq!(store.owed().unwrap(), [("bi".to_owned(), 1)]);
}

#[test]
fn what_was_rolled_back_is_not_owed_and_its_number_is_not_used_again() {
    let place = Place::sqlite();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    owe(&mut store, epoch, &["a"]);
    end(&mut store, epoch, Finality::Certain);
    let ids_before = ids(&mut store, epoch);
    store
        .database()
        .unwrap()
        .owe_no_longer(&ids_before, epoch + 1)
        .unwrap();
    owe(&mut store, epoch + 1, &["lost"]);
    store.roll_back().unwrap();
    assert_eq!(owed(&mut store, epoch + 1), ["a"]);
    store
        .database()
        .unwrap()
        .owe_no_longer(&ids_before, epoch + 1)
        .unwrap();
    end(&mut store, epoch + 1, Finality::Certain);
    owe(&mut store, epoch + 2, &["b"]);
    end(&mut store, epoch + 2, Finality::Certain);
    assert!(ids(&mut store, epoch + 2) > ids_before);
}

#[test]
fn an_undecided_epoch_neither_adds_nor_removes_until_it_counts() {
    for counts in [true, false] {
        let place = Place::sqlite();
        let mut store = place.open();
        let (epoch, _) = store.claim().unwrap();
        owe(&mut store, epoch, &["old"]);
        end(&mut store, epoch, Finality::Certain);
        let old = ids(&mut store, epoch);
        store
            .database()
            .unwrap()
            .owe_no_longer(&old, epoch + 1)
            .unwrap();
        owe(&mut store, epoch + 1, &["new"]);
        end(&mut store, epoch + 1, Finality::Undecided);
        assert_eq!(owed(&mut store, epoch), ["old"]);
        store.settle(counts).unwrap();
        end(&mut store, epoch + 2, Finality::Certain);
        let expected = if counts { "new" } else { "old" };
        assert_eq!(owed(&mut store, epoch + 2), [expected]);
    }
}
