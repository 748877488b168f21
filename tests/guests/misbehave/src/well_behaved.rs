//! What the plugin does as long as nothing else is asked of it.

use serde::Deserialize;

use crate::contract::exports::jackfield::plugin::stage::{Emission, Output};
use crate::contract::jackfield::plugin::records::{Batch, Column, Mark, Rejection};
use crate::misdeed;

pub const ECHO: u32 = 0;
pub const KEYED: u32 = 1;

#[derive(Deserialize)]
struct Line<'a> {
    n: i64,
    #[serde(borrow)]
    key: &'a str,
}

pub fn no_strings() -> Column {
    Column {
        data: Vec::new(),
        ends: Vec::new(),
    }
}

pub fn nothing(port: u32) -> Emission {
    let records = Batch {
        values: no_strings(),
        keys: no_strings(),
        timestamps: Vec::new(),
        marks: Vec::new(),
    };
    Emission {
        port,
        records,
        origins: Vec::new(),
    }
}

fn push(column: &mut Column, bytes: &[u8]) {
    column.data.extend_from_slice(bytes);
    column.ends.push(column.data.len() as u32);
}

/// Passes every record on; `observe` puts what can be seen of the world in its place.
pub fn process(batch: &Batch, observe: bool) -> Output {
    let (mut echo, mut keyed) = (nothing(ECHO), nothing(KEYED));
    let mut rejections = Vec::new();
    let mut marks = batch.marks.iter().peekable();
    let mut start = 0;
    for (index, &end) in (0u32..).zip(&batch.values.ends) {
        while let Some(mark) = marks.next_if(|mark| mark.index <= index) {
            pass_on(mark, &mut [&mut echo, &mut keyed]);
        }
        let value = &batch.values.data[start..end as usize];
        start = end as usize;
        match serde_json::from_slice::<Line<'_>>(value) {
            Ok(line) => {
                let seen = observe.then(misdeed::observation);
                let shown = seen.as_deref().map_or(value, str::as_bytes);
                for emission in [&mut echo, &mut keyed] {
                    push(&mut emission.records.values, shown);
                    emission.records.timestamps.push(line.n * 1000);
                    emission.origins.push(index);
                }
                push(&mut keyed.records.keys, line.key.as_bytes());
            }
            Err(error) => {
                rejections.push(Rejection {
                    index,
                    code: "not-json".to_owned(),
                    message: error.to_string(),
                });
            }
        }
    }
    for mark in marks {
        pass_on(mark, &mut [&mut echo, &mut keyed]);
    }
    Output {
        emissions: vec![echo, keyed],
        rejections,
    }
}

fn pass_on(mark: &Mark, emissions: &mut [&mut Emission]) {
    for emission in emissions {
        let index = emission.records.timestamps.len() as u32;
        emission.records.marks.push(Mark {
            index,
            watermark: mark.watermark,
        });
    }
}
