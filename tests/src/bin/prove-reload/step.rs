//! Where a reload stands, in the words of what is told of it.

use serde::Deserialize;

/// Where a reload stands, as it is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Preparing,
    Shadow,
    CutOver,
    Probation,
    RollBack,
    Done,
    Refused,
    RolledBack,
    Cancelled,
}

impl Step {
    /// Those at which something is still under way.
    pub const UNDER_WAY: [Self; 5] = [
        Self::Preparing,
        Self::Shadow,
        Self::CutOver,
        Self::Probation,
        Self::RollBack,
    ];

    pub fn is_over(self) -> bool {
        !Self::UNDER_WAY.contains(&self)
    }

    /// Whether this one may come after `former`; the first has none.
    pub fn may_follow(self, former: Option<Self>) -> bool {
        match former {
            None => self == Self::Preparing,
            // A process that finds a version on probation goes on there, or finds that it has been decided.
            Some(Self::Preparing) => self != Self::Preparing && self != Self::RollBack,
            Some(Self::Shadow) => matches!(self, Self::CutOver | Self::Refused | Self::Cancelled),
            Some(Self::CutOver) => {
                matches!(self, Self::Probation | Self::Refused | Self::Cancelled)
            }
            Some(Self::Probation) => matches!(
                self,
                Self::Done | Self::RollBack | Self::RolledBack | Self::Cancelled
            ),
            Some(Self::RollBack) => self == Self::RolledBack,
            Some(Self::Done | Self::Refused | Self::RolledBack | Self::Cancelled) => false,
        }
    }
}
