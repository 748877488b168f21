//! A name that a manifest, or whoever answers for the name's zone, leads to an address behind the host's own firewall would
//! make the host reach for what only it can reach (server-side request forgery). So it is the *resolved* address that is
//! looked at, at each connection anew: a name may lead elsewhere a moment later (DNS rebinding).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

type Addresses = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;
/// How names become addresses.
type Lookup = Arc<dyn Fn(String) -> Addresses + Send + Sync>;

/// Which addresses a connection may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Any address: the manifest allows it.
    Everywhere,
    /// This machine: the base URL says so in so many words.
    ThisMachine,
    /// Public addresses only.
    Public,
}

impl Reach {
    /// What a base URL may lead to.
    pub fn of(base_url: &Url, private_addresses: bool) -> Self {
        if private_addresses {
            Self::Everywhere
        } else if is_local(base_url) {
            Self::ThisMachine
        } else {
            Self::Public
        }
    }

    pub fn permits(self, address: IpAddr) -> bool {
        match self {
            Self::Everywhere => true,
            Self::ThisMachine => address.is_loopback(),
            Self::Public => is_public(address),
        }
    }
}

/// No address of a name is one that the connection may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrivateAddress {
    pub host: String,
    pub address: IpAddr,
}

impl fmt::Display for PrivateAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address } = self;
        write!(
            formatter,
            "`{host}` leads to {address}, which is not a public address"
        )
    }
}

impl std::error::Error for PrivateAddress {}

/// The address that a URL names itself, if it names one and the connection may not lead there. No resolver is asked then.
pub(super) fn refused_literal(url: &Url, reach: Reach) -> Option<PrivateAddress> {
    let host = url.host_str()?;
    let address = literal(host)?;
    (!reach.permits(address)).then(|| PrivateAddress {
        host: host.to_owned(),
        address,
    })
}

/// Whether a URL names this machine in so many words.
pub(super) fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || literal(host).is_some_and(|address| address.is_loopback())
}

fn literal(host: &str) -> Option<IpAddr> {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse().ok()
}

/// The system's resolver, of whose answers only what a connection may lead to is passed on.
pub(super) struct GuardedResolver {
    /// The host of the base URL. Another name can only be that of a proxy, which the host's own environment names.
    host: String,
    reach: Reach,
    lookup: Lookup,
}

impl GuardedResolver {
    pub fn new(base_url: &Url, reach: Reach) -> Self {
        let lookup: Lookup = Arc::new(|name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.collect())
            })
        });
        Self {
            host: base_url.host_str().unwrap_or_default().to_owned(),
            reach,
            lookup,
        }
    }

    #[cfg(test)]
    pub fn with_lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = lookup;
        self
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let reach = if host == self.host {
            self.reach
        } else {
            Reach::Everywhere
        };
        let found = (self.lookup)(host.clone());
        Box::pin(async move {
            let found = found.await?;
            let refused = found.first().map(SocketAddr::ip);
            let permitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach.permits(address.ip()))
                .collect();
            match refused {
                Some(address) if permitted.is_empty() => {
                    Err(Box::new(PrivateAddress { host, address }) as _)
                }
                _ => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address is one that the whole Internet would lead to the same place: those of the registries of special
/// addresses (RFC 6890) are not.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        // This network, shared by carriers (RFC 6598), IETF protocols, 6to4 relays, benchmarks, and what is reserved.
        || a == 0
        || (a == 100 && (b & 0xc0) == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b & 0xfe) == 18)
        || a >= 240;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = embedded_v4(address) {
        return is_public_v4(embedded);
    }
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is given out; of it, IETF protocols (2001::/23) and documentation are not.
    let is_given_out = (a & 0xe000) == 0x2000;
    let is_special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || (a == 0x3fff && b < 0x1000);
    is_given_out && !is_special
}

/// The IPv4 address that an IPv6 address leads to: mapped, translated (64:ff9b::/96, RFC 6052) or 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(v4(high, low))
        }
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
