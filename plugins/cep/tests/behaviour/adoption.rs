//! What becomes of what another pattern has begun.

use jackfield_cep::{MatchError, Matcher, Pattern, PatternState, Version1};
use serde::Serialize;

use super::{add, advance, failures, is};

fn begun(matcher: &Matcher<char>, events: &str) -> PatternState<char> {
    let mut state = PatternState::default();
    add(matcher, &mut state, 1_000, events);
    advance(matcher, &mut state, 1_050).unwrap();
    state
}

#[test]
fn state_of_another_pattern_is_noticed_before_anything_changes() {
    let (former, matcher) = (
        failures(3).compile().unwrap(),
        failures(2).compile().unwrap(),
    );
    let mut state = begun(&former, "FF");
    assert_eq!(state.pattern(), Some(former.fingerprint()));
    let error = advance(&matcher, &mut state, 1_200);
    let (found, expected) = (former.fingerprint(), matcher.fingerprint());
    assert_eq!(error, Err(MatchError::OtherPattern { found, expected }));
    assert_eq!(state.usage().partial_matches, 2);
}

#[test]
fn it_is_restarted_without_what_had_begun() {
    let (former, matcher) = (
        failures(3).compile().unwrap(),
        failures(2).compile().unwrap(),
    );
    let mut state = begun(&former, "FF");
    former.add(&mut state, 1_060, 1_050, 'F');
    assert_eq!(state.restart(), 2);
    add(&matcher, &mut state, 1_061, "FC");
    assert_eq!(advance(&matcher, &mut state, 1_100).unwrap(), ["FFC"]);
}

#[test]
fn it_is_finished_by_the_former_pattern() {
    let former = failures(3).compile().unwrap().finishing();
    let mut state = begun(&failures(3).compile().unwrap(), "FF");
    add(&former, &mut state, 1_051, "FFFC");
    assert_eq!(
        advance(&former, &mut state, 1_060).unwrap(),
        Vec::<String>::new()
    );
    let mut state = begun(&failures(3).compile().unwrap(), "FF");
    add(&former, &mut state, 1_051, "FC");
    assert_eq!(advance(&former, &mut state, 1_060).unwrap(), ["FFFC"]);
    assert!(state.is_empty());
}

#[test]
fn it_moves_on_by_the_names_of_states() {
    let (former, matcher) = (
        failures(3).compile().unwrap(),
        failures(2).compile().unwrap(),
    );
    // Of three failures, one match wants one more, the other two.
    let mut state = begun(&former, "FF");
    let moved = matcher.adopt(&mut state, &former.shape(), |_| {
        panic!("nothing is dropped")
    });
    assert_eq!(moved, Ok(1 + 1));
    add(&matcher, &mut state, 1_051, "FC");
    assert_eq!(advance(&matcher, &mut state, 1_060).unwrap(), ["FFFC"]);
}

#[test]
fn what_has_no_state_any_more_is_dropped_and_told_of() {
    let former = Pattern::begin("a")
        .filter(is('a'))
        .followed_by("b")
        .filter(is('b'))
        .followed_by("c")
        .filter(is('c'));
    let matcher = Pattern::begin("a")
        .filter(is('a'))
        .followed_by("c")
        .filter(is('c'));
    let (former, matcher) = (former.compile().unwrap(), matcher.compile().unwrap());
    let mut state = begun(&former, "aba");
    let mut dropped = Vec::new();
    let moved = matcher.adopt(&mut state, &former.shape(), |gone| {
        dropped.push(gone.events().map(|taken| *taken.event).collect::<String>());
    });
    // The first has an event of stage b, the second waits for one.
    assert_eq!(
        (moved, dropped),
        (Ok(0), vec!["ab".to_owned(), "a".to_owned()])
    );
    assert!(state.is_empty());
}

/// What version 1 of the library stored: lists of events for each match.
#[derive(Serialize)]
enum OldWaiting {
    One(i64, char),
}

#[derive(Serialize)]
enum OldNumbers {
    Few(u8, [u64; 4]),
}

#[test]
fn state_of_version_1_goes_on() {
    // Three events that fit; of the matches that two of them began, one has taken two.
    let matches = [
        (1_000_i64, OldNumbers::Few(2, [5, 6, 0, 0])),
        (1_001, OldNumbers::Few(1, [6, 0, 0, 0])),
    ];
    let begun = Some((
        matches.into_iter().collect::<Vec<_>>(),
        vec![(5_u64, 'F'), (6, 'F')],
        7_u64,
    ));
    let waiting = OldWaiting::One(1_002, 'F');
    // `None` stood before `One`.
    let mut bytes = postcard::to_allocvec(&(waiting, begun)).unwrap();
    bytes[0] = 1;
    let old: Version1<char> = postcard::from_bytes(&bytes).unwrap();
    let (matcher, mut state) = (failures(3).compile().unwrap(), PatternState::from(old));
    add(&matcher, &mut state, 1_003, "C");
    assert_eq!(advance(&matcher, &mut state, 1_005).unwrap(), ["FFFC"]);
    assert!(state.is_empty());
}
