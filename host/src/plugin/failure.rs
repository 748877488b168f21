//! What a guest did wrong.

use std::fmt;
use std::time::Duration;

use crate::error::Code;

/// A guest broke off, broke a limit or broke the contract. Its instance is not to be used again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What it did.
    pub breach: Breach,
    /// The function of the contract that was being called.
    pub function: &'static str,
    /// What it wrote to its standard error last, a panic's message for example.
    pub last_words: String,
    /// Where in the guest, if that is known.
    pub backtrace: Option<String>,
}

/// The ways in which a guest can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// It trapped: a panic, an access out of bounds, an exhausted stack.
    Trap(String),
    /// It ran longer than one call may.
    CpuTime(Duration),
    /// It asked for more memory than it may have, bytes, and broke off.
    Memory {
        /// What it may have.
        limit: u64,
        /// What it would have had.
        wanted: u64,
    },
    /// It returned more at once than it may, bytes.
    OutputBytes(u64),
    /// It wants to remember more than it may, bytes of keys and values.
    StateBytes {
        /// What it may remember.
        limit: u64,
        /// What it would remember.
        wanted: u64,
    },
    /// It called the host more often within a second than it may.
    HostCalls(u32),
    /// It did nothing wrong: the host has no room for another instance, which is why.
    NoRoom(String),
    /// What it returned is not what the contract allows.
    Contract(String),
    /// It returned an error where the contract lets it: it cannot work with this configuration or state.
    Refusal(String),
}

impl Breach {
    /// The code of a dead letter of a record that it happened with.
    #[must_use]
    pub fn letter_code(&self) -> &'static str {
        match self {
            Self::Trap(_) => "plugin-trapped",
            Self::CpuTime(_) => "plugin-cpu-time",
            Self::Memory { .. } => "plugin-memory",
            Self::OutputBytes(_) => "plugin-output-bytes",
            Self::StateBytes { .. } => "plugin-state-bytes",
            Self::HostCalls(_) => "plugin-host-calls",
            Self::NoRoom(_) => "engine-full",
            Self::Contract(_) => "plugin-contract",
            Self::Refusal(_) => "plugin-refusal",
        }
    }

    /// Whether it went over a limit of the manifest.
    #[must_use]
    pub fn is_of_limit(&self) -> bool {
        match self {
            Self::CpuTime(_)
            | Self::Memory { .. }
            | Self::OutputBytes(_)
            | Self::StateBytes { .. }
            | Self::HostCalls(_) => true,
            Self::NoRoom(_) | Self::Trap(_) | Self::Contract(_) | Self::Refusal(_) => false,
        }
    }
}

impl Failure {
    pub(super) fn contract(function: &'static str, found: impl fmt::Display) -> Self {
        Self::of(Breach::Contract(found.to_string()), function)
    }

    pub(super) fn of(breach: Breach, function: &'static str) -> Self {
        Self {
            breach,
            function,
            last_words: String::new(),
            backtrace: None,
        }
    }

    /// The stable code of this kind of failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.breach {
            Breach::Trap(_) => Code::PLUGIN_TRAPPED,
            Breach::CpuTime(_) => Code::PLUGIN_CPU_TIME,
            Breach::Memory { .. } => Code::PLUGIN_MEMORY,
            Breach::OutputBytes(_) => Code::PLUGIN_OUTPUT_BYTES,
            Breach::StateBytes { .. } => Code::PLUGIN_STATE_BYTES,
            Breach::HostCalls(_) => Code::PLUGIN_HOST_CALLS,
            Breach::NoRoom(_) => Code::ENGINE_FULL,
            Breach::Contract(_) => Code::PLUGIN_CONTRACT,
            Breach::Refusal(_) => Code::PLUGIN_REFUSAL,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.breach {
            Breach::Trap(reason) => write!(f, "trapped in `{}`: {reason}", self.function)?,
            Breach::CpuTime(limit) => write!(
                f,
                "used more than {limit:?} of CPU time in one call of `{}`",
                self.function
            )?,
            Breach::Memory { limit, wanted } => write!(
                f,
                "broke off in `{}` when it could not have {wanted} bytes of memory; its limit is {limit}",
                self.function
            )?,
            Breach::OutputBytes(limit) => write!(
                f,
                "returned more than {limit} bytes from one call of `{}`",
                self.function
            )?,
            Breach::StateBytes { limit, wanted } => write!(
                f,
                "wants to remember {wanted} bytes of keys and values in `{}`; its limit is {limit}",
                self.function
            )?,
            Breach::HostCalls(limit) => write!(
                f,
                "called the host more than {limit} times within a second, in `{}`",
                self.function
            )?,
            Breach::NoRoom(reason) => write!(
                f,
                "could not be started, for want of room in the host: {reason}"
            )?,
            Breach::Contract(found) => {
                write!(f, "broke the contract in `{}`: {found}", self.function)?
            }
            Breach::Refusal(reason) => write!(f, "refused `{}`: {reason}", self.function)?,
        }
        if !self.last_words.is_empty() {
            write!(f, " (it said: {})", self.last_words.trim())?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
