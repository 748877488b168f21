//! Ports that no other test takes at the same time. Asking the kernel for a free one would not do: a server that crashed
//! comes back on its old port, which must not have been lent to anybody in between, least of all to a client that tries
//! to reach it (which would then be connected to itself).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that Linux lends to clients (`net.ipv4.ip_local_port_range`).
const FIRST: u16 = 20_000;
const PAIRS: u16 = 6000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Two ports that follow each other, reserved for as long as this lives.
#[derive(Debug)]
pub(super) struct PortPair {
    first: u16,
    _lock: File,
}

impl PortPair {
    /// Reserves a pair.
    ///
    /// # Errors
    /// When all are taken, or the folder for temporary files takes no file.
    pub fn reserve() -> io::Result<Self> {
        let folder = std::env::temp_dir().join("jackfield-ports");
        fs::create_dir_all(&folder)?;
        // Processes begin at places of their own, to meet seldom.
        let begin = process::id().wrapping_mul(7919) % u32::from(PAIRS);
        for _ in 0..PAIRS {
            let number = (begin + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) as u16 % PAIRS;
            let first = FIRST + 2 * number;
            let lock = OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.join(first.to_string()))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if is_free(first) && is_free(first + 1) {
                return Ok(Self { first, _lock: lock });
            }
        }
        Err(io::Error::other("all ports for tests are taken"))
    }

    /// The lower of the two.
    pub fn first(&self) -> u16 {
        self.first
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn no_pair_is_given_twice_while_it_is_held() {
        let pairs: Vec<PortPair> = (0..20).map(|_| PortPair::reserve().unwrap()).collect();
        let mut ports: Vec<u16> = pairs.iter().map(PortPair::first).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), pairs.len());
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_free() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
