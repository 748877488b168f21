//! What one plugin may ask of a connection: everything that the connection permits, or less. The connection says what may be asked of a service by
//! anybody; a grant keeps a job that needs two of its paths from the others.

use reqwest::Method;

use super::pattern::PathPattern;
use super::permission::granted;
use crate::config::reader::TableReader;

/// What one plugin may ask of a connection, within what that permits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The methods; any if there is none.
    pub methods: Vec<Method>,
    /// The paths below the base URL; any if there is none.
    pub paths: Vec<PathPattern>,
}

impl Grant {
    pub(in crate::config) fn read(table: &TableReader<'_>) -> Option<Self> {
        let methods = granted::<Method>(table, "methods");
        let paths = granted::<PathPattern>(table, "paths");
        Some(Self {
            methods: methods?,
            paths: paths?,
        })
    }

    /// Whether a request of this method may be made.
    #[must_use]
    pub fn has_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// Whether a request of this path, as it is written in a URL, may be made.
    #[must_use]
    pub fn has_path(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|one| one.matches(path))
    }

    /// Whether everything that `other` allows is allowed here. Where several patterns together are needed to cover one of the
    /// other's, the answer is no: who asks, asks whether something grows, and is to look at it then.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let methods = self.methods.is_empty()
            || !other.methods.is_empty()
                && other.methods.iter().all(|method| self.has_method(method));
        let covered =
            |theirs: &PathPattern| self.paths.iter().any(|pattern| pattern.covers(theirs));
        let paths =
            self.paths.is_empty() || !other.paths.is_empty() && other.paths.iter().all(covered);
        methods && paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(methods: &[Method], paths: &[&str]) -> Grant {
        Grant {
            methods: methods.to_vec(),
            paths: paths
                .iter()
                .map(|path| PathPattern::parse(path).unwrap())
                .collect(),
        }
    }

    #[test]
    fn a_grant_of_everything_covers_all_and_is_covered_by_none_else() {
        let (everything, some) = (Grant::default(), grant(&[Method::GET], &["/a/**"]));
        assert!(everything.covers(&some) && everything.covers(&everything));
        assert!(!some.covers(&everything));
        assert!(!grant(&[Method::GET], &[]).covers(&everything));
        assert!(!grant(&[], &["/a"]).covers(&everything));
    }

    #[test]
    fn a_grant_covers_itself_in_any_order_and_what_is_narrower() {
        let whole = grant(&[Method::GET, Method::POST], &["/a/*", "/b/**"]);
        assert!(whole.covers(&grant(&[Method::POST, Method::GET], &["/b/**", "/a/*"])));
        assert!(whole.covers(&grant(&[Method::GET], &["/a/1", "/b/*/c"])));
    }

    #[test]
    fn one_method_or_path_more_is_not_covered() {
        let whole = grant(&[Method::GET], &["/a/*"]);
        assert!(!whole.covers(&grant(&[Method::GET, Method::PUT], &["/a/*"])));
        assert!(!whole.covers(&grant(&[Method::GET], &["/a/*", "/b"])));
        assert!(!whole.covers(&grant(&[Method::GET], &["/a/**"])));
    }

    #[test]
    fn a_request_is_allowed_by_method_and_path() {
        let grant = grant(&[Method::GET], &["/v1/reports/*"]);
        assert!(grant.has_method(&Method::GET) && !grant.has_method(&Method::DELETE));
        assert!(grant.has_path("/v1/reports/7") && !grant.has_path("/v1/users/7"));
    }
}
