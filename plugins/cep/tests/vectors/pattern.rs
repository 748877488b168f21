//! Patterns of the cases.

use std::time::Duration;

use jackfield_cep::{Match, Pattern, SkipStrategy};
use serde_json::Value;

use super::case::Event;

pub fn build(value: &Value) -> Pattern<Event> {
    let pattern = stages(&value["stages"]);
    match value.get("skip") {
        Some(skip) => pattern.skip(strategy(skip)),
        None => pattern,
    }
}

fn strategy(value: &Value) -> SkipStrategy {
    let to = value["to"].as_str().unwrap_or_default();
    let strategy = match value["strategy"].as_str().unwrap() {
        "noSkip" => SkipStrategy::NoSkip,
        "skipToNext" => SkipStrategy::ToNext,
        "skipPastLastEvent" => SkipStrategy::PastLastEvent,
        "skipToFirst" => SkipStrategy::to_first(to),
        "skipToLast" => SkipStrategy::to_last(to),
        other => panic!("skip strategy {other}"),
    };
    if value["throw"] == true {
        strategy.error_on_miss()
    } else {
        strategy
    }
}

fn stages(value: &Value) -> Pattern<Event> {
    let stages = value.as_array().unwrap();
    let pattern = stages.iter().fold(None, |before, stage| {
        let linked = match stage.get("group") {
            Some(group) => link_group(before, stage, stages_of(group)),
            None => link(before, stage),
        };
        Some(refine(linked, stage))
    });
    pattern.unwrap()
}

fn stages_of(group: &Value) -> Pattern<Event> {
    stages(group)
}

fn link(before: Option<Pattern<Event>>, stage: &Value) -> Pattern<Event> {
    let name = stage["name"].as_str().unwrap();
    match (stage["link"].as_str().unwrap(), before) {
        ("begin", _) => Pattern::begin(name),
        ("next", Some(pattern)) => pattern.next(name),
        ("followedBy", Some(pattern)) => pattern.followed_by(name),
        ("followedByAny", Some(pattern)) => pattern.followed_by_any(name),
        ("notNext", Some(pattern)) => pattern.not_next(name),
        ("notFollowedBy", Some(pattern)) => pattern.not_followed_by(name),
        (other, _) => panic!("link {other}"),
    }
}

fn link_group(
    before: Option<Pattern<Event>>,
    stage: &Value,
    group: Pattern<Event>,
) -> Pattern<Event> {
    match (stage["link"].as_str().unwrap(), before) {
        ("begin", _) => Pattern::begin_group(group),
        ("next", Some(pattern)) => pattern.next_group(group),
        ("followedBy", Some(pattern)) => pattern.followed_by_group(group),
        ("followedByAny", Some(pattern)) => pattern.followed_by_any_group(group),
        (other, _) => panic!("link {other} of a group"),
    }
}

/// In the order that the format prescribes: what is refused depends on it.
fn refine(mut pattern: Pattern<Event>, stage: &Value) -> Pattern<Event> {
    if let Some(condition) = stage.get("where") {
        pattern = ask(pattern, condition, false);
    }
    for call in stage["chain"].as_array().into_iter().flatten() {
        pattern = match call.get("or") {
            Some(condition) => ask(pattern, condition, true),
            None => ask(pattern, &call["where"], false),
        };
    }
    if let Some(quantifier) = stage.get("quant") {
        pattern = quantify(pattern, quantifier);
    }
    pattern = match stage["inner"].as_str() {
        None => pattern,
        Some("consecutive") => pattern.consecutive(),
        Some(_) => pattern.allow_combinations(),
    };
    if stage["greedy"] == true {
        pattern = pattern.greedy();
    }
    if stage["optional"] == true {
        pattern = pattern.optional();
    }
    if let Some(condition) = stage.get("until") {
        pattern = match condition_of(condition) {
            Condition::Simple(condition) => pattern.until(condition),
            Condition::Iterative(condition) => pattern.until_with(condition),
        };
    }
    if let Some(limit) = stage["within"].as_u64() {
        pattern = pattern.within(Duration::from_millis(limit));
    }
    if let Some(limit) = stage["withinPrev"].as_u64() {
        pattern = pattern.within_previous(Duration::from_millis(limit));
    }
    pattern
}

fn quantify(pattern: Pattern<Event>, quantifier: &Value) -> Pattern<Event> {
    let number = |key: &str| u32::try_from(quantifier[key].as_u64().unwrap()).unwrap();
    let pattern = match quantifier["kind"].as_str().unwrap() {
        "oneOrMore" => pattern.one_or_more(),
        "times" => pattern.times(number("n")),
        "timesRange" => pattern.times_range(number("from"), number("to")),
        "timesOrMore" => pattern.times_or_more(number("n")),
        other => panic!("quantifier {other}"),
    };
    match quantifier["gapMs"].as_u64() {
        Some(gap) => pattern.gap(Duration::from_millis(gap)),
        None => pattern,
    }
}

fn ask(pattern: Pattern<Event>, condition: &Value, or: bool) -> Pattern<Event> {
    match (condition_of(condition), or) {
        (Condition::Simple(condition), false) => pattern.filter(condition),
        (Condition::Simple(condition), true) => pattern.or(condition),
        (Condition::Iterative(condition), false) => pattern.filter_with(condition),
        (Condition::Iterative(condition), true) => pattern.or_with(condition),
    }
}

enum Condition {
    Simple(Box<dyn Fn(&Event) -> bool>),
    Iterative(Box<Iterative>),
}

type Iterative = dyn Fn(&Event, &Match<'_, Event>) -> bool;

/// A condition that looks at the event alone is given as such: both ways are to be tried.
fn condition_of(value: &Value) -> Condition {
    let iterative = condition(value);
    if value.to_string().contains("\"iter\"") {
        return Condition::Iterative(iterative);
    }
    let value = value.clone();
    Condition::Simple(Box::new(move |event| simple(&value, event)))
}

fn simple(value: &Value, event: &Event) -> bool {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let all = || value.as_array().unwrap().iter();
    match kind.as_str() {
        "type" => event.kind == value.as_str().unwrap(),
        "value" => compare(
            event.value,
            value[0].as_str().unwrap(),
            value[1].as_i64().unwrap(),
        ),
        "and" => all().all(|condition| simple(condition, event)),
        "or" => all().any(|condition| simple(condition, event)),
        "not" => !simple(value, event),
        "const" => value.as_bool().unwrap(),
        other => panic!("condition {other}"),
    }
}

fn condition(value: &Value) -> Box<Iterative> {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let parts =
        || -> Vec<Box<Iterative>> { value.as_array().unwrap().iter().map(condition).collect() };
    match kind.as_str() {
        "and" => {
            let all = parts();
            Box::new(move |event, taken| all.iter().all(|condition| condition(event, taken)))
        }
        "or" => {
            let any = parts();
            Box::new(move |event, taken| any.iter().any(|condition| condition(event, taken)))
        }
        "not" => {
            let condition = condition(value);
            Box::new(move |event, taken| !condition(event, taken))
        }
        "iter" => {
            let value = value.clone();
            Box::new(move |event, taken| aggregate(&value, event, taken))
        }
        _ => {
            let value = Value::from_iter([(kind.clone(), value.clone())]);
            Box::new(move |event, _| simple(&value, event))
        }
    }
}

fn aggregate(value: &Value, event: &Event, taken: &Match<'_, Event>) -> bool {
    let stage = value["stage"].as_str().unwrap();
    let values: Vec<i64> = taken.stage(stage).map(|event| event.value).collect();
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return value["empty"].as_bool().unwrap();
    };
    let (sum, count) = (values.iter().sum(), values.len() as i64);
    let (left, right) = match value["agg"].as_str().unwrap() {
        "first" => (event.value, *first),
        "last" => (event.value, *last),
        "sum" => (event.value, sum),
        "min" => (event.value, *values.iter().min().unwrap()),
        "max" => (event.value, *values.iter().max().unwrap()),
        "count" => (event.value, count),
        "avg" => (event.value * count, sum),
        other => panic!("aggregate {other}"),
    };
    compare(left, value["op"].as_str().unwrap(), right)
}

fn compare(value: i64, operator: &str, operand: i64) -> bool {
    match operator {
        "<" => value < operand,
        "<=" => value <= operand,
        ">" => value > operand,
        ">=" => value >= operand,
        "==" => value == operand,
        _ => value != operand,
    }
}
