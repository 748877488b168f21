//! Crashes of the host while plugins fail: neither hides what the other left behind.

use std::time::Duration;

use jackfield_tests::random::Xorshift;

use crate::scenario::{Scenario, lines};

const RECORDS: u64 = 150_000;
const CRASHES: u64 = 8;

#[test]
fn poison_is_set_aside_once_however_often_the_host_is_killed() {
    for parallelism in [1, 2] {
        let poison: Vec<u64> = (0..12)
            .map(|n| n * 12_000 + 77)
            .chain([RECORDS - 1])
            .collect();
        let scenario = Scenario::new(lines(RECORDS, &poison))
            .pass("misdeed = \"trap\"")
            .parallelism(parallelism)
            .checkpoint_every("20ms");
        let pipeline = scenario.pipeline();
        let mut random = Xorshift::new(parallelism as u64);
        let mut interrupted = 0;
        for _ in 0..CRASHES {
            let mut host = pipeline.start().unwrap();
            let moment = Duration::from_millis(random.below(250));
            host.wait_until_closely(|host| host.age() > moment).unwrap();
            // A host that had ended has an exit code.
            interrupted += usize::from(host.kill().unwrap().code().is_none());
        }
        assert!(
            interrupted >= 3,
            "the host was done after {interrupted} crashes"
        );
        pipeline.run().unwrap().expect_success();
        scenario.assert_poison_set_aside("plugin-trapped");
    }
}
