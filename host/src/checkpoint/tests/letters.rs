//! The dead-letter queue.

use super::*;
use crate::checkpoint::{DeadLetterFilter, EntrySnapshot};

for_each_store! {
    letters_come_in_the_order_in_which_they_were_refused
    what_a_plugin_met_when_it_failed_is_kept
    letters_are_found_by_stage_code_id_and_epoch
    letters_that_are_taken_out_are_gone_with_the_commit
    more_letters_than_fit_into_memory_are_one_epoch_all_the_same
}

fn all(store: &Store) -> Vec<crate::checkpoint::StoredDeadLetter> {
    store.dead_letters(&DeadLetterFilter::default()).unwrap()
}

fn letters_come_in_the_order_in_which_they_were_refused(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let keyed = DeadLetter {
        key: Some(b"\xff".to_vec()),
        timestamp: crate::record::NO_EVENT_TIME,
        ..letter("second")
    };
    store
        .write_dead_letters(epoch, 7, &[letter("first"), keyed.clone()])
        .unwrap();
    commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap();
    drop(store);
    let store = place.open_read_only().unwrap();
    let found = all(&store);
    assert_eq!(
        [&found[0].letter, &found[1].letter],
        [&letter("first"), &keyed]
    );
    assert!(found[0].id < found[1].id);
    assert_eq!((found[0].epoch, found[0].rejected_at), (epoch, 7));
}

fn what_a_plugin_met_when_it_failed_is_kept(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let failed = DeadLetter {
        backtrace: Some("0: process".to_owned()),
        state: Some(EntrySnapshot::of(2, &[0; EntrySnapshot::MOST + 1])),
        ..letter("x")
    };
    store
        .write_dead_letters(epoch, 0, &[failed.clone(), letter("y")])
        .unwrap();
    commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap();
    drop(store);
    let found = all(&place.open());
    assert_eq!(
        [&found[0].letter, &found[1].letter],
        [&failed, &letter("y")]
    );
}

fn letters_are_found_by_stage_code_id_and_epoch(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let late = DeadLetter {
        stage: "count".to_owned(),
        code: "late".to_owned(),
        ..letter("late")
    };
    store
        .write_dead_letters(epoch, 0, &[letter("x"), late, letter("y")])
        .unwrap();
    commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap();
    store
        .write_dead_letters(epoch + 1, 0, &[letter("z")])
        .unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[], &[]).unwrap();
    let found = |filter: DeadLetterFilter| -> Vec<String> {
        let letters = store.dead_letters(&filter).unwrap();
        let records = letters
            .iter()
            .map(|one| String::from_utf8_lossy(&one.letter.record).into_owned());
        records.collect()
    };
    let filter = DeadLetterFilter::default;
    assert_eq!(
        found(DeadLetterFilter {
            stage: Some("count".to_owned()),
            ..filter()
        }),
        ["late"]
    );
    assert_eq!(
        found(DeadLetterFilter {
            code: Some("not-json".to_owned()),
            ..filter()
        }),
        ["x", "y", "z"]
    );
    assert_eq!(
        found(DeadLetterFilter {
            after_epoch: Some(epoch),
            ..filter()
        }),
        ["z"]
    );
    assert_eq!(
        found(DeadLetterFilter {
            limit: Some(2),
            ..filter()
        }),
        ["x", "late"]
    );
    assert_eq!(
        found(DeadLetterFilter {
            limit: Some(0),
            ..filter()
        }),
        [""; 0]
    );
    let ids = vec![all(&store)[2].id];
    assert_eq!(found(DeadLetterFilter { ids, ..filter() }), ["y"]);
    let counts = store.dead_letter_counts(&filter()).unwrap();
    let count = |stage: &str, code: &str, count| (stage.to_owned(), code.to_owned(), count);
    assert_eq!(
        counts,
        [count("parse", "not-json", 3), count("count", "late", 1)]
    );
}

fn letters_that_are_taken_out_are_gone_with_the_commit(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    store
        .write_dead_letters(epoch, 0, &[letter("x"), letter("y")])
        .unwrap();
    commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap();
    store.remove_dead_letters(&[all(&store)[0].id]).unwrap();
    assert_eq!(all(&store).len(), 2);
    store.roll_back().unwrap();
    store.remove_dead_letters(&[all(&store)[1].id]).unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[], &[]).unwrap();
    assert_eq!(all(&store)[0].letter, letter("x"));
    assert_eq!(all(&store).len(), 1);
    store
        .write_dead_letters(epoch + 2, 0, &[letter("z")])
        .unwrap();
    commit(&mut store, epoch + 2, Finality::Certain, &[], &[]).unwrap();
    assert_eq!(all(&store).len(), 2);
}

fn more_letters_than_fit_into_memory_are_one_epoch_all_the_same(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let large = letter(&"x".repeat(1 << 20));
    for _ in 0..10 {
        store
            .write_dead_letters(epoch, 0, std::slice::from_ref(&large))
            .unwrap();
    }
    store.roll_back().unwrap();
    for _ in 0..10 {
        store
            .write_dead_letters(epoch, 0, std::slice::from_ref(&large))
            .unwrap();
    }
    commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap();
    drop(store);
    let letters = all(&place.open());
    assert_eq!(letters.len(), 10);
    assert!(letters.iter().all(|stored| stored.letter == large));
}

/// The entry of the log is there, but who wrote it was not told so.
#[test]
fn letters_outlive_a_commit_of_which_nobody_knows() {
    let place = Place::objects();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    store
        .write_dead_letters(epoch, 7, &[letter("kept")])
        .unwrap();
    let log = format!("objects/{PIPELINE}/log/loop");
    let unreadable = place.folder.path().join(log);
    std::os::unix::fs::symlink("loop", &unreadable).unwrap();
    let error = commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
    store.roll_back().unwrap();
    drop(store);
    std::fs::remove_file(unreadable).unwrap();
    let found = all(&place.open());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].letter, letter("kept"));
}
