//! Patterns as they are shown, and the number that they are known by.

use jackfield_cep::{Action, Pattern, StateKind};

use super::{failures, is, millis};

#[test]
fn states_are_named_for_their_stages() {
    let matcher = failures(3).compile().unwrap();
    let states: Vec<_> = matcher
        .states()
        .map(|state| (state.name, state.kind))
        .collect();
    let expected = [
        ("$endState$", StateKind::Final),
        ("callback", StateKind::Normal),
        ("failure", StateKind::Normal),
        ("failure:0", StateKind::Normal),
        ("failure:1", StateKind::Start),
    ];
    assert_eq!(states, expected);
    assert_eq!(
        matcher.stages().collect::<Vec<_>>(),
        ["failure", "callback"]
    );
}

#[test]
fn edges_tell_what_they_ask() {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .label("is a")
        .or(is('b'))
        .label("is b");
    let pattern = pattern.followed_by("c").filter(is('c')).optional();
    let matcher = pattern.compile().unwrap();
    let edges: Vec<_> = matcher
        .edges()
        .map(|edge| (edge.from, edge.action, edge.to, edge.condition))
        .collect();
    let edge = |from, action, to, condition: &str| (from, action, to, condition.to_owned());
    let expected = [
        edge("c", Action::Take, "$endState$", "c"),
        edge("c", Action::Proceed, "$endState$", ""),
        edge("c", Action::Ignore, "c:0", "not c"),
        edge("c:0", Action::Take, "$endState$", "c"),
        edge("c:0", Action::Ignore, "c:0", "not c"),
        edge("a", Action::Take, "c", "(is a or is b)"),
    ];
    assert_eq!(edges, expected);
}

#[test]
fn a_fingerprint_is_that_of_what_is_to_be_seen() {
    let fingerprint = |pattern: Pattern<char>| pattern.compile().unwrap().fingerprint();
    let pattern = || failures(3);
    assert_eq!(fingerprint(pattern()), fingerprint(pattern()));
    // Stored states carry it: it must never change for the same pattern.
    assert_eq!(fingerprint(pattern()).to_string(), "a21060b2c151771f");
    let others = [
        failures(2),
        pattern().within(millis(99)),
        pattern().label("another condition"),
        pattern().skip(jackfield_cep::SkipStrategy::ToNext),
    ];
    for other in others {
        assert_ne!(fingerprint(other), fingerprint(pattern()));
    }
}
