//! Few runs out of many, so that loading stays quick and what was overwritten does not stay for ever.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::bucket::Bucket;
use super::merge::merge;
use super::run::{Run, RunWriter};
use crate::checkpoint::StoreError;

/// Runs that are merged at once at least: fewer would write the same entries again and again.
const FEWEST: usize = 4;

/// Runs beyond which some are merged whatever their sizes.
const MANY: usize = 12;

/// Which runs, the oldest first, to merge next, by their sizes in bytes: the newest ones, back to one that is larger than twice all of them together. So an
/// entry is written anew once for each doubling of the state, not once a checkpoint.
pub(super) fn due(sizes: &[u64]) -> Option<Range<usize>> {
    let mut start = sizes.len();
    let mut sum = 0;
    while let Some(older) = start.checked_sub(1).map(|index| sizes[index]) {
        if start < sizes.len() && older > 2 * sum {
            break;
        }
        sum += older;
        start -= 1;
    }
    if sizes.len() - start >= FEWEST {
        return Some(start..sizes.len());
    }
    (sizes.len() > MANY).then(|| sizes.len() - FEWEST..sizes.len())
}

/// Runs that stand beside each other, and what took their place.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) inputs: Vec<Run>,
    /// None where nothing is left.
    pub(super) output: Option<Run>,
}

/// Writes what runs say as one, if it is not cancelled in between. Where `oldest` says that nothing is older than they are, keys of which nothing is left are
/// left out.
pub(super) fn compact(
    bucket: &Bucket,
    inputs: Vec<Run>,
    object: String,
    oldest: bool,
    cancelled: &AtomicBool,
) -> Result<Option<Merged>, StoreError> {
    let stages: BTreeSet<String> = inputs
        .iter()
        .flat_map(|run| run.stages.keys().cloned())
        .collect();
    let mut writer = RunWriter::new(bucket, object)?;
    for stage in stages {
        merge(bucket, &inputs, &stage, |change| {
            if cancelled.load(Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            if change.value.is_some() || !oldest {
                writer.push(&stage, change)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    if cancelled.load(Relaxed) {
        return Ok(None);
    }
    let output = writer.finish()?;
    Ok(Some(Merged { inputs, output }))
}

/// Puts what runs were merged into in their place, where they are still there, side by side. Else what they were merged into is for nobody.
pub(super) fn replace(runs: &mut Vec<Run>, merged: &Merged) {
    let count = merged.inputs.len();
    let found = runs
        .windows(count)
        .position(|window| window == merged.inputs);
    if let Some(start) = found {
        runs.splice(start..start + count, merged.output.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_old_run_is_left_alone_while_small_ones_are_merged() {
        assert_eq!(due(&[1000, 10, 10, 10]), None);
        assert_eq!(due(&[1000, 10, 10, 10, 10]), Some(1..5));
        assert_eq!(due(&[70, 40, 10, 10, 10]), Some(0..5));
    }

    #[test]
    fn there_are_never_many_runs_nor_is_much_written_again() {
        let (mut sizes, mut written, mut most) = (Vec::new(), 0, 0);
        for _ in 0..1000 {
            sizes.push(10u64);
            while let Some(range) = due(&sizes) {
                let merged: u64 = sizes[range.clone()].iter().sum();
                written += merged;
                sizes.splice(range, [merged]);
            }
            most = most.max(sizes.len());
        }
        assert!(most <= MANY, "{most} runs");
        assert!(written < 10 * 10_000, "{written} bytes written for 10,000");
    }
}
