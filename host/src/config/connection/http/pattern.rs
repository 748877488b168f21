//! Paths that plugins may ask for, by pattern: `*` is one segment, `**` any number of them.

use std::fmt;

/// A pattern of paths, such as `/api/v2/reporting/schedules/*/executions` or `/api/v2/**`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

impl PathPattern {
    /// Reads a pattern; `None` if the text is none: it begins with `/`, and `*` stands for whole segments only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let stars = |segment: &str| !segment.contains('*') || matches!(segment, "*" | "**");
        let plain = |character: char| character.is_ascii_graphic() && !"?#\\".contains(character);
        let is_pattern =
            text.starts_with('/') && text.chars().all(plain) && text.split('/').all(stars);
        is_pattern.then(|| Self(text.to_owned()))
    }

    /// Whether the path, as it is written in a URL, is one of them.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        matches(&pattern, &path, |segment| !segment.is_empty())
    }

    /// Whether every path of `other` is one of these. Read as a path whose stars are segments of their own, the other is matched only if all
    /// that it stands for is: `*` here takes one of theirs, and what they leave open in length only `**` takes.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let other: Vec<&str> = other.0.split('/').collect();
        matches(&pattern, &other, |segment| {
            !segment.is_empty() && segment != "**"
        })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Goes back to the latest `**` alone, which is enough: what an earlier one would take instead, the latest takes too. So
/// the time is at most the product of both lengths, whatever is asked for.
fn matches(pattern: &[&str], path: &[&str], is_one: impl Fn(&str) -> bool) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut latest: Option<(usize, usize)> = None;
    while place < path.len() {
        match pattern.get(at) {
            Some(&"**") => {
                latest = Some((at, place));
                at += 1;
            }
            Some(&segment) if segment == path[place] || segment == "*" && is_one(path[place]) => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((star, taken)) = latest else {
                    return false;
                };
                latest = Some((star, taken + 1));
                at = star + 1;
                place = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|&segment| segment == "**")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allows(pattern: &str, path: &str) -> bool {
        PathPattern::parse(pattern).unwrap().matches(path)
    }

    #[test]
    fn a_star_is_one_segment() {
        let pattern = "/schedules/*/executions";
        assert!(allows(pattern, "/schedules/42/executions"));
        for other in [
            "/schedules/executions",
            "/schedules//executions",
            "/schedules/4/2/executions",
            "/schedules/42/executions/1",
            "/schedules/42",
        ] {
            assert!(!allows(pattern, other), "{other}");
        }
    }

    #[test]
    fn two_stars_are_any_number_of_segments() {
        for path in ["/api", "/api/", "/api/v2/a/b"] {
            assert!(allows("/api/**", path), "{path}");
        }
        assert!(!allows("/api/**", "/apis/v2"));
        assert!(allows("/**/records", "/a/records/b/records"));
        assert!(!allows("/**/records", "/a/records/b"));
    }

    #[test]
    fn a_path_without_stars_is_itself() {
        assert!(allows("/oauth/token", "/oauth/token"));
        assert!(!allows("/oauth/token", "/oauth/token/"));
    }

    #[test]
    fn a_pattern_covers_what_is_narrower_and_itself() {
        let covers = |one: &str, other: &str| {
            let (one, other) = (PathPattern::parse(one), PathPattern::parse(other));
            one.unwrap().covers(&other.unwrap())
        };
        for (wide, narrow) in [
            ("/a/*", "/a/b"),
            ("/a/**", "/a"),
            ("/a/**", "/a/*/c/**"),
            ("/**/c", "/a/**/c"),
            ("/**", "/*/b"),
        ] {
            assert!(covers(wide, narrow), "{wide} covers {narrow}");
            assert!(!covers(narrow, wide), "{narrow} does not cover {wide}");
            assert!(covers(wide, wide) && covers(narrow, narrow));
        }
        assert!(!covers("/a/*", "/a/"));
    }

    proptest! {
        #[test]
        fn what_is_covered_is_matched_too(
            wide in "(/(a|b|\\*|\\*\\*)){1,4}", narrow in "(/(a|b|\\*|\\*\\*)){1,4}", path in "(/(a|b|c)?){1,5}",
        ) {
            let (wide, narrow) = (PathPattern::parse(&wide).unwrap(), PathPattern::parse(&narrow).unwrap());
            prop_assert!(!wide.covers(&narrow) || !narrow.matches(&path) || wide.matches(&path));
        }
    }

    #[test]
    fn patterns_of_many_stars_do_not_take_for_ever() {
        let pattern = format!("{}/end", "/**/a".repeat(30));
        assert!(!allows(&pattern, &"/a".repeat(5_000)));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "api", "/a*", "/a?b", "/a#b", "/a b", "/***"] {
            assert_eq!(PathPattern::parse(text), None, "{text}");
        }
    }
}
