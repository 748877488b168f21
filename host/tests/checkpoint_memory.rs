//! State that is larger than what a process may take for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::time::Instant;

use jackfield::checkpoint::{Checkpoint, Finality, Location, Store, StoreError};
use jackfield::connection::Services;
use jackfield::plugin::Changes;

const KEYS: u32 = 2_000_000;
const KEYS_OF_AN_EPOCH: u32 = 50_000;
const VALUE_BYTES: usize = 200;

/// Bytes of memory that the process has taken at most, by the kernel's count.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes.unwrap().trim().parse::<u64>().unwrap() << 10
}

/// What does not get much smaller when it is compressed.
fn value(key: u32) -> Vec<u8> {
    let mut state = u64::from(key) + 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..VALUE_BYTES).map(next).collect()
}

fn changes(keys: impl Iterator<Item = u32>) -> Changes {
    let mut changes = Changes::default();
    for key in keys {
        changes.keys.push(format!("customer-{key}").as_bytes());
        changes.values.push(&value(key));
    }
    changes
}

/// What a merge holds at once, and what waits to be written; more state takes no more of it. Seen: 158 to 189 MiB, by how many writes and merges meet.
const MOST: u64 = 256;

/// 400 MB of state, of which one key in five is written twice.
#[test]
fn two_million_keys_are_written_merged_and_loaded_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::folder(folder.path().to_owned(), 2);
    let services = Services::new().unwrap();
    let mut store = Store::open(&location, "orders", None, &services).unwrap();
    let (mut epoch, _) = store.claim().unwrap();
    let started = Instant::now();
    let mut commit = |keys: &mut dyn Iterator<Item = u32>| {
        let checkpoint = Checkpoint {
            epoch,
            ..Checkpoint::default()
        };
        let changes = [("join".to_owned(), 1, changes(keys))];
        store
            .commit(&checkpoint, &changes, Finality::Certain)
            .unwrap();
        epoch += 1;
    };
    for first in (0..KEYS).step_by(KEYS_OF_AN_EPOCH as usize) {
        commit(&mut (first..first + KEYS_OF_AN_EPOCH));
    }
    for first in 0..4 {
        commit(&mut (first..KEYS).step_by(20));
    }
    store.close().unwrap();
    drop(store);
    println!(
        "written in {:?}, {} MiB",
        started.elapsed(),
        peak_memory() >> 20
    );

    let started = Instant::now();
    let store = Store::open(&location, "orders", None, &services).unwrap();
    let mut loaded = 0;
    let load = |_, part: &jackfield::plugin::Entries| {
        for (key, found) in part.keys.iter().zip(part.values.iter()) {
            let number = str::from_utf8(key).unwrap().strip_prefix("customer-");
            assert_eq!(found, value(number.unwrap().parse().unwrap()));
        }
        loaded += part.keys.len();
        Ok::<(), StoreError>(())
    };
    store.load("join", 4, load).unwrap();
    assert_eq!(loaded, KEYS as usize);
    println!("loaded in {:?}", started.elapsed());
    let peak = peak_memory() >> 20;
    println!("{peak} MiB at most");
    assert!(
        peak < MOST,
        "{peak} MiB for {} MiB of state",
        (KEYS as usize * VALUE_BYTES) >> 20
    );
}
