//! How a service knows the host: OAuth client credentials, a bearer token, headers such as API keys, or not at all.

use reqwest::header::HeaderName;

use super::permission::{header_name, is_reserved};
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, TableReader};
use crate::config::secret::Secret;
use crate::config::tree::Node;
use crate::config::url::UrlPath;

/// How a service knows the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HttpAuthentication {
    /// Not at all.
    None,
    /// `bearer-token`.
    Bearer(Secret),
    /// `secret-headers`, by name.
    Headers(Vec<(Located<HeaderName>, Secret)>),
    /// `token-path`, `client-id`, `client-secret` and what belongs to them.
    OAuth(Box<OAuth>),
}

/// OAuth client credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct OAuth {
    /// Where, below the base URL, tokens are asked for.
    pub token_path: Located<UrlPath>,
    /// The client's identifier.
    pub client_id: Secret,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scope to ask for, if any.
    pub scope: Option<Located<String>>,
    /// Where the credentials stand when a token is asked for; in the header by default.
    pub client_authentication: ClientAuthentication,
}

/// Where the credentials of a client stand when it asks for a token (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// In the `Authorization` header, by HTTP Basic.
    #[default]
    Basic,
    /// In the form, as `client_id` and `client_secret`.
    Form,
}

const OAUTH: &[&str] = &[
    "token-path",
    "client-id",
    "client-secret",
    "scope",
    "client-authentication",
];

impl HttpAuthentication {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let bearer_node = table.optional_node("bearer-token");
        let headers_node = table.optional_node("secret-headers");
        let oauth_node = OAUTH.iter().find_map(|key| table.optional_node(key));
        let found: Vec<&Node> = [oauth_node, bearer_node, headers_node]
            .into_iter()
            .flatten()
            .collect();
        if let [first, second, ..] = found[..] {
            table.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    second.key_place.clone(),
                    "a service knows the host in one way",
                )
                .related(first.key_place.clone(), "this is another")
                .help("keep the OAuth client credentials, `bearer-token` or `secret-headers`, and remove the others"),
            );
        }
        let oauth = oauth_node.map(|_| OAuth::read(table));
        let bearer = bearer_node.map(|_| Secret::read_required(table, "bearer-token"));
        let headers = headers_node.map(|_| {
            table.required_entries(
                "secret-headers",
                "secret-headers = { X-Api-Key = { env = \"API_KEY\" } }",
                secret_header,
            )
        });
        match (oauth, bearer, headers) {
            (Some(oauth), _, _) => oauth.map(|oauth| Self::OAuth(Box::new(oauth))),
            (_, Some(bearer), _) => bearer.map(Self::Bearer),
            (_, _, Some(headers)) => headers.map(Self::Headers),
            (None, None, None) => Some(Self::None),
        }
    }
}

impl OAuth {
    fn read(table: &TableReader<'_>) -> Option<Self> {
        let token_path = table.required("token-path");
        let client_id = Secret::read_required(table, "client-id");
        let client_secret = Secret::read_required(table, "client-secret");
        let scope = table.optional("scope");
        let client_authentication = match table.optional_node("client-authentication") {
            Some(node) => table.context().choice(
                node,
                &[
                    ("basic", ClientAuthentication::Basic),
                    ("form", ClientAuthentication::Form),
                ],
            ),
            None => Some(ClientAuthentication::default()),
        };
        Some(Self {
            token_path: token_path?,
            client_id: client_id?,
            client_secret: client_secret?,
            scope,
            client_authentication: client_authentication?,
        })
    }
}

fn secret_header(
    name: &Located<String>,
    node: &Node,
    context: &Context,
) -> Option<(Located<HeaderName>, Secret)> {
    let secret = Secret::of(node, context);
    let header = header_name(name, context)?;
    // A bearer token or API key may well go into `Authorization`.
    if is_reserved(&header) && header.as_str() != "authorization" {
        context.report(
            Diagnostic::new(
                &code::CONTRADICTION,
                name.place.clone(),
                format!("the header `{header}` is the host's own"),
            )
            .help("remove it: it says where a message ends and whom it is for"),
        );
        return None;
    }
    Some((Located::new(header, name.place.clone()), secret?))
}
