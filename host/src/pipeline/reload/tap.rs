//! Copies of what the instances of a stage are fed, and of what they make of it.
//!
//! A tap is put in at a standstill, so that its first copy is of the first batch after a checkpoint. It gives an unbroken beginning of what its instance works on and never holds the
//! instance up: when as many copies wait as may, it ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::pipeline::recovery::Site;
use crate::plugin::Output;
use crate::record::{Batch, Mark};

/// Bytes of copies that may wait.
const ROOM: usize = 64 << 20;

/// What an instance was fed, and what it made of it.
#[derive(Debug)]
pub(in crate::pipeline) struct Copy {
    pub(in crate::pipeline) site: Site,
    pub(in crate::pipeline) input: usize,
    pub(in crate::pipeline) batch: Batch,
    pub(in crate::pipeline) marks: Vec<Mark>,
    pub(in crate::pipeline) output: Output,
    pub(in crate::pipeline) cpu_time: Duration,
}

impl Copy {
    /// About what it takes in memory.
    pub(in crate::pipeline) fn bytes(&self) -> usize {
        let of_batch = |batch: &Batch| batch.values.bytes() + batch.keys.bytes() + 8 * batch.len();
        let made = self.output.emissions.iter();
        of_batch(&self.batch) + made.map(|made| of_batch(&made.batch)).sum::<usize>()
    }
}

/// What the taps of a pipeline have in common.
#[derive(Debug)]
struct Gauge {
    /// Records of which there are still to be copies.
    wanted: AtomicI64,
    /// Bytes of copies that wait.
    waiting: AtomicUsize,
    /// There was no room for a copy.
    overflowed: AtomicBool,
    closed: AtomicBool,
}

/// Where taps are put in: at the instances of these stages.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Mains {
    stages: Arc<BTreeSet<usize>>,
    gauge: Arc<Gauge>,
    copies: Sender<Copy>,
}

/// The end at which copies come out. When it is dropped, the taps end.
#[derive(Debug)]
pub(in crate::pipeline) struct Outlet {
    stages: Arc<BTreeSet<usize>>,
    gauge: Arc<Gauge>,
    copies: Receiver<Copy>,
}

/// The tap of one instance.
#[derive(Debug)]
pub(in crate::pipeline) struct Tap {
    site: Site,
    gauge: Arc<Gauge>,
    copies: Sender<Copy>,
}

/// Taps for the instances of these stages, for so many records in all.
pub(in crate::pipeline) fn mains(stages: BTreeSet<usize>, records: u64) -> (Mains, Outlet) {
    let gauge = Arc::new(Gauge {
        wanted: AtomicI64::new(i64::try_from(records).unwrap_or(i64::MAX)),
        waiting: AtomicUsize::new(0),
        overflowed: AtomicBool::new(false),
        closed: AtomicBool::new(false),
    });
    // Bounded by the gauge: what counts is bytes.
    let (sender, copies) = unbounded();
    let stages = Arc::new(stages);
    let mains = Mains {
        stages: Arc::clone(&stages),
        gauge: Arc::clone(&gauge),
        copies: sender,
    };
    let outlet = Outlet {
        stages,
        gauge,
        copies,
    };
    (mains, outlet)
}

impl Mains {
    /// The tap for an instance, if it is to have one.
    pub(in crate::pipeline) fn tap(&self, site: Site) -> Option<Tap> {
        self.stages.contains(&site.stage).then(|| Tap {
            site,
            gauge: Arc::clone(&self.gauge),
            copies: self.copies.clone(),
        })
    }
}

impl Tap {
    /// Takes a copy; gives false when it has come to its end.
    pub(in crate::pipeline) fn take(
        &self,
        (input, batch, marks): (usize, &Batch, &[Mark]),
        output: &Output,
        cpu_time: Duration,
    ) -> bool {
        let gauge = &self.gauge;
        if gauge.closed.load(Relaxed) || gauge.wanted.load(Relaxed) <= 0 {
            return false;
        }
        if gauge.waiting.load(Relaxed) > ROOM {
            gauge.overflowed.store(true, Relaxed);
            return false;
        }
        let records = i64::try_from(batch.len()).unwrap_or(i64::MAX);
        gauge.wanted.fetch_sub(records, Relaxed);
        let copy = Copy {
            site: self.site,
            input,
            batch: batch.clone(),
            marks: marks.to_vec(),
            output: output.clone(),
            cpu_time,
        };
        gauge.waiting.fetch_add(copy.bytes(), Relaxed);
        self.copies.send(copy).is_ok()
    }
}

impl Outlet {
    /// The next copy; none when all taps have ended, or none came for so long.
    pub(in crate::pipeline) fn next(&self, wait: Duration) -> Option<Copy> {
        let copy = match self.copies.recv_timeout(wait) {
            Ok(copy) => copy,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        self.gauge.waiting.fetch_sub(copy.bytes(), Relaxed);
        Some(copy)
    }

    /// The stages that copies are taken of.
    pub(in crate::pipeline) fn stages(&self) -> &BTreeSet<usize> {
        &self.stages
    }

    /// Whether as many records were copied as were wanted.
    pub(in crate::pipeline) fn has_all(&self) -> bool {
        self.gauge.wanted.load(Relaxed) <= 0
    }

    /// Whether copies came faster than they were taken.
    pub(in crate::pipeline) fn has_overflowed(&self) -> bool {
        self.gauge.overflowed.load(Relaxed)
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.gauge.closed.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: Site = Site {
        stage: 1,
        worker: 0,
    };

    fn feed(tap: &Tap, value: &[u8]) -> bool {
        let mut batch = Batch::default();
        batch.push(value, None, 0);
        tap.take((0, &batch, &[]), &Output::default(), Duration::ZERO)
    }

    #[test]
    fn a_tap_ends_when_it_has_given_as_much_as_was_wanted() {
        let (mains, outlet) = mains(BTreeSet::from([1]), 2);
        let tap = mains.tap(SITE).unwrap();
        assert!(feed(&tap, b"a") && feed(&tap, b"b"));
        assert!(!feed(&tap, b"c"));
        let next = || {
            outlet
                .next(Duration::ZERO)
                .map(|copy| copy.batch.record(0).value.to_vec())
        };
        assert_eq!(next().as_deref(), Some(&b"a"[..]));
        assert_eq!(next().as_deref(), Some(&b"b"[..]));
        assert!(outlet.has_all() && !outlet.has_overflowed());
    }

    #[test]
    fn a_tap_ends_rather_than_to_hold_up_its_instance() {
        let (mains, outlet) = mains(BTreeSet::from([1]), u64::MAX);
        let tap = mains.tap(SITE).unwrap();
        let large = vec![0; ROOM / 4];
        let taken = (0..10).take_while(|_| feed(&tap, &large)).count();
        assert!(taken < 10 && outlet.has_overflowed() && !outlet.has_all());
    }

    #[test]
    fn other_stages_have_no_tap_and_nobody_listening_ends_all() {
        let (mains, outlet) = mains(BTreeSet::from([1]), 10);
        assert!(
            mains
                .tap(Site {
                    stage: 0,
                    worker: 0
                })
                .is_none()
        );
        let tap = mains.tap(SITE).unwrap();
        drop(outlet);
        assert!(!feed(&tap, b"a"));
    }
}
