//! Most wrong names are typing errors, and the nearest right one is then all that a person needs to be told.

/// The candidate that `wrong` was most likely meant to be, if one is near enough.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(wrong);
    candidates
        .into_iter()
        .map(|candidate| {
            let folded_candidate = fold(candidate);
            let distance = strsim::damerau_levenshtein(&folded, &folded_candidate);
            (distance, folded_candidate.chars().count(), candidate)
        })
        // A third of the letters may be wrong: more, and the guess is noise.
        .filter(|(distance, length, _)| *distance <= (*length).max(folded.chars().count()) / 3)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, candidate)| candidate)
}

/// Case and the kind of separator are never what tells two names apart.
fn fold(name: &str) -> String {
    name.to_lowercase().replace(['_', ' '], "-")
}

/// Names as a list for a message: `` `a`, `b` ``.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn swapped_letters_and_other_separators_are_seen_through() {
        let keys = ["interval", "minimum-pause", "path"];
        assert_eq!(nearest("intreval", keys), Some("interval"));
        assert_eq!(nearest("minimum_pause", keys), Some("minimum-pause"));
        assert_eq!(nearest("Path", keys), Some("path"));
    }

    #[test]
    fn what_resembles_nothing_gets_no_guess() {
        assert_eq!(nearest("zone", ["interval", "path"]), None);
    }
}
