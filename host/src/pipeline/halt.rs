//! The end of an attempt, for those who wait for something outside: nobody who waits for a broker may keep a pipeline from stopping.

use std::time::Duration;

use tokio::sync::watch;

/// Says when the attempt is over. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Halt(watch::Sender<bool>);

impl Default for Halt {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Halt {
    /// The attempt is over.
    pub fn halt(&self) {
        self.0.send_replace(true);
    }

    /// Whether the attempt is over.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the attempt is over, within an asynchronous client.
    pub async fn halted(&self) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|halted| *halted).await;
    }

    /// Sleeps for that long, or until the attempt is over; gives whether it is.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        let until = std::time::Instant::now() + duration;
        // In steps: threads without a runtime sleep here, and seldom.
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            if self.is_halted() || left.is_zero() {
                return self.is_halted();
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
    }
}
