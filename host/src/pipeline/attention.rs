//! Who runs a pipeline may tell it to stop at any time, also while the task's own thread waits for a service that does not answer.

use std::thread;

use crossbeam_channel::{Receiver, bounded, never, select};

use super::halt::Halt;

/// Listens for being told to stop. Once: finish what is in flight and commit it. Twice: wait for nothing.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    stop: Receiver<()>,
    told: usize,
}

impl Attention {
    pub(super) fn new(stop: &Receiver<()>) -> Self {
        Self {
            stop: stop.clone(),
            told: 0,
        }
    }

    /// Whether the pipeline was told to stop.
    pub(super) fn is_told(&self) -> bool {
        self.told > 0
    }

    /// Whether it was told to wait for nothing.
    pub(super) fn is_pressed(&self) -> bool {
        self.told > 1
    }

    /// Where it is told; what comes through belongs to [`hear`](Self::hear).
    pub(super) fn channel(&self) -> &Receiver<()> {
        &self.stop
    }

    /// Takes note of what came through the channel: it was told, or there is nobody any more who could tell it.
    pub(super) fn hear(&mut self, told: bool) {
        if told {
            self.told += 1;
        } else {
            self.stop = never();
        }
    }

    /// It was told once less: that has been taken for something else than to stop.
    pub(super) fn forget(&mut self) {
        self.told = self.told.saturating_sub(1);
    }

    /// Does work that may wait for a service, and ends the waiting when the pipeline has been told to stop so many times.
    pub(super) fn during<T>(&mut self, halt: &Halt, times: usize, work: impl FnOnce() -> T) -> T {
        let (working, done) = bounded::<()>(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    if self.told >= times {
                        halt.halt();
                    }
                    let stop = self.stop.clone();
                    select! {
                        recv(stop) -> told => self.hear(told.is_ok()),
                        recv(done) -> _ => return,
                    }
                }
            });
            // Also where the work panics, the listener is let go.
            let _working = working;
            work()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until the attempt is halted, as whoever waits for a broker does.
    fn wait(halt: &Halt) {
        while !halt.sleep(std::time::Duration::from_millis(50)) {}
    }

    #[test]
    fn to_be_told_ends_a_wait() {
        let (tell, stop) = bounded(2);
        let mut attention = Attention::new(&stop);
        let halt = Halt::default();
        tell.send(()).unwrap();
        attention.during(&halt, 1, || wait(&halt));
        assert!(attention.is_told() && !attention.is_pressed());
    }

    #[test]
    fn what_is_to_be_finished_is_waited_for_until_told_twice() {
        let (tell, stop) = bounded(2);
        let mut attention = Attention::new(&stop);
        let halt = Halt::default();
        tell.send(()).unwrap();
        attention.during(&halt, 2, || {
            assert!(!halt.is_halted());
            tell.send(()).unwrap();
            wait(&halt);
        });
        assert!(attention.is_pressed());
    }

    #[test]
    fn nobody_who_could_tell_ends_nothing() {
        let (tell, stop) = bounded(2);
        drop(tell);
        let mut attention = Attention::new(&stop);
        let halt = Halt::default();
        assert!(!attention.during(&halt, 1, || halt.sleep(std::time::Duration::from_millis(5))));
        assert!(!attention.is_told());
    }
}
