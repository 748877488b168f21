//! Which version a process begins with, when the last checkpoint says one thing and the manifest another.

use crate::config::StartPolicy;
use crate::pipeline::reload::Note;

/// Which version it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The one of the manifest.
    Found,
    /// The one of this digest that the last checkpoint names as the candidate; this former one comes back if it fails.
    Candidate {
        /// The candidate.
        candidate: String,
        /// The former version.
        former: String,
    },
    /// The one of this digest that the last checkpoint is of; then that of the manifest is to be taken in.
    FormerThenReload(String),
    /// The one of this digest that the last checkpoint is of: that of the manifest was refused, rolled back or taken back.
    FormerAlone(String),
}

/// Decides by the note of the last checkpoint and the digest of the version that the manifest is.
#[must_use]
pub fn choose(note: Option<&Note>, found: &str, policy: StartPolicy) -> Chosen {
    let Some(note) = note else {
        return Chosen::Found;
    };
    let former = note.version.clone();
    if let Some(candidate) = &note.candidate {
        // A manifest that is new to it takes the place of all that was under way.
        let is_known = found == candidate.version || found == former || note.refuses(found);
        if candidate.on_probation && is_known {
            return Chosen::Candidate {
                candidate: candidate.version.clone(),
                former,
            };
        }
        if found == candidate.version {
            return Chosen::FormerThenReload(former);
        }
    }
    if found == former {
        return Chosen::Found;
    }
    if note.refuses(found) {
        return Chosen::FormerAlone(former);
    }
    match policy {
        StartPolicy::Switch => Chosen::Found,
        StartPolicy::Reload => Chosen::FormerThenReload(former),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::reload::Candidate;

    const SWITCH: StartPolicy = StartPolicy::Switch;

    fn note(candidate: Option<(&str, bool)>, refused: Option<&str>) -> Note {
        Note {
            candidate: candidate.map(|(version, on_probation)| Candidate {
                version: version.to_owned(),
                on_probation,
            }),
            refused: refused.into_iter().map(str::to_owned).collect(),
            ..Note::of("a")
        }
    }

    #[test]
    fn without_anything_under_way_the_manifest_is_what_runs() {
        assert_eq!(choose(None, "b", SWITCH), Chosen::Found);
        assert_eq!(choose(Some(&note(None, None)), "a", SWITCH), Chosen::Found);
        assert_eq!(choose(Some(&note(None, None)), "b", SWITCH), Chosen::Found);
    }

    #[test]
    fn where_the_manifest_wants_it_a_changed_one_is_taken_in_while_the_former_version_runs() {
        assert_eq!(
            choose(Some(&note(None, None)), "b", StartPolicy::Reload),
            Chosen::FormerThenReload("a".to_owned())
        );
    }

    #[test]
    fn a_version_that_was_sent_away_does_not_come_back_by_a_restart() {
        assert_eq!(
            choose(Some(&note(None, Some("b"))), "b", SWITCH),
            Chosen::FormerAlone("a".to_owned())
        );
        assert_eq!(
            choose(Some(&note(None, Some("b"))), "c", SWITCH),
            Chosen::Found
        );
    }

    #[test]
    fn the_version_before_goes_on_coming_back_although_the_manifest_is_the_one_that_was_left() {
        let returning = note(Some(("z", true)), Some("b"));
        assert_eq!(
            choose(Some(&returning), "b", SWITCH),
            Chosen::Candidate {
                candidate: "z".to_owned(),
                former: "a".to_owned()
            }
        );
    }

    #[test]
    fn a_reload_goes_on_where_it_was() {
        assert_eq!(
            choose(Some(&note(Some(("b", false)), None)), "b", SWITCH),
            Chosen::FormerThenReload("a".to_owned())
        );
        let on_probation = note(Some(("b", true)), None);
        for found in ["a", "b"] {
            assert_eq!(
                choose(Some(&on_probation), found, SWITCH),
                Chosen::Candidate {
                    candidate: "b".to_owned(),
                    former: "a".to_owned()
                }
            );
        }
        assert_eq!(choose(Some(&on_probation), "c", SWITCH), Chosen::Found);
    }
}
