//! State that was loaded and then forgotten or loaded again, before the first batch.

use std::collections::BTreeMap;

use jackfield_sdk::{Batch, Column, Entries, Mark, NO_TIMESTAMP, Runner};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use crate::scripted::Command::{self, Add, ClearTimer, Forget, Loaded, Report, SetTimer};
use crate::scripted::Scripted;

/// Present and former version of the state of [`Scripted`].
const PRESENT: u32 = 3;
const FORMER: u32 = 2;

type Key = u8;
/// Version and value.
type Kept = (u32, Vec<u8>);

fn key(key: Key) -> Vec<u8> {
    if key.is_multiple_of(2) {
        vec![key]
    } else {
        format!("a key that is too long to be kept in place: {key}").into()
    }
}

fn keys<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Column {
    keys.into_iter().map(|number| key(*number)).collect()
}

fn entries<'k>(kept: impl IntoIterator<Item = (&'k Key, &'k Kept)>) -> Entries {
    let mut entries = Entries::default();
    for (number, (version, value)) in kept {
        entries.keys.push(&key(*number));
        entries.versions.push(*version);
        entries.values.push(value);
    }
    entries
}

fn present(timers: &[i64], sum: Option<u64>) -> Kept {
    (PRESENT, postcard::to_allocvec(&(timers, sum)).unwrap())
}

fn former(timers: &[i64], sum: u32) -> Kept {
    let mut value = postcard::to_allocvec(&(timers, true)).unwrap();
    value.extend_from_slice(&sum.to_le_bytes());
    (FORMER, value)
}

fn runner() -> Runner<Scripted> {
    Runner::configure("{}", &[0, 1]).unwrap()
}

fn batch(records: &[(Key, Command)], watermark: i64) -> Batch {
    let mut batch = Batch::default();
    for (number, command) in records {
        batch.keys.push(&key(*number));
        batch.values.push(&postcard::to_allocvec(command).unwrap());
        batch.timestamps.push(NO_TIMESTAMP);
    }
    let index = records.len() as u32 / 2;
    batch.marks.push(Mark { index, watermark });
    batch
}

/// The text of what came out of the first output.
fn reports(runner: &mut Runner<Scripted>, batch: &Batch) -> Vec<String> {
    let output = runner.process(0, batch);
    let reports = output.emissions.iter().flat_map(|emission| {
        let values = emission.records.values.iter();
        values.map(|value| value.escape_ascii().to_string())
    });
    reports.collect()
}

#[test]
fn a_forgotten_key_fires_no_timer_and_is_no_change() {
    let mut runner = runner();
    runner
        .load(&entries([(&1, &present(&[5], Some(7)))]))
        .unwrap();
    runner.forget(&keys(&[1]));
    let batch = batch(&[(1, Report)], 10);
    assert_eq!(reports(&mut runner, &batch), ["sum None"]);
    assert_eq!(runner.flush(), Default::default());
}

#[test]
fn a_key_of_which_nothing_was_loaded_is_passed_over() {
    let mut runner = runner();
    runner.forget(&keys(&[1, 2, 2]));
    assert_eq!(runner.flush(), Default::default());
}

#[test]
fn a_key_is_loaded_again_only_after_it_was_forgotten() {
    let mut runner = runner();
    let entries = entries([(&2, &present(&[], Some(7)))]);
    runner.load(&entries).unwrap();
    runner.forget(&entries.keys);
    runner.load(&entries).unwrap();
    assert_eq!(
        runner.load(&entries).unwrap_err(),
        "state of key \"\\x02\" (version 3): the key was loaded before"
    );
}

#[test]
fn state_of_a_former_version_that_was_forgotten_is_not_written() {
    let mut runner = runner();
    runner.load(&entries([(&1, &former(&[], 7))])).unwrap();
    runner.forget(&keys(&[1]));
    runner
        .load(&entries([(&2, &present(&[], Some(1)))]))
        .unwrap();
    assert_eq!(runner.flush(), Default::default());
}

#[test]
fn what_was_looked_at_as_it_was_loaded_is_taken_back() {
    let mut runner = runner();
    runner
        .load(&entries([
            (&1, &present(&[], Some(7))),
            (&2, &former(&[], 1)),
            (&3, &present(&[9], None)),
        ]))
        .unwrap();
    runner.forget(&keys(&[1, 3]));
    runner
        .load(&entries([(&1, &present(&[], Some(10)))]))
        .unwrap();
    let batch = batch(&[(9, Loaded)], 0);
    assert_eq!(reports(&mut runner, &batch), ["loaded 2 with 11"]);
}

#[test]
fn keys_that_are_loaded_again_and_again_fire_once() {
    let mut runner = runner();
    let kept: BTreeMap<Key, Kept> = (0..=Key::MAX)
        .map(|number| (number, present(&[1, 2, i64::from(number)], Some(1))))
        .collect();
    let entries = entries(&kept);
    for _ in 0..100 {
        runner.load(&entries).unwrap();
        runner.forget(&entries.keys);
    }
    runner.load(&entries).unwrap();
    assert_eq!(reports(&mut runner, &batch(&[], 2)).len(), 2 * 256 + 1);
}

fn kept() -> impl Strategy<Value = Kept> {
    let timers = || btree_set(0..200_i64, 0..3).prop_map(Vec::from_iter);
    prop_oneof![
        2 => (timers(), any::<Option<u64>>()).prop_map(|(timers, sum)| present(&timers, sum)),
        1 => (timers(), any::<u32>()).prop_map(|(timers, sum)| former(&timers, sum)),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => any::<u64>().prop_map(Add),
        2 => Just(Report),
        1 => Just(Forget),
        2 => (0..300_i64).prop_map(SetTimer),
        1 => (0..300_i64).prop_map(ClearTimer),
        1 => Just(Loaded),
    ]
}

const KEYS: std::ops::Range<Key> = 0..8;

proptest! {
    #[test]
    fn catching_up_with_changes_is_loading_all_at_once(
        loaded in btree_map(KEYS, kept(), 0..8),
        changes in vec(btree_map(KEYS, prop::option::of(kept()), 0..5), 1..4),
        batches in vec((vec((KEYS, command()), 0..12), 1..80_i64), 1..6),
    ) {
        let (mut catching_up, mut all) = (runner(), loaded);
        catching_up.load(&entries(&all)).unwrap();
        for changed in changes {
            catching_up.forget(&keys(changed.keys()));
            let new = changed.iter().filter_map(|(key, kept)| Some((key, kept.as_ref()?)));
            catching_up.load(&entries(new)).unwrap();
            for (key, kept) in changed {
                match kept {
                    Some(kept) => all.insert(key, kept),
                    None => all.remove(&key),
                };
            }
        }
        let mut at_once = runner();
        at_once.load(&entries(&all)).unwrap();
        let mut watermark = 0;
        for (records, ahead) in batches {
            watermark += ahead;
            let batch = batch(&records, watermark);
            prop_assert_eq!(catching_up.process(0, &batch), at_once.process(0, &batch));
            prop_assert_eq!(catching_up.flush(), at_once.flush());
        }
    }
}
