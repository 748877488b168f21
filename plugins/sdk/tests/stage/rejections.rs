//! Records that are refused, and records that come late.

use jackfield_sdk::testing::{Driver, Received, Sent};
use jackfield_sdk::{Batch, Context, NoConfiguration, Port, Record, Rejection, Runner, Stage};
use serde::{Deserialize, Serialize};

use crate::scripted::Command::{Add, Late, Refuse};
use crate::scripted::{LATE, REPORTS, Scripted, command, driver, reports};

#[test]
fn a_refused_record_leaves_the_others_alone() {
    let mut driver = driver();
    for told in [Add(1), Refuse, Add(1)] {
        driver.send("commands", command("a", &told));
    }
    assert_eq!(reports(&mut driver), ["a: sum Some(1)", "a: sum Some(2)"]);
    assert_eq!(
        driver.take_rejections(),
        [Rejection::new("as-told", "the record says so")]
    );
}

#[test]
fn a_late_record_goes_out_unchanged_by_the_output_for_them() {
    let mut driver = driver();
    driver.advance(10);
    let sent = command("a", &Late).timestamp(9);
    driver.send("commands", sent);
    let value = postcard::to_allocvec(&Late).unwrap();
    assert_eq!(
        driver.take("late"),
        [Received {
            value,
            key: b"a".to_vec(),
            timestamp: Some(9)
        }]
    );
    assert!(driver.take_rejections().is_empty());
}

#[test]
fn a_late_record_is_refused_where_nobody_consumes_that_output() {
    let mut runner = Runner::<Scripted>::configure("{}", &[REPORTS.index()]).unwrap();
    let mut batch = Batch {
        timestamps: vec![9],
        ..Batch::default()
    };
    batch.keys.push(b"a");
    batch.values.push(&postcard::to_allocvec(&Late).unwrap());
    let output = runner.process(0, &batch);
    assert!(output.emissions.is_empty());
    assert_eq!(output.rejections[0].rejection, Rejection::late(9, i64::MIN));
    assert_eq!(LATE.name(), "late");
}

/// Decodes JSON, and emits what JSON cannot hold when told so.
struct Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order<'a> {
    #[serde(borrow)]
    name: &'a str,
    count: u8,
    kind: Option<Kind>,
}

#[derive(Deserialize)]
enum Kind {
    Plain,
    Unencodable,
}

const ORDERS: Port = Port::unkeyed(0, "orders");
const COUNTS: Port = Port::unkeyed(0, "counts");

impl Stage for Json {
    type Configuration = NoConfiguration;
    type State = ();
    const INPUTS: &'static [Port] = &[ORDERS];
    const OUTPUTS: &'static [Port] = &[COUNTS];

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, ()>,
    ) -> Result<(), Rejection> {
        let order: Order<'_> = record.json()?;
        match order.kind {
            Some(Kind::Unencodable) => context.emit(COUNTS).json(&Unencodable),
            Some(Kind::Plain) | None => context.emit(COUNTS).json(&(order.name, order.count)),
        }
    }
}

struct Unencodable;

impl Serialize for Unencodable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeSeq};
        serializer.serialize_seq(None)?.serialize_element("begun")?;
        Err(S::Error::custom("given up"))
    }
}

#[test]
fn what_is_wrong_with_json_has_a_code() {
    for (value, code) in [
        ("", "not-json"),
        ("{\"name\":", "not-json"),
        ("{\"name\":\"x\",\"count\":1} and more", "not-json"),
        ("[]", "invalid-value"),
        ("7", "wrong-type"),
        ("{\"name\":\"x\"}", "missing-field"),
        (
            "{\"name\":\"x\",\"name\":\"y\",\"count\":1}",
            "duplicate-field",
        ),
        ("{\"name\":5,\"count\":1}", "wrong-type"),
        ("{\"name\":\"x\",\"count\":300}", "invalid-value"),
        ("{\"name\":\"x\",\"count\":1,\"other\":2}", "unknown-field"),
        (
            "{\"name\":\"x\",\"count\":1,\"kind\":\"Other\"}",
            "unknown-variant",
        ),
    ] {
        let mut driver = Driver::<Json>::new("{}").unwrap();
        driver.send("orders", Sent::new(value));
        let rejections = driver.take_rejections();
        assert_eq!(rejections.len(), 1, "{value}");
        assert_eq!(rejections[0].code(), code, "{value}: {}", rejections[0]);
    }
}

#[test]
fn what_is_not_utf_8_is_told_from_what_is_not_json() {
    let mut driver = Driver::<Json>::new("{}").unwrap();
    driver.send("orders", Sent::new(*b"{\"name\":\"\xff\",\"count\":1}"));
    assert_eq!(driver.take_rejections()[0].code(), "not-utf-8");
}

#[test]
fn what_cannot_be_encoded_is_refused_and_leaves_nothing_behind() {
    let mut driver = Driver::<Json>::new("{}").unwrap();
    driver.send(
        "orders",
        Sent::new("{\"name\":\"x\",\"count\":1,\"kind\":\"Unencodable\"}"),
    );
    driver.send(
        "orders",
        Sent::new("{\"name\":\"y\",\"count\":2,\"kind\":\"Plain\"}"),
    );
    assert_eq!(
        driver.take_rejections()[0],
        Rejection::new("not-encodable", "given up")
    );
    let texts: Vec<String> = driver
        .take("counts")
        .iter()
        .map(|received| received.text().to_owned())
        .collect();
    assert_eq!(texts, ["[\"y\",2]"]);
}

#[test]
fn postcard_with_something_left_over_is_refused() {
    let mut driver = driver();
    let mut value = postcard::to_allocvec(&Add(1)).unwrap();
    value.push(0);
    driver.send("commands", Sent::new(value).key("a"));
    assert_eq!(driver.take_rejections()[0].code(), "not-postcard");
}
