//! State that is two versions older than the plugin.

use std::collections::BTreeMap;

use jackfield_sdk::testing::{Driver, Sent};
use jackfield_sdk::{
    Context, Keyed, NoConfiguration, Port, Record, Rejection, Runner, Stage, StateVersions,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const RECORDS: Port = Port::keyed(0, "records");
const TALLIES: Port = Port::keyed(0, "tallies");

/// Version 4, the oldest that can be read.
#[derive(Serialize, Deserialize)]
struct Count(u64);

/// Version 5.
#[derive(Serialize, Deserialize)]
struct Balance {
    count: u64,
    sum: i64,
}

/// Version 6.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tally {
    sum: i64,
    kinds: BTreeMap<String, u32>,
}

impl From<Count> for Balance {
    fn from(Count(count): Count) -> Self {
        Self { count, sum: 0 }
    }
}

impl TryFrom<Balance> for Tally {
    type Error = String;

    fn try_from(Balance { count, sum }: Balance) -> Result<Self, String> {
        let count = u32::try_from(count).map_err(|_| format!("{count} is too many"))?;
        let kinds = BTreeMap::from([("unknown".to_owned(), count)]);
        Ok(Self { sum, kinds })
    }
}

/// Emits what it remembers.
struct Recall;

impl Stage for Recall {
    type Configuration = NoConfiguration;
    type State = Tally;
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[TALLIES];
    const STATE_VERSIONS: StateVersions<Tally> =
        StateVersions::since::<Count>(4).then::<Balance>(5).now(6);

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(
        &mut self,
        _: Record<'_>,
        context: &mut Context<'_, Tally>,
    ) -> Result<(), Rejection> {
        let (keyed, outputs) = context.split();
        outputs.emit(TALLIES).json(&tally(keyed))
    }

    fn on_timer(&mut self, time: i64, context: &mut Context<'_, Tally>) -> Result<(), Rejection> {
        let (keyed, outputs) = context.split();
        outputs.emit(TALLIES).json(&(time, tally(keyed)))
    }
}

fn tally(keyed: &mut Keyed<'_, Tally>) -> Option<Tally> {
    keyed.peek().cloned()
}

fn entry(timers: &[i64], state: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(&(timers, Some(state))).unwrap()
}

fn timer_alone(time: i64) -> Vec<u8> {
    postcard::to_allocvec(&([time].as_slice(), None::<Count>)).unwrap()
}

fn started(version: u32, value: &[u8]) -> Result<Driver<Recall>, String> {
    let mut driver = Driver::new("{}").unwrap();
    driver.keep(b"a", version, value);
    driver.start_again().map(|()| driver)
}

fn recalled(mut driver: Driver<Recall>) -> Tally {
    driver.send("records", Sent::new("").key("a"));
    driver.take("tallies")[0].json()
}

fn of_unknown_kind(count: u32, sum: i64) -> Tally {
    let kinds = BTreeMap::from([("unknown".to_owned(), count)]);
    Tally { sum, kinds }
}

#[test]
fn the_description_says_what_the_chain_says() {
    let description = Runner::<Recall>::describe();
    assert_eq!(
        (description.oldest_state_version, description.state_version),
        (4, 6)
    );
}

#[test]
fn state_takes_each_step_from_its_version_on() {
    let state = recalled(started(4, &entry(&[], &Count(7))).unwrap());
    assert_eq!(state, of_unknown_kind(7, 0));
    let balance = Balance { count: 7, sum: -5 };
    let state = recalled(started(5, &entry(&[], &balance)).unwrap());
    assert_eq!(state, of_unknown_kind(7, -5));
    let tally = Tally {
        sum: 1,
        kinds: BTreeMap::from([("call".to_owned(), 2)]),
    };
    let state = recalled(started(6, &entry(&[], &tally)).unwrap());
    assert_eq!(state, tally);
}

#[test]
fn state_that_took_a_step_is_written_in_the_present_version() {
    let mut driver = started(4, &entry(&[30], &Count(7))).unwrap();
    let values = driver.flush().values;
    assert_eq!(
        values.iter().next().unwrap(),
        entry(&[30], &of_unknown_kind(7, 0))
    );
}

#[test]
fn timers_of_former_versions_are_kept() {
    let mut driver = started(4, &entry(&[10, 20], &Count(7))).unwrap();
    driver.keep(b"b", 4, &timer_alone(15));
    driver.start_again().unwrap();
    driver.advance(20);
    let fired: Vec<(i64, Option<Tally>)> = driver
        .take("tallies")
        .iter()
        .map(|fired| fired.json())
        .collect();
    let state = || Some(of_unknown_kind(7, 0));
    assert_eq!(fired, [(10, state()), (15, None), (20, state())]);
}

#[test]
fn state_that_cannot_take_a_step_is_refused_with_the_reason() {
    let value = entry(&[], &Count(1 << 40));
    assert_eq!(
        started(4, &value).err().unwrap(),
        "state of key \"a\" (version 4): it cannot become one of version 6: 1099511627776 is too many"
    );
}

#[test]
fn state_of_a_version_before_or_after_the_chain_is_refused() {
    for version in [0, 3, 7, u32::MAX] {
        let value = entry(&[], &Count(1));
        assert_eq!(
            started(version, &value).err().unwrap(),
            format!("state of key \"a\" (version {version}): the plugin reads the versions 4 to 6")
        );
    }
}

#[test]
fn an_entry_without_state_is_refused_too_where_its_version_is() {
    assert!(started(3, &timer_alone(15)).is_err());
}

#[test]
fn state_of_a_former_version_that_is_cut_off_or_too_long_is_refused() {
    let balance = Balance {
        count: 300,
        sum: -300,
    };
    let value = entry(&[10], &balance);
    for length in 0..value.len() {
        let error = started(5, &value[..length]).err().unwrap();
        assert!(
            error.starts_with("state of key \"a\" (version 5): "),
            "{error}"
        );
    }
    let longer = [value.as_slice(), &[0]].concat();
    assert!(
        started(5, &longer)
            .err()
            .unwrap()
            .ends_with("longer than it should be by 1 bytes")
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(version in 0..9_u32, value in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(driver) = started(version, &value) {
            prop_assert!((4..=6).contains(&version));
            drop(driver);
        }
    }
}
