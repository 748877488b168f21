//! More instances than the pool has places for.

use jackfield::error::Code;
use jackfield::plugin::{Instance, Runtime};

use crate::fixture::{LIMITS, assert_fails, guest, process};

/// Instances of one component, a hundred of which find no place in the pool.
fn many() -> Vec<Instance> {
    let runtime = Runtime::new(None).unwrap();
    let component = runtime.load(&guest("misbehave")).unwrap();
    let instance = |_| component.instantiate("guest", &LIMITS).unwrap();
    (0..1_100).map(instance).collect()
}

#[test]
fn what_finds_no_place_in_the_pool_works_beside_it_within_the_same_limits() {
    let mut instances = many();
    let mut last = instances.pop().unwrap();
    last.configure("{}", &[0, 1]).unwrap();
    process(&mut last).unwrap();
    let mut last = instances.pop().unwrap();
    last.configure(r#"{"misdeed":"loop"}"#, &[0, 1]).unwrap();
    assert_fails(
        &process(&mut last).unwrap_err(),
        Code::PLUGIN_CPU_TIME,
        "more than 200ms",
    );
    let mut last = instances.pop().unwrap();
    last.configure(r#"{"misdeed":"allocate-without-end"}"#, &[0, 1])
        .unwrap();
    assert_fails(
        &process(&mut last).unwrap_err(),
        Code::PLUGIN_MEMORY,
        "its limit is 67108864",
    );
}
