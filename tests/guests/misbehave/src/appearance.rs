//! What the plugin says that it is. It is asked before it can be told anything, so the answer stands in the component itself,
//! where a test overwrites it: the text behind `appearance=`, ended by a full stop.

use std::hint::black_box;

use crate::configuration::SCHEMA;
use crate::contract::exports::jackfield::plugin::stage::{Description, Port};

#[used]
static APPEARANCE: [u8; 32] = *b"appearance=plain...............\0";

fn appearance() -> String {
    let text = black_box(&APPEARANCE)["appearance=".len()..].to_vec();
    String::from_utf8_lossy(&text)
        .split('.')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn port(name: &str, keyed: bool) -> Port {
    Port {
        name: name.to_owned(),
        keyed,
    }
}

pub fn describe() -> Description {
    let mut described = Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        inputs: vec![port("records", false)],
        outputs: vec![port("echo", false), port("keyed", true)],
        state_version: 1,
        oldest_state_version: 1,
        configuration: SCHEMA.to_owned(),
    };
    match appearance().as_str() {
        "plain" => {}
        "trap" => panic!("what am I?"),
        "loop" => loop {
            black_box(0);
        },
        "without-inputs" => described.inputs.clear(),
        "same-port-twice" => described.outputs.push(port("echo", false)),
        "odd-port" => described.outputs.push(port("echo\u{1b}[2J", false)),
        "many-ports" => described
            .outputs
            .extend((0..100_000).map(|n| port(&format!("p{n}"), false))),
        "odd-name" => described.name = "\u{1b}[2Jmisbehave".to_owned(),
        "not-utf-8" => described.name = not_utf_8(),
        "no-schema" => described.configuration = "an object, please".to_owned(),
        "wrong-schema" => described.configuration = r#"{"type":"sandwich"}"#.to_owned(),
        "deep-schema" => described.configuration = nested(100_000),
        "versions-reversed" => described.oldest_state_version = 2,
        other => panic!("{other} is no appearance"),
    }
    described
}

/// JSON so deep that whoever reads it by recursion runs out of stack.
fn nested(depth: usize) -> String {
    format!("{}{{}}{}", "{\"items\":".repeat(depth), "}".repeat(depth))
}

#[expect(
    unsafe_code,
    reason = "what is made here is never to be: that is what the host has to find out"
)]
pub fn not_utf_8() -> String {
    // SAFETY: the string is only handed over, byte by byte.
    unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, b'b']) }
}
