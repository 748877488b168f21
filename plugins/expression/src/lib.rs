//! What plugins need that a manifest alone configures: records of several formats, expressions over them, and templates for
//! what comes out.
//!
//! Expressions are those of the [Common Expression Language](https://cel.dev). They are parsed by the crate `cel`, and then
//! evaluated here rather than by its interpreter, for three reasons:
//!
//! - **Work is bounded.** An evaluation may take [`WORK_LIMIT`] steps, however its loops are nested and however long lists are,
//!   and no value is copied that could be shared: neither a manifest nor a record can make a stage stand still or fill its memory.
//! - **Results follow from the input alone.** Maps keep the order of their record; an interpreter with hash maps goes through
//!   their keys in an order that differs from run to run.
//! - **It runs for each record.** Names are looked up once, when an expression is compiled, and records are read in place.
//!
//! ```
//! use jackfield_expression::{Expression, Format, Names, Template, Value};
//!
//! let names = Names::of(["record", "key"]);
//! let condition = Expression::compile("where", "record.amount > 100 && record.status != 'FAILURE'", &names)?;
//! let output = Template::compile("output", &serde_json::json!({ "who": "key", "double": "record.amount * 2" }), &names)?;
//!
//! let decoder = Format::Json.decoder()?;
//! let record = decoder.decode(br#"{"amount": 120, "status": "SUCCESS"}"#)?;
//! let variables = [record, Value::text("c7")];
//! assert!(condition.holds(&variables)?);
//! let mut json = Vec::new();
//! output.write(&variables, &mut json)?;
//! assert_eq!(json, br#"{"double":240,"who":"c7"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the language has here
//!
//! | | |
//! |---|---|
//! | values | `null`, `true`, `1`, `1u`, `1.5`, `'text'`, `[1, 2]`, `{'field': 1}`; keys of maps are text, as in JSON |
//! | operators | `+ - * / %`, `== != < <= > >=`, `&& \|\| !`, `? :`, `in`, `.field`, `[index]` |
//! | loops | `list.all(x, …)`, `exists`, `exists_one`, `map`, `filter`; over the keys of a map too |
//! | presence | `has(record.field)` |
//! | text | `size`, `contains`, `startsWith`, `endsWith`, `lowerAscii`, `upperAscii`, `trim` |
//! | conversions | `int`, `uint`, `double`, `string`, `bool`, `type`, `dyn` |
//! | lists | `size`, `sum`, `min`, `max`, `average` |
//!
//! As in CEL, whole numbers and others are compared but not added to each other: `double(record.amount) * 1.5`. Times are whole
//! milliseconds since the Unix epoch. Regular expressions, bytes, time stamps and protocol buffers are left out.

mod choice;
mod evaluate;
mod expression;
mod format;
mod names;
mod program;
mod refusal;
mod template;
mod value;

pub use choice::one_table;
pub use evaluate::WORK_LIMIT;
pub use expression::{CompileError, Expression, LONGEST_TEXT};
pub use format::{Decoder, Field, Format, FormatError, Schema, Variant};
pub use names::{Names, NamesError};
pub use refusal::{Refusal, code};
pub use template::Template;
pub use value::{List, Map, Text, Type, Value};
