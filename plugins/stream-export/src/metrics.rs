//! How a stream went: document 004, step 3.

use serde::{Deserialize, Serialize};

use crate::frame::Frame;

/// Sums over a stream, from where it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    chunks: u64,
    frames: u64,
    records: u64,
    bytes: u64,
    uncompressed_bytes: u64,
    latency: u64,
    drifted_chunks: u64,
}

/// What is told of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// Chunks, as the matrix cuts them.
    pub total_chunks: u64,
    /// Messages of chunks.
    pub total_frames: u64,
    /// Records.
    pub total_records: u64,
    /// Messages of chunks, in bytes.
    pub total_bytes: u64,
    /// The same records uncompressed, in bytes.
    pub uncompressed_bytes: u64,
    /// Chunks that were not of the shape that was expected.
    pub drifted_chunks: u64,
    /// From asking for a chunk to having handed its messages over, on average, in milliseconds.
    pub avg_latency_ms: u64,
    /// Bytes of messages a second, over the whole stream.
    pub throughput_bps: u64,
    /// From the beginning on, in milliseconds.
    pub elapsed_ms: u64,
}

impl Sums {
    /// Counts a chunk that took so many milliseconds.
    pub fn add(&mut self, frames: &[Frame], latency: u64, has_drifted: bool) {
        let sum = |of: fn(&Frame) -> u64| frames.iter().map(of).sum::<u64>();
        self.chunks += 1;
        self.frames += frames.len() as u64;
        self.records += sum(|frame| frame.records);
        self.bytes += sum(|frame| frame.message.len() as u64);
        self.uncompressed_bytes += sum(|frame| frame.uncompressed);
        self.latency += latency;
        self.drifted_chunks += u64::from(has_drifted);
    }

    /// What is told after so many milliseconds.
    pub fn metrics(&self, elapsed: u64) -> Metrics {
        Metrics {
            total_chunks: self.chunks,
            total_frames: self.frames,
            total_records: self.records,
            total_bytes: self.bytes,
            uncompressed_bytes: self.uncompressed_bytes,
            drifted_chunks: self.drifted_chunks,
            avg_latency_ms: self.latency.checked_div(self.chunks).unwrap_or_default(),
            throughput_bps: (self.bytes.saturating_mul(1_000))
                .checked_div(elapsed)
                .unwrap_or_default(),
            elapsed_ms: elapsed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(records: u64, bytes: usize) -> Frame {
        Frame {
            offset: 0,
            records,
            checksum: String::new(),
            uncompressed: 10 * bytes as u64,
            message: vec![0; bytes],
        }
    }

    #[test]
    fn chunks_are_summed_up() {
        let mut sums = Sums::default();
        sums.add(&[frame(3, 100), frame(2, 60)], 30, false);
        sums.add(&[frame(1, 40)], 11, true);
        let metrics = sums.metrics(400);
        assert_eq!((metrics.total_chunks, metrics.total_frames), (2, 3));
        assert_eq!((metrics.total_records, metrics.total_bytes), (6, 200));
        assert_eq!(metrics.uncompressed_bytes, 2_000);
        assert_eq!((metrics.avg_latency_ms, metrics.throughput_bps), (20, 500));
        assert_eq!(metrics.drifted_chunks, 1);
    }

    #[test]
    fn a_stream_of_nothing_in_no_time_has_metrics() {
        let metrics = Sums::default().metrics(0);
        assert_eq!((metrics.avg_latency_ms, metrics.throughput_bps), (0, 0));
    }
}
