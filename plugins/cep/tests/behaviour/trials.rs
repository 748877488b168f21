//! What an event would do, for those who want to know why.

use jackfield_cep::{Action, Matcher, Pattern, PatternState};

use super::{add, advance, failures, is};

fn begun(matcher: &Matcher<char>, events: &str) -> PatternState<char> {
    let mut state = PatternState::default();
    add(matcher, &mut state, 1_000, events);
    advance(matcher, &mut state, 1_050).unwrap();
    state
}

#[test]
fn each_match_that_has_begun_is_tried_and_the_one_that_is_about_to() {
    let matcher = failures(3).compile().unwrap();
    let state = begun(&matcher, "FF");
    let trials = matcher.trials(&state, 1_060, &'F');
    let tried: Vec<_> = trials
        .iter()
        .map(|trial| {
            (
                trial.standing.taken.len(),
                trial.edges[0].stage,
                trial.edges[0].is_open,
            )
        })
        .collect();
    let failure = Some("failure");
    assert_eq!(
        tried,
        [(2, failure, true), (1, failure, true), (0, failure, true)]
    );
}

#[test]
fn a_trial_says_what_each_condition_said_and_where_the_way_leads() {
    let pattern = Pattern::begin("a").filter(is('a')).label("is a");
    let pattern = pattern.followed_by("b").filter(is('b')).label("is b");
    let matcher = pattern.compile().unwrap();
    let state = begun(&matcher, "a");
    let trials = matcher.trials(&state, 1_060, &'b');
    let edges = &trials[0].edges;
    assert_eq!((edges[0].action, edges[0].completes), (Action::Take, true));
    assert_eq!(edges[0].answers, [("is b", true)]);
    assert_eq!(
        (
            edges[1].action,
            edges[1].is_open,
            edges[1].condition.as_str()
        ),
        (Action::Ignore, false, "not is b")
    );
    assert_eq!(trials[1].edges[0].answers, [("is a", false)]);
}

#[test]
fn a_trial_changes_nothing() {
    let matcher = failures(3).compile().unwrap();
    let mut state = begun(&matcher, "FF");
    let before = matcher.standings(&state).len();
    matcher.trials(&state, 1_060, &'C');
    assert_eq!(matcher.standings(&state).len(), before);
    add(&matcher, &mut state, 1_051, "FC");
    assert_eq!(advance(&matcher, &mut state, 1_060).unwrap(), ["FFFC"]);
}

#[test]
fn what_is_not_to_happen_says_so() {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .not_followed_by("x")
        .filter(is('x'));
    let matcher = pattern.followed_by("b").filter(is('b')).compile().unwrap();
    let state = begun(&matcher, "a");
    let trials = matcher.trials(&state, 1_060, &'x');
    assert!(trials[0].edges.iter().any(|edge| edge.stops));
}

#[test]
fn what_a_pattern_has_begun_is_given_up_one_by_one() {
    let matcher = failures(3).compile().unwrap();
    let mut state = begun(&matcher, "FF");
    let mut dropped = Vec::new();
    let given_up = matcher.give_up(&mut state, |gone| dropped.push(gone.events().count()));
    assert_eq!((given_up, dropped), (Ok(2), vec![2, 1]));
    assert!(state.is_empty());
}
