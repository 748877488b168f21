//! Several runs read as one: of each key what the newest run says.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::bucket::Bucket;
use super::run::{Run, RunReader};
use crate::checkpoint::StoreError;
use crate::checkpoint::packed::Change;

/// Bytes that all readers together may have fetched ahead.
const FETCHED: u64 = 32 << 20;

/// Bounds of what one reader asks for at once: not so little that requests are what takes the time.
const WINDOW: (u64, u64) = (256 << 10, 4 << 20);

/// Reads what runs, the oldest first, say of a stage, in the order of (key group, key), until `each` has had enough. Keys of which nothing is left are
/// among it.
pub(super) fn merge(
    bucket: &Bucket,
    runs: &[Run],
    stage: &str,
    mut each: impl FnMut(&Change<'_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let runs: Vec<&Run> = runs
        .iter()
        .filter(|run| run.stages.contains_key(stage))
        .collect();
    let window = (FETCHED / runs.len().max(1) as u64).clamp(WINDOW.0, WINDOW.1);
    let mut readers = Vec::with_capacity(runs.len());
    for run in runs {
        readers.extend(RunReader::open(bucket, run, stage, window)?);
    }
    let mut equal = Vec::with_capacity(readers.len());
    loop {
        lowest(&readers, &mut equal);
        let Some(&newest) = equal.last() else {
            return Ok(());
        };
        if let Some(change) = readers[newest].head()
            && each(&change)? == ControlFlow::Break(())
        {
            return Ok(());
        }
        for &index in &equal {
            readers[index].advance()?;
        }
    }
}

/// Which readers stand at the lowest key, the oldest first.
fn lowest(readers: &[RunReader<'_>], equal: &mut Vec<usize>) {
    equal.clear();
    let mut lowest: Option<Change<'_>> = None;
    for (index, reader) in readers.iter().enumerate() {
        let Some(head) = reader.head() else {
            continue;
        };
        let order = lowest.map_or(Ordering::Less, |lowest| {
            (head.key_group, head.key).cmp(&(lowest.key_group, lowest.key))
        });
        match order {
            Ordering::Less => {
                equal.clear();
                equal.push(index);
                lowest = Some(head);
            }
            Ordering::Equal => equal.push(index),
            Ordering::Greater => {}
        }
    }
}
