//! Lines on standard output, for trying things out: what was printed cannot be taken back after a recovery.

/// `type = "stdout"`: records as they are, one a line, at least once. It has no options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StdoutSink;
