//! Which records of two versions are the same, and which stand in each other's place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::plugin::{Description, Emission, Output, Rejection};
use crate::record::Record;

/// A record that was made, and from which record or mark of the input.
pub(super) struct Item<'a> {
    pub(super) number: usize,
    origin: u32,
    pub(super) record: Record<'a>,
}

impl<'a> Item<'a> {
    /// Where another record would stand in its stead.
    pub(super) fn place(&self) -> (u32, &'a [u8]) {
        (self.origin, self.record.key)
    }

    fn content(&self) -> (u32, &'a [u8], i64, &'a [u8]) {
        (
            self.origin,
            self.record.key,
            self.record.timestamp,
            self.record.value,
        )
    }
}

/// What has no equal on the other side, of both, and how many have.
pub(super) fn unmatched<'i, 'a>(
    running: &'i [Item<'a>],
    new: &'i [Item<'a>],
) -> (Vec<&'i Item<'a>>, Vec<&'i Item<'a>>, u64) {
    let mut wanted: HashMap<_, usize> = HashMap::with_capacity(new.len());
    for item in new {
        *wanted.entry(item.content()).or_default() += 1;
    }
    let mut equal: HashMap<_, usize> = HashMap::new();
    let mut missing = Vec::new();
    let mut same = 0;
    for item in running {
        match wanted.entry(item.content()) {
            Entry::Occupied(mut left) if *left.get() > 0 => {
                *left.get_mut() -= 1;
                *equal.entry(item.content()).or_default() += 1;
                same += 1;
            }
            _ => missing.push(item),
        }
    }
    let added = new.iter().filter(|item| match equal.entry(item.content()) {
        Entry::Occupied(mut left) if *left.get() > 0 => {
            *left.get_mut() -= 1;
            false
        }
        _ => true,
    });
    (missing, added.collect(), same)
}

pub(super) fn emission<'a>(
    output: &'a Output,
    of: &Description,
    port: &str,
) -> Option<&'a Emission> {
    let index = of.outputs.iter().position(|known| known.name == port)?;
    output
        .emissions
        .iter()
        .find(|emission| emission.port == index)
}

pub(super) fn items(emission: Option<&Emission>) -> Vec<Item<'_>> {
    let Some(emission) = emission else {
        return Vec::new();
    };
    let item = |number: usize| Item {
        number,
        origin: emission.origins[number],
        record: emission.batch.record(number),
    };
    (0..emission.batch.len()).map(item).collect()
}

pub(super) fn refused(rejections: &[Rejection]) -> Vec<Item<'_>> {
    let item = |(number, rejection)| {
        let rejection: &Rejection = rejection;
        Item {
            number,
            origin: u32::try_from(rejection.index).unwrap_or(u32::MAX),
            record: Record {
                value: rejection.code.as_bytes(),
                key: b"",
                timestamp: 0,
            },
        }
    };
    rejections.iter().enumerate().map(item).collect()
}
