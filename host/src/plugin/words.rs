//! What guests say: how much of it is kept, and in what form people get to see it.
//!
//! A guest's text ends in terminals, logs and databases. However much it says, the host keeps a bounded part of it, and
//! whatever it says, it cannot clear a terminal or pass for a line of the host's own.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult, pipe::MemoryOutputPipe};

/// How much of a text of a guest is shown, bytes.
const SHOWN: usize = 4096;

/// How much may be written to a stream at once, bytes: also what the host allocates on a guest's behalf in one call.
const PERMIT: usize = 4096;

/// Lines that a stage instance may log at once, and how long it takes until it may log one more.
const BURST: u32 = 200;
const REFILL: Duration = Duration::from_millis(20);

/// Text of a guest in one line without control characters, cut where it is too long.
pub(crate) fn presentable(text: String) -> String {
    let plain = |character: char| !character.is_control();
    if text.len() <= SHOWN && text.chars().all(plain) {
        return text;
    }
    let mut shown = String::with_capacity(text.len().min(SHOWN));
    for character in text.chars() {
        if shown.len() >= SHOWN {
            let _ = write!(shown, "… ({} bytes in all)", text.len());
            return shown;
        }
        match character {
            '\n' | '\r' | '\t' => shown.push(' '),
            other if plain(other) => shown.push(other),
            control => shown.extend(control.escape_default()),
        }
    }
    shown
}

/// The end of what a guest wrote to its standard error or logged as an error, since the call began.
#[derive(Clone, Debug, Default)]
pub(super) struct LastWords {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl LastWords {
    /// Adds to them; the oldest make place.
    pub(super) fn hear(&self, bytes: &[u8]) {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&bytes[bytes.len().saturating_sub(SHOWN)..]);
        let over = kept.len().saturating_sub(SHOWN);
        kept.drain(..over);
    }

    /// Forgets them.
    pub(super) fn clear(&self) {
        self.bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What was heard, for people.
    pub(super) fn text(&self) -> String {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        presentable(
            String::from_utf8_lossy(kept.make_contiguous())
                .trim()
                .to_owned(),
        )
    }
}

/// A standard stream of a guest: what is written to it is kept as last words, or not at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) kept: Option<LastWords>,
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Of the third preview of WASI, which no guest of this contract imports.
        Box::new(MemoryOutputPipe::new(0))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if let Some(kept) = &self.kept {
            kept.hear(&bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

/// How many lines an instance may log.
#[derive(Debug)]
pub(super) struct LogAllowance {
    lines: u32,
    refilled: Instant,
    left_out: u64,
}

impl LogAllowance {
    /// A full one.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            lines: BURST,
            refilled: now,
            left_out: 0,
        }
    }

    /// Whether a line may be logged now; if it may, with how many were left out before it.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        let refills = now.saturating_duration_since(self.refilled).as_millis() / REFILL.as_millis();
        if refills > 0 {
            let refills = u32::try_from(refills).unwrap_or(u32::MAX);
            self.lines = self.lines.saturating_add(refills).min(BURST);
            self.refilled = now;
        }
        if self.lines == 0 {
            self.left_out += 1;
            return None;
        }
        self.lines -= 1;
        Some(std::mem::take(&mut self.left_out))
    }

    /// How many lines were left out and not told of yet.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_control_characters_is_shown_as_it_is() {
        assert_eq!(presentable("Grüße, 世界".to_owned()), "Grüße, 世界");
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(
            presentable("\u{1b}[2Jgone\nERROR forged\u{7}".to_owned()),
            "\\u{1b}[2Jgone ERROR forged\\u{7}"
        );
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let shown = presentable("ä".repeat(5000));
        assert!(
            shown.len() < SHOWN + 40 && shown.ends_with("… (10000 bytes in all)"),
            "{shown}"
        );
    }

    #[test]
    fn last_words_are_the_last_ones() {
        let words = LastWords::default();
        words.hear(&[b'x'; 3 * SHOWN]);
        words.hear(b"goodbye");
        assert!(words.text().ends_with("xgoodbye") && words.text().len() == SHOWN);
        words.clear();
        assert_eq!(words.text(), "");
    }

    #[test]
    fn lines_beyond_the_allowance_are_counted_and_told_of_with_the_next_one() {
        let start = Instant::now();
        let mut allowance = LogAllowance::new(start);
        let logged = (0..BURST + 5)
            .filter(|_| allowance.take(start).is_some())
            .count();
        assert_eq!((logged, allowance.left_out()), (BURST as usize, 5));
        assert_eq!(allowance.take(start + REFILL), Some(5));
        assert_eq!(allowance.take(start + REFILL), None);
    }
}
