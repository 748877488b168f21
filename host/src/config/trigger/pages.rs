//! A service asks for the rows of a table, page by page.

use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::secret::Secret;
use crate::config::url::UrlPath;

/// The options of `type = "pages"`.
#[derive(Clone, Debug, PartialEq)]
pub struct PagesTrigger {
    /// The path.
    pub path: Located<UrlPath>,
    /// The sink whose table it is.
    pub sink: Located<String>,
    /// Columns that may be asked for by what they hold.
    pub filters: Vec<Located<String>>,
    /// What callers have to show, if anything.
    pub bearer_token: Option<Secret>,
}

impl PagesTrigger {
    /// Parameters that say which page is meant, so that no column can be asked for by such a name.
    pub const RESERVED: [&str; 2] = ["limit", "offset"];

    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let path = table.required("path");
        let sink = table.required("sink");
        let filters = table.optional_list("filters").unwrap_or_default();
        table.context().refuse_repetition(&filters);
        let bearer_token = Secret::read_optional(table, "bearer-token");
        Some(Self {
            path: path?,
            sink: sink?,
            filters,
            bearer_token,
        })
    }
}
