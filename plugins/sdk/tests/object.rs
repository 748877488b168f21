//! JSON objects that are built field by field are those of serde_json.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_sdk::testing::{Driver, Sent};
use jackfield_sdk::{Context, NoConfiguration, Port, Record, Rejection, Stage};
use proptest::prelude::*;

struct Describe;

const TEXTS: Port = Port::keyed(0, "texts");
const OBJECTS: Port = Port::unkeyed(0, "objects");

impl Stage for Describe {
    type Configuration = NoConfiguration;
    type State = ();
    const INPUTS: &'static [Port] = &[TEXTS];
    const OUTPUTS: &'static [Port] = &[OBJECTS];

    fn new(_: NoConfiguration) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, ()>,
    ) -> Result<(), Rejection> {
        let text = record.key_text()?;
        let object = context.emit(OBJECTS).object();
        match record.timestamp() {
            Some(number) => object
                .text("text", text)
                .integer("number", number)
                .text("again", text)
                .send(),
            None => object.send(),
        }
        Ok(())
    }
}

fn described(text: &str, number: Option<i64>) -> String {
    let mut driver = Driver::<Describe>::new("{}").unwrap();
    let sent = Sent::new("").key(text);
    driver.send(
        "texts",
        number.map_or(sent.clone(), |number| sent.timestamp(number)),
    );
    driver.take("objects")[0].text().to_owned()
}

#[test]
fn an_object_may_be_empty() {
    assert_eq!(described("", None), "{}");
}

#[test]
fn fields_stand_in_the_order_in_which_they_were_added() {
    assert_eq!(
        described("a", Some(-7)),
        r#"{"text":"a","number":-7,"again":"a"}"#
    );
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was(text in any::<String>(), number in (i64::MIN + 1)..) {
        let object: serde_json::Value = serde_json::from_str(&described(&text, Some(number))).unwrap();
        prop_assert_eq!(object, serde_json::json!({"text": text, "number": number, "again": text}));
    }
}
