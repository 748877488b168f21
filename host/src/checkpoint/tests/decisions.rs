//! Checkpoints that are undecided until something else is committed.

use super::*;
use crate::checkpoint::DeadLetterFilter;

for_each_store! {
    an_undecided_checkpoint_does_not_count
    an_undecided_checkpoint_is_found_after_a_crash_and_may_count
    an_undecided_checkpoint_is_found_after_a_crash_and_may_be_undone
    a_decision_is_durable_when_the_store_is_closed
    a_decision_is_durable_with_the_next_commit
    a_decision_is_open_again_after_a_roll_back
    an_epoch_may_begin_before_the_last_one_is_settled
    many_attempts_do_not_push_out_the_last_checkpoint_that_counts
}

/// A store with a checkpoint that counts and one after it that is undecided, with all that can be in one.
fn undecided(place: &Place) -> (Store, u64) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    store
        .write_dead_letters(epoch, 0, &[letter("old")])
        .unwrap();
    commit(
        &mut store,
        epoch,
        Finality::Certain,
        &[("a", "1"), ("b", "1")],
        &[],
    )
    .unwrap();
    store.remove_dead_letters(&ids(&store)).unwrap();
    store
        .write_dead_letters(epoch + 1, 0, &[letter("new")])
        .unwrap();
    commit(
        &mut store,
        epoch + 1,
        Finality::Undecided,
        &[("a", "2")],
        &["b"],
    )
    .unwrap();
    (store, epoch + 1)
}

fn ids(store: &Store) -> Vec<i64> {
    let letters = store.dead_letters(&DeadLetterFilter::default()).unwrap();
    letters.iter().map(|letter| letter.id).collect()
}

fn assert_before(store: &Store, epoch: u64) {
    assert_eq!(store.latest().unwrap(), Some(checkpoint(epoch - 1)));
    assert_eq!(remembered(store, "count"), pairs(&[("a", "1"), ("b", "1")]));
    assert_letters(store, &["old"]);
}

fn assert_after(store: &Store, epoch: u64) {
    assert_eq!(store.undecided(), None);
    assert_eq!(store.latest().unwrap(), Some(checkpoint(epoch)));
    assert_eq!(remembered(store, "count"), pairs(&[("a", "2")]));
    assert_letters(store, &["new"]);
}

fn assert_letters(store: &Store, records: &[&str]) {
    let letters = store.dead_letters(&DeadLetterFilter::default()).unwrap();
    let found: Vec<&[u8]> = letters.iter().map(|one| &*one.letter.record).collect();
    let expected: Vec<&[u8]> = records.iter().map(|record| record.as_bytes()).collect();
    assert_eq!(found, expected);
    let counts = store
        .dead_letter_counts(&DeadLetterFilter::default())
        .unwrap();
    let sum: u64 = counts.iter().map(|(.., count)| count).sum();
    assert_eq!(sum, records.len() as u64);
}

fn an_undecided_checkpoint_does_not_count(place: &Place) {
    let (store, epoch) = undecided(place);
    assert_eq!(store.undecided(), Some(epoch));
    assert_before(&store, epoch);
    let looked_at = place.open_read_only().unwrap();
    assert_eq!(looked_at.undecided(), Some(epoch));
    assert_before(&looked_at, epoch);
}

fn an_undecided_checkpoint_is_found_after_a_crash_and_may_count(place: &Place) {
    let (store, epoch) = undecided(place);
    drop(store);
    let mut store = place.open();
    let (claimed, _) = store.claim().unwrap();
    assert!(claimed > epoch);
    assert_eq!(store.undecided(), Some(epoch));
    store.settle(true).unwrap();
    assert_after(&store, epoch);
}

fn an_undecided_checkpoint_is_found_after_a_crash_and_may_be_undone(place: &Place) {
    let (store, epoch) = undecided(place);
    drop(store);
    let mut store = place.open();
    let (claimed, _) = store.claim().unwrap();
    store.settle(false).unwrap();
    assert_eq!(store.undecided(), None);
    assert_before(&store, epoch);
    commit(&mut store, claimed, Finality::Certain, &[("c", "3")], &[]).unwrap();
    let expected = pairs(&[("a", "1"), ("b", "1"), ("c", "3")]);
    assert_eq!(remembered(&store, "count"), expected);
    drop(store);
    let store = place.open();
    assert_eq!(store.undecided(), None);
    assert_eq!(remembered(&store, "count"), expected);
    assert_letters(&store, &["old"]);
    let epochs: Vec<u64> = store
        .history(9)
        .unwrap()
        .iter()
        .map(|one| one.checkpoint.epoch)
        .collect();
    assert_eq!(epochs, [claimed, epoch - 1]);
}

fn a_decision_is_durable_when_the_store_is_closed(place: &Place) {
    let (mut store, epoch) = undecided(place);
    store.settle(true).unwrap();
    store
        .write_dead_letters(epoch + 1, 0, &[letter("of an epoch that never ends")])
        .unwrap();
    store.close().unwrap();
    assert_after(&place.open_read_only().unwrap(), epoch);
    drop(store);
    assert_after(&place.open(), epoch);
}

fn a_decision_is_durable_with_the_next_commit(place: &Place) {
    let (mut store, epoch) = undecided(place);
    store.settle(true).unwrap();
    commit(
        &mut store,
        epoch + 1,
        Finality::Undecided,
        &[("a", "3")],
        &[],
    )
    .unwrap();
    assert_eq!(store.undecided(), Some(epoch + 1));
    drop(store);
    let mut store = place.open();
    assert_eq!(store.undecided(), Some(epoch + 1));
    store.settle(false).unwrap();
    assert_after(&store, epoch);
}

fn a_decision_is_open_again_after_a_roll_back(place: &Place) {
    let (mut store, epoch) = undecided(place);
    store.settle(true).unwrap();
    store.roll_back().unwrap();
    assert_eq!(store.undecided(), Some(epoch));
    assert_before(&store, epoch);
    store.settle(true).unwrap();
    store.claim().unwrap();
    assert_eq!(store.undecided(), Some(epoch));
}

/// What comes between a commit elsewhere and the decision belongs to the next epoch.
fn an_epoch_may_begin_before_the_last_one_is_settled(place: &Place) {
    let (mut store, epoch) = undecided(place);
    store
        .write_dead_letters(epoch + 1, 0, &[letter("next")])
        .unwrap();
    store.settle(true).unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[], &[]).unwrap();
    assert_letters(&store, &["new", "next"]);
    assert_eq!(ids(&store).len(), 2);
}

fn many_attempts_do_not_push_out_the_last_checkpoint_that_counts(place: &Place) {
    let (store, epoch) = undecided(place);
    drop(store);
    let mut store = place.open();
    for _ in 0..120 {
        let (claimed, _) = store.claim().unwrap();
        store.settle(false).unwrap();
        commit(&mut store, claimed, Finality::Undecided, &[("a", "2")], &[]).unwrap();
    }
    store.settle(false).unwrap();
    assert_before(&store, epoch);
}
