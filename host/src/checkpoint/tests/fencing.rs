//! One process at a time.

use super::*;

for_each_store! {
    every_claim_is_above_all_epochs_there_were
    a_checkpoint_needs_a_claim
}

fn every_claim_is_above_all_epochs_there_were(place: &Place) {
    let mut store = place.open();
    let (first, origin) = store.claim().unwrap();
    assert_eq!(first, 1);
    let (second, _) = store.claim().unwrap();
    assert!(second > first);
    commit(&mut store, second, Finality::Certain, &[], &[]).unwrap();
    commit(&mut store, second + 1, Finality::Undecided, &[], &[]).unwrap();
    store.settle(true).unwrap();
    drop(store);
    // The epoch after the last checkpoint was under way, and may have left traces.
    let (third, kept) = place.open().claim().unwrap();
    assert!(third > second + 2, "{third} after {second}");
    assert_eq!(kept, origin);
    assert!(place.open().claim().unwrap().0 > third);
}

fn a_checkpoint_needs_a_claim(place: &Place) {
    let mut store = place.open();
    let error = commit(&mut store, 1, Finality::Certain, &[], &[]).unwrap_err();
    assert_eq!(error.code().id, "JF-5007", "{error}");
}

#[test]
fn a_database_is_locked_against_a_second_process() {
    let place = Place::sqlite();
    let _first = place.open();
    let error = place.try_open().unwrap_err();
    assert_eq!(error.code().id, "JF-5004", "{error}");
}

#[test]
fn a_database_that_was_claimed_despite_its_lock_fences_those_before() {
    let place = Place::sqlite();
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(&mut store, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    let Location::Sqlite(path) = &place.location else {
        panic!("a database");
    };
    let other = rusqlite::Connection::open(path).unwrap();
    other
        .execute("UPDATE jackfield_epochs SET claimed = claimed + 2", [])
        .unwrap();
    let error = commit(&mut store, epoch + 1, Finality::Certain, &[("a", "2")], &[]).unwrap_err();
    assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
    store.roll_back().unwrap();
    assert_eq!(remembered(&store, "count"), pairs(&[("a", "1")]));
}

#[test]
fn who_claims_an_object_store_fences_those_before() {
    let place = Place::objects();
    let (mut old, mut new) = (place.open(), place.open());
    let (epoch, _) = old.claim().unwrap();
    commit(&mut old, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    let (claimed, _) = new.claim().unwrap();
    assert_eq!(remembered(&new, "count"), pairs(&[("a", "1")]));
    let error = commit(&mut old, epoch + 1, Finality::Certain, &[("a", "2")], &[]).unwrap_err();
    assert!(matches!(error, StoreError::Fenced { .. }) && !error.is_transient());
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
    commit(&mut new, claimed, Finality::Certain, &[("a", "3")], &[]).unwrap();
    assert_eq!(remembered(&place.open(), "count"), pairs(&[("a", "3")]));
}

#[test]
fn of_two_that_claim_at_once_exactly_one_can_commit() {
    let place = Place::objects();
    for _ in 0..20 {
        let (place, barrier) = (&place, &std::sync::Barrier::new(4));
        let committed: usize = std::thread::scope(|scope| {
            let run = move || {
                let mut store = place.open();
                barrier.wait();
                let claimed = store.claim();
                barrier.wait();
                let Ok((epoch, _)) = claimed else {
                    return false;
                };
                match commit(&mut store, epoch, Finality::Certain, &[("a", "1")], &[]) {
                    Ok(()) => true,
                    Err(StoreError::Fenced { .. }) => false,
                    Err(error) => panic!("{error}"),
                }
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            let committed = threads.into_iter().map(|thread| thread.join().unwrap());
            committed.filter(|committed| *committed).count()
        });
        assert_eq!(committed, 1);
    }
}

/// Its next number is free again: the entry that fenced it was removed as too old.
#[test]
fn who_sleeps_until_its_number_is_free_again_is_fenced_all_the_same() {
    let place = Place::objects();
    let (mut sleeper, mut new) = (place.open(), place.open());
    let (epoch, _) = sleeper.claim().unwrap();
    let (first, _) = new.claim().unwrap();
    let taken = place
        .folder
        .path()
        .join(format!("objects/{PIPELINE}/log/{epoch:020}.jsonl"));
    for epoch in first.. {
        commit(&mut new, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
        if !taken.exists() {
            break;
        }
        assert!(epoch < first + 1000, "old entries are never removed");
    }
    let error = commit(&mut sleeper, epoch, Finality::Certain, &[("a", "2")], &[]).unwrap_err();
    assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
    assert!(!taken.exists());
    assert_eq!(remembered(&place.open(), "count"), pairs(&[("a", "1")]));
}
