//! Any text as a clause: refused with its place, or translated to stages that compile.
//!
//!     cd plugins/pattern-language && cargo +nightly fuzz run match-recognize

#![no_main]

use jackfield_pattern_language::{Definition, Explanation, code, sql};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let translated = sql::translate("clause", text);
    let definition = Definition {
        match_recognize: Some(text.to_owned()),
        ..Definition::default()
    };
    match (translated, Explanation::of("p", &definition)) {
        (Ok(_), Ok(explained)) => assert!(!explained.states.is_empty()),
        // Names that mean something in expressions, too many states, and expressions that have become too long.
        (Ok(_), Err(fault)) => {
            let known = [code::NAME, code::SEQUENCE, code::EXPRESSION, code::OPTIONS];
            assert!(known.contains(&fault.code), "{fault}");
        }
        (Err(fault), _) => assert!(!fault.remedy.is_empty() && fault.place.starts_with("clause"), "{fault}"),
    }
});
