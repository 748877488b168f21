//! What expressions cost a record, beside the interpreter of the crate `cel`. A program, not a test: quote ratios of one run.
//!
//! `cargo run --release -p jackfield-expression --example measure-expressions`
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use jackfield_expression::{Expression, Format, Names, Template};

const RECORD: &[u8] = br#"{"recordType":"interaction","interactionId":"i000000001","customerId":"c000042","channel":"voice","status":"FAILURE","amount":120,"timestamp":1700000000000}"#;

const CONDITIONS: [&str; 4] = [
    "record.status == 'FAILURE'",
    "record.amount > 100 && record.status != 'SUCCESS'",
    "record.status in ['FAILURE', 'CALLBACK_REQUEST'] && record.channel.startsWith('v')",
    "[1, 2, 3, 4, 5, 6, 7, 8].exists(x, x * 20 > record.amount)",
];

/// The best of a few rounds, in nanoseconds a time.
fn nanoseconds(times: u32, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        for _ in 0..times {
            work();
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / f64::from(times));
    }
    best
}

fn main() {
    let names = Names::of(["record"]);
    let decoder = Format::Json.decoder().unwrap();
    let record = decoder.decode(RECORD).unwrap();
    println!("| | here, ns | interpreter, ns |\n|---|---|---|");
    for text in CONDITIONS {
        let variables = [record.clone()];
        let ours = Expression::compile("where", text, &names).unwrap();
        let ours = nanoseconds(200_000, || {
            black_box(ours.holds(black_box(&variables)).unwrap());
        });
        let env = Arc::new(cel::Env::stdlib());
        let program = env.compile(text).unwrap();
        let mut context = cel::Context::with_env(env);
        let value = cel::to_value(&record).unwrap();
        context.add_variable_from_value("record", value);
        let theirs = nanoseconds(50_000, || {
            black_box(program.execute(black_box(&context)).unwrap());
        });
        println!("| `{text}` | {ours:.0} | {theirs:.0} |");
    }
    let decode = nanoseconds(100_000, || {
        black_box(decoder.decode(black_box(RECORD)).unwrap());
    });
    let one = Expression::compile("where", CONDITIONS[0], &names).unwrap();
    let few = decoder.clone().for_expressions([&one], 0);
    let decode_few = nanoseconds(100_000, || {
        black_box(few.decode(black_box(RECORD)).unwrap());
    });
    println!(
        "| reading the record, {} bytes | {decode:.0} | |",
        RECORD.len()
    );
    println!("| reading one field of it | {decode_few:.0} | |");
    let template = serde_json::json!({ "customer": "record.customerId", "alert": "'ALERT'", "twice": "record.amount * 2" });
    let template = Template::compile("output", &template, &names).unwrap();
    let (variables, mut out) = ([record], Vec::new());
    let write = nanoseconds(100_000, || {
        out.clear();
        template.write(black_box(&variables), &mut out).unwrap();
    });
    println!("| writing three fields | {write:.0} | |");
}
