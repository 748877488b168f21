//! Where a result will be: what a service says in `Location`, a whole URL or a part of one (RFC 9110, section 10.2.2).

/// What to ask the connection for, where a request for the path `base` was answered with this `Location`: a path, or the whole URL if it is
/// one, which the host compares with the connection. None for what leads nowhere, or leaves the connection without saying how.
#[must_use]
pub fn resolve(base: &str, location: &str) -> Option<String> {
    // RFC 9110, section 10.2.2: a fragment is for whoever shows the result.
    let location = location.split('#').next().unwrap_or_default();
    let is_plain = location.bytes().all(|byte| byte.is_ascii_graphic());
    if location.is_empty() || !is_plain || location.starts_with("//") {
        return None;
    }
    if location.starts_with('/') {
        return Some(location.to_owned());
    }
    if let Some((scheme, _)) = location.split_once("://")
        && !scheme.contains(['/', '?'])
    {
        let is_http = ["http", "https"]
            .iter()
            .any(|http| scheme.eq_ignore_ascii_case(http));
        return is_http.then(|| location.to_owned());
    }
    let first = location.split(['/', '?']).next().unwrap_or_default();
    if first.contains(':') {
        return None;
    }
    let kept = match location.starts_with('?') {
        true => base,
        false => &base[..=base.rfind('/')?],
    };
    Some(format!("{kept}{location}"))
}
