//! A system on a platform with every fault at once, seed after seed.

use std::io;
use std::ops::Range;

use cxone_simulator::FaultRates;
use jackfield_tests::comparison::{Differences, compare};
use jackfield_tests::systems::{System, Told};

use crate::scenario::Scenario;

/// The seeds of the faults.
pub const SEEDS: Range<u64> = 0..20;

/// What comes of the work under faults is what comes of it in peace. `start` starts a host, and `work` has everything done that belongs to some seeds. Gives the scenario
/// of the faults, its host stopped.
pub fn every_fault_changes_nothing(
    system: &dyn System,
    start: impl Fn() -> Scenario,
    work: impl Fn(&Scenario, Range<u64>) -> io::Result<Vec<Told>>,
) -> Scenario {
    let set = |scenario: &Scenario, seed| {
        set_rates(scenario, rates(seed));
        scenario.simulator().revoke_tokens();
    };
    every_fault_of(set, system, start, work)
}

/// As [`every_fault_changes_nothing`], where what is slow is not to be waited for: there are too many requests.
pub fn every_fault_with_short_delays_changes_nothing(
    system: &dyn System,
    start: impl Fn() -> Scenario,
    work: impl Fn(&Scenario, Range<u64>) -> io::Result<Vec<Told>>,
) -> Scenario {
    let set = |scenario: &Scenario, seed| {
        let short = FaultRates {
            slow_milliseconds: 50,
            ..rates(seed)
        };
        set_rates(scenario, short);
    };
    every_fault_of(set, system, start, work)
}

fn rates(seed: u64) -> FaultRates {
    FaultRates {
        retry_after_seconds: 0,
        ..FaultRates::every(0.08, seed)
    }
}

fn set_rates(scenario: &Scenario, rates: FaultRates) {
    scenario.simulator().set_fault_rates(Some(rates)).unwrap();
}

fn every_fault_of(
    set: impl Fn(&Scenario, u64),
    system: &dyn System,
    start: impl Fn() -> Scenario,
    work: impl Fn(&Scenario, Range<u64>) -> io::Result<Vec<Told>>,
) -> Scenario {
    let mut in_peace = start();
    let told = work(&in_peace, SEEDS).unwrap();
    in_peace.stop();
    let expected = system.outcome(&in_peace, &told).unwrap();

    let mut scenario = start();
    let mut told = Vec::new();
    for seed in SEEDS {
        set(&scenario, seed);
        told.extend(work(&scenario, seed..seed + 1).unwrap());
    }
    scenario.stop();
    let observed = system.outcome(&scenario, &told).unwrap();
    assert_eq!(compare(&expected, &observed), Differences::default());
    scenario
}

/// Whether the answer to a request that brought something about went astray, so that it was asked for again.
pub fn lost_an_answer(scenario: &Scenario) -> bool {
    let effects = scenario.simulator().effects();
    effects.iter().any(|effect| effect.repeated > 0)
}
