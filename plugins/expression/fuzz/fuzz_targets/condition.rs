//! Any text is compiled or refused, and what was compiled is evaluated or refused, within the work that is allowed: nothing panics.
#![no_main]

use jackfield_expression::{Expression, Format, Names};
use libfuzzer_sys::fuzz_target;

const RECORD: &[u8] = br#"{"s":"text","i":3,"d":0.5,"l":[1,2,3,[4]],"m":{"x":1,"y":null},"b":true,"u":18446744073709551615}"#;

fuzz_target!(|text: &str| {
    let names = Names::of(["record", "key"]);
    let Ok(condition) = Expression::compile("where", text, &names) else {
        return;
    };
    let decoder = Format::Json.decoder().unwrap();
    let decoder = decoder.for_expressions([&condition], 0);
    let record = decoder.decode(RECORD).unwrap();
    let variables = [record.clone(), record];
    let (mut key, mut kept) = (Vec::new(), Vec::new());
    let _ = condition.holds(&variables);
    let _ = condition.time(&variables);
    let _ = condition.key(&variables, &mut key);
    if let Ok(value) = condition.evaluate(&variables)
        && let Ok(value) = value.to_owned_value()
    {
        kept.push(value);
    }
    assert!(kept.len() < 2);
});
