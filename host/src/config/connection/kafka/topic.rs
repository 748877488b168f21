//! Names of topics, as brokers allow them.

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

/// The longest that brokers take: the name becomes that of a folder.
const LONGEST: usize = 249;

/// The name of a topic.
pub(crate) struct Topic(String);

impl Topic {
    /// The topic that a table has to name.
    pub(crate) fn read_required(table: &TableReader<'_>) -> Option<Located<String>> {
        let topic: Located<Self> = table.required("topic")?;
        Some(topic.map(|topic| topic.0))
    }
}

fn is_valid(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(is_allowed)
        && ![".", ".."].contains(&name)
}

impl Read for Topic {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let name = context.text(node)?;
        if is_valid(name) {
            return Some(Self(name.to_owned()));
        }
        context.report(
            Diagnostic::new(
                &code::INVALID_NAME,
                node.place.clone(),
                format!("`{}` is not the name of a topic", node.place.key()),
            )
            .found(node.describe())
            .expected("letters, digits, `.`, `_` and `-`, at most 249 in all"),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_as_brokers_allow() {
        assert!(is_valid("cxone-data-actions") && is_valid("a.b_C-1"));
        for name in ["", ".", "..", "a b", "ü", "a/b", &"x".repeat(250)] {
            assert!(!is_valid(name), "{name}");
        }
    }
}
