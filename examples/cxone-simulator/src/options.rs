//! What the simulated tenant looks like.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

/// The settings of a [`Simulator`](crate::Simulator).
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The only client that the token endpoint knows.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: String,
    /// What the client may ask for. A token carries those of the requested scopes that are listed here.
    pub scopes: Vec<String>,
    /// How long a token is accepted; told to clients as `expires_in`, in whole seconds.
    pub token_lifetime: Duration,
    /// Requests a second, over all endpoints, beyond which 429 is answered. `None` never limits.
    pub rate_limit: Option<NonZeroU32>,
    /// The identifiers of the data actions that exist.
    pub data_actions: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: "demo-client".into(),
            client_secret: "demo-secret".into(),
            scopes: vec!["data_actions:read".into()],
            token_lifetime: Duration::from_hours(1),
            rate_limit: None,
            data_actions: vec!["cxone-data-actions".into()],
        }
    }
}
