//! State and checkpoints that are certain.

use super::*;

for_each_store! {
    what_is_committed_is_there_after_a_restart
    a_key_that_is_forgotten_is_gone
    what_is_rolled_back_has_not_happened
    a_stage_is_loaded_by_the_owner_of_each_key
    stages_are_measured_by_what_is_left_of_them
    keys_are_found_by_their_beginning
    the_history_is_the_last_checkpoints_the_newest_first
    a_store_that_is_not_there_cannot_be_looked_at
    each_task_has_a_store_of_its_own
    a_store_of_another_pipeline_is_refused
}

fn what_is_committed_is_there_after_a_restart(place: &Place) {
    let mut store = place.open();
    let (epoch, origin) = store.claim().unwrap();
    assert!(origin > 0);
    commit(
        &mut store,
        epoch,
        Finality::Certain,
        &[("a", "1"), ("b", "2")],
        &[],
    )
    .unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[("b", "3")], &[]).unwrap();
    drop(store);
    for store in [place.open(), place.open_read_only().unwrap()] {
        assert_eq!(store.latest().unwrap(), Some(checkpoint(epoch + 1)));
        assert_eq!(
            remembered(&store, "count"),
            pairs(&[("a", "1"), ("b", "3")])
        );
        assert_eq!(store.entry("count", b"b").unwrap().unwrap().value, b"3");
        assert_eq!(store.entry("count", b"c").unwrap(), None);
    }
    assert_eq!(place.open().claim().unwrap().1, origin);
}

fn a_key_that_is_forgotten_is_gone(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(
        &mut store,
        epoch,
        Finality::Certain,
        &[("a", "1"), ("b", "2")],
        &["never-there"],
    )
    .unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[], &["a"]).unwrap();
    assert_eq!(remembered(&store, "count"), pairs(&[("b", "2")]));
    assert_eq!(store.entry("count", b"a").unwrap(), None);
    commit(
        &mut store,
        epoch + 2,
        Finality::Certain,
        &[("a", "")],
        &["b"],
    )
    .unwrap();
    assert_eq!(remembered(&store, "count"), pairs(&[("a", "")]));
}

fn what_is_rolled_back_has_not_happened(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(&mut store, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    store
        .write_dead_letters(epoch + 1, 0, &[letter("x")])
        .unwrap();
    store.roll_back().unwrap();
    commit(&mut store, epoch + 1, Finality::Certain, &[], &[]).unwrap();
    assert_eq!(store.dead_letters(&Default::default()).unwrap(), []);
    assert_eq!(remembered(&store, "count"), pairs(&[("a", "1")]));
}

fn a_stage_is_loaded_by_the_owner_of_each_key(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let keys: Vec<String> = (0..1000).map(|number| format!("key-{number}")).collect();
    let kept: Vec<(&str, &str)> = keys.iter().map(|key| (&**key, "v")).collect();
    commit(&mut store, epoch, Finality::Certain, &kept, &[]).unwrap();
    let mut loaded = vec![0; 3];
    let load = |worker: usize, part: &crate::plugin::Entries| {
        for key in part.keys.iter() {
            let owner = crate::record::owner_of_group(crate::record::key_group(key), 3);
            assert_eq!(owner, worker);
        }
        loaded[worker] += part.keys.len();
        Ok::<(), StoreError>(())
    };
    store.load("count", 3, load).unwrap();
    assert_eq!(loaded.iter().sum::<usize>(), 1000);
    assert!(loaded.iter().all(|loaded| *loaded > 200), "{loaded:?}");
}

fn stages_are_measured_by_what_is_left_of_them(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let stage = |name: &str, version, kept: &[(&str, &str)], forgotten: &[&str]| {
        (name.to_owned(), version, changes(kept, forgotten))
    };
    let first = [
        stage("count", 1, &[("a", "11"), ("b", "2")], &[]),
        stage("join", 4, &[("x", "1")], &[]),
    ];
    store
        .commit(&checkpoint(epoch), &first, Finality::Certain)
        .unwrap();
    assert_eq!(store.state_versions("count").unwrap(), [1]);
    let second = [
        stage("count", 2, &[("a", "3")], &[]),
        stage("join", 4, &[], &["x"]),
    ];
    store
        .commit(&checkpoint(epoch + 1), &second, Finality::Certain)
        .unwrap();
    let measured = store.stages_with_state().unwrap();
    let count = super::super::StageState {
        stage: "count".to_owned(),
        keys: 2,
        bytes: 4,
    };
    assert_eq!(measured, [count]);
    assert_eq!(store.state_versions("count").unwrap(), [1, 2]);
    assert!(store.state_versions("join").unwrap().is_empty());
    let third = [stage("count", 2, &[("b", "4")], &[])];
    store
        .commit(&checkpoint(epoch + 2), &third, Finality::Certain)
        .unwrap();
    assert_eq!(store.state_versions("count").unwrap(), [2]);
}

fn keys_are_found_by_their_beginning(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    let kept = [("b1", "x"), ("a2", "xyz"), ("a1", ""), ("a3", "")];
    commit(&mut store, epoch, Finality::Certain, &kept, &[]).unwrap();
    let keys = store.keys("count", b"a", Some(2)).unwrap();
    let found: Vec<(&[u8], u64)> = keys.iter().map(|key| (&*key.key, key.bytes)).collect();
    assert_eq!(found, [(&b"a1"[..], 0), (b"a2", 3)]);
    assert_eq!(store.keys("count", b"", None).unwrap().len(), 4);
}

fn the_history_is_the_last_checkpoints_the_newest_first(place: &Place) {
    let mut store = place.open();
    let (first, _) = store.claim().unwrap();
    for epoch in first..first + 3 {
        commit(&mut store, epoch, Finality::Certain, &[("a", "12")], &[]).unwrap();
    }
    let history = store.history(2).unwrap();
    let epochs: Vec<u64> = history.iter().map(|one| one.checkpoint.epoch).collect();
    assert_eq!(epochs, [first + 2, first + 1]);
    assert_eq!((history[0].entries, history[0].bytes), (1, 3));
    assert_eq!(store.history(u64::MAX).unwrap().len(), 3);
}

fn a_store_that_is_not_there_cannot_be_looked_at(place: &Place) {
    let error = place.open_read_only().unwrap_err();
    assert_eq!(error.code().id, "JF-5006", "{error}");
}

fn each_task_has_a_store_of_its_own(place: &Place) {
    let open = |task| Store::open(&place.location, PIPELINE, Some(task), &place.services).unwrap();
    let mut one = open("one");
    let (epoch, _) = one.claim().unwrap();
    commit(&mut one, epoch, Finality::Certain, &[("a", "1")], &[]).unwrap();
    let other = open("other");
    assert_eq!(other.latest().unwrap(), None);
    drop(one);
    assert_eq!(remembered(&open("one"), "count"), pairs(&[("a", "1")]));
}

fn a_store_of_another_pipeline_is_refused(place: &Place) {
    let mut store = place.open();
    let (epoch, _) = store.claim().unwrap();
    commit(&mut store, epoch, Finality::Certain, &[], &[]).unwrap();
    drop(store);
    if let Location::Objects(_) = place.location {
        let folder = place.folder.path().join("objects");
        std::fs::rename(folder.join(PIPELINE), folder.join("other")).unwrap();
    }
    let error = Store::open(&place.location, "other", None, &place.services).unwrap_err();
    assert_eq!(error.code().id, "JF-5002", "{error}");
}
