//! Whatever happens to a store, it holds what a plain map would.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Something that happens to a store.
#[derive(Clone, Debug)]
enum Step {
    /// An epoch ends, certain or not, with these changes: a key, and its value if it has one.
    Commit(bool, Vec<(u8, Option<u8>)>),
    Settle(bool),
    RollBack,
    Claim,
    /// The process ends, in order or not, and another one begins.
    Restart(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = (0u8..40, proptest::option::of(any::<u8>()));
    let commit = (any::<bool>(), vec(change, 0..12))
        .prop_map(|(certain, changes)| Step::Commit(certain, changes));
    let step = prop_oneof![
        8 => commit,
        3 => any::<bool>().prop_map(Step::Settle),
        1 => Just(Step::RollBack),
        1 => Just(Step::Claim),
        1 => any::<bool>().prop_map(Step::Restart),
    ];
    vec(step, 1..60)
}

/// State by key, and a number of dead letters.
#[derive(Clone, Default)]
struct Held {
    state: BTreeMap<String, String>,
    letters: usize,
}

/// What a store should hold.
#[derive(Clone, Default)]
struct Model {
    counts: Held,
    /// What it holds if the epoch that is undecided counts.
    undecided: Option<Held>,
    /// What there was before a decision that is not durable yet.
    before: Option<Box<Model>>,
}

impl Model {
    fn settle(&mut self, counts: bool) {
        if self.undecided.is_none() {
            return;
        }
        self.before = Some(Box::new(self.clone()));
        if let Some(undecided) = self.undecided.take().filter(|_| counts) {
            self.counts = undecided;
        }
    }

    fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            *self = *before;
        }
    }

    fn commit(&mut self, certain: bool, changes: &[(u8, Option<u8>)]) {
        let mut held = self.counts.clone();
        held.letters += 1;
        for (key, value) in changes {
            match value {
                Some(value) => held.state.insert(format!("k{key}"), value.to_string()),
                None => held.state.remove(&format!("k{key}")),
            };
        }
        self.before = None;
        match certain {
            true => self.counts = held,
            false => self.undecided = Some(held),
        }
    }
}

/// The last change of each key, as a flush has it.
fn flushed(changes: &[(u8, Option<u8>)]) -> Changes {
    let last: BTreeMap<u8, Option<u8>> = changes.iter().copied().collect();
    let mut flushed = Changes::default();
    for (key, value) in last {
        let key = format!("k{key}");
        match value {
            Some(value) => {
                flushed.keys.push(key.as_bytes());
                flushed.values.push(value.to_string().as_bytes());
            }
            None => flushed.forgotten.push(key.as_bytes()),
        }
    }
    flushed
}

fn check(place: &Place, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut store = place.open();
    let (mut epoch, _) = store.claim().unwrap();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Commit(certain, changes) => {
                // A task settles what is undecided before it goes on.
                store.settle(true).unwrap();
                model.settle(true);
                store.write_dead_letters(epoch, 0, &[letter("x")]).unwrap();
                let finality = match certain {
                    true => Finality::Certain,
                    false => Finality::Undecided,
                };
                let flushed = [("count".to_owned(), 1, flushed(changes))];
                store
                    .commit(&checkpoint(epoch), &flushed, finality)
                    .unwrap();
                model.commit(*certain, changes);
                epoch += 1;
            }
            Step::Settle(counts) => {
                store.settle(*counts).unwrap();
                model.settle(*counts);
            }
            Step::RollBack => {
                store.roll_back().unwrap();
                model.undo();
            }
            Step::Claim => {
                let before = epoch;
                epoch = store.claim().unwrap().0;
                prop_assert!(epoch > before);
                model.undo();
            }
            Step::Restart(orderly) => {
                if *orderly {
                    store.close().unwrap();
                    model.before = None;
                }
                drop(store);
                model.undo();
                store = place.open();
                epoch = store.claim().unwrap().0;
            }
        }
        let expected: Vec<_> = model.counts.state.clone().into_iter().collect();
        prop_assert_eq!(remembered(&store, "count"), expected);
        prop_assert_eq!(store.undecided().is_some(), model.undecided.is_some());
        let letters = store.dead_letters(&Default::default()).unwrap().len();
        prop_assert_eq!(letters, model.counts.letters);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_database_holds_what_a_map_would(steps in steps()) {
        check(&Place::sqlite(), &steps)?;
    }

    #[test]
    fn an_object_store_holds_what_a_map_would(steps in steps()) {
        check(&Place::objects(), &steps)?;
    }
}
