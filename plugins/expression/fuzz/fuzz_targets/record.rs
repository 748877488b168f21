//! Any bytes are read as a record or as a stored value, or refused: nothing panics, and what was read is read again as the same.
#![no_main]

use jackfield_expression::{Format, Schema, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let inner = Schema::Tuple(vec![Schema::Optional(Box::new(Schema::Text)), Schema::F64]);
    let schema = Schema::List(Box::new(Schema::Map(Box::new(inner))));
    let encoded = Format::Encoded(schema).decoder().unwrap();
    let _ = encoded.decode(bytes);
    let _ = Format::Json.decoder().unwrap().decode(bytes);
    if let Ok(value) = postcard::from_bytes::<Value<'static>>(bytes) {
        let stored = postcard::to_allocvec(&value).unwrap();
        // Compared as bytes: what is not a number does not equal itself.
        let again: Value<'static> = postcard::from_bytes(&stored).unwrap();
        assert_eq!(postcard::to_allocvec(&again).unwrap(), stored);
    }
});
