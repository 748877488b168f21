//! From what a manifest says of reloads to the terms on which a task takes a version in.

use std::time::Duration;

use crate::config::{ConnectionKind, Manifest, ReloadPolicy};
use crate::pipeline::reload::{Expectations, Policy, Terms};

/// How long a probation takes if nothing is said of it.
const PROBATION: Duration = Duration::from_secs(10);

/// How a manifest wants versions to be taken in.
pub(super) fn terms(manifest: &Manifest) -> Terms {
    let options = &manifest.reload;
    // A probation is one transaction.
    let timeouts = manifest
        .connections
        .iter()
        .filter_map(|connection| match &connection.kind {
            ConnectionKind::Kafka(options) => Some(options.transaction_timeout.value / 2),
            _ => None,
        });
    let by_default = timeouts.fold(PROBATION, Duration::min);
    let duration = options.probation.duration.as_ref();
    Terms {
        policy: match options.policy {
            ReloadPolicy::Observe => Policy::Observe,
            ReloadPolicy::RequireEqual => Policy::RequireEqual,
            ReloadPolicy::Tolerate(share) => Policy::Tolerate(share),
        },
        shadow_records: options.shadow.records,
        shadow_duration: options.shadow.duration,
        shadow_cpu_share: options.shadow.cpu_share,
        probation: Expectations {
            duration: duration.map_or(by_default, |found| found.value),
            rejections: options.probation.rejections,
            slowdown: options.probation.slowdown,
        },
    }
}
