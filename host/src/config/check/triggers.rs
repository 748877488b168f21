//! Triggers start jobs that exist, and share one server: no two of them are asked by the same method and path, and none by those that the server keeps for
//! itself.

use crate::config::check::{Parts, contains, unknown};
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::Context;
use crate::config::trigger::Trigger;

/// Paths that the server answers by itself: what triggers there are, and how jobs fare.
const RESERVED: &[&str] = &["/openapi.json", "/jobs", "/jobs/"];

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for job in parts
        .triggers
        .iter()
        .filter_map(|trigger| trigger.kind.job())
    {
        if !contains(&parts.declared.jobs, job) {
            context.report(unknown("job", job, &job.place, &parts.declared.jobs));
        }
    }
    for (index, trigger) in parts.triggers.iter().enumerate() {
        let Some((method, path)) = trigger.kind.route() else {
            continue;
        };
        let reserved = RESERVED.contains(&path.as_str()) || path.as_str().starts_with("/jobs/");
        if reserved {
            context.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    path.place.clone(),
                    format!("the path `{}` is the server's own", path.as_str()),
                )
                .help("choose another: `/openapi.json` describes the triggers, and `/jobs/` shows jobs"),
            );
        }
        let same = |earlier: &&Trigger| {
            let route = earlier.kind.route();
            route.is_some_and(|(other, there)| other == method && there.value == path.value)
        };
        if let Some(earlier) = parts.triggers[..index].iter().find(same) {
            context.report(
                Diagnostic::new(
                    &code::DUPLICATE,
                    path.place.clone(),
                    format!("two triggers are asked by `{method} {}`", path.as_str()),
                )
                .related(earlier.name.place.clone(), "the other one")
                .help("give one of them another path"),
            );
        }
    }
}
