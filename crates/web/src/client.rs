//! The client's address: the peer of the connection, unless it is a reverse proxy that we trust.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::{Extensions, HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection; the listener puts it into the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A range of addresses: `10.0.0.0/8`, `::1`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    prefix: u32,
}

/// A text that is not a range of addresses.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an address or a range such as 10.0.0.0/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (width, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix = prefix.map_or(Ok(width), str::parse::<u32>).map_err(|_| wrong())?;
        if prefix > width {
            return Err(wrong());
        }
        Ok(Self {
            address: bits(address),
            prefix: prefix + offset,
        })
    }
}

impl Network {
    /// Whether the address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        (bits(address) ^ self.address).leading_zeros() >= self.prefix
    }
}

/// Both families in one space: IPv4 as IPv4-mapped IPv6.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The reverse proxies in front of us. None: `X-Forwarded-For` is what anybody may write, and is ignored.
pub type Proxies = Vec<Network>;

/// The client of a request: walking back from the peer through `X-Forwarded-For`, the first that is not our proxy.
pub fn client_address(extensions: &Extensions, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    let mut client = extensions.get::<Peer>()?.0.ip().to_canonical();
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let lines: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).take(32);
    for hop in hops {
        if !is_proxy(client) {
            break;
        }
        let Some(address) = parse_hop(hop.trim()) else { break };
        client = address.to_canonical();
    }
    Some(client)
}

/// Some proxies write the port too.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .ok()
        .or_else(|| hop.parse().map(|address: SocketAddr| address.ip()).ok())
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_addresses() {
        for (range, address, expected) in [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::1", "::1", true),
            ("2001:db8::/32", "2001:db8:1::9", true),
            ("2001:db8::/32", "10.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
        ] {
            let network: Network = range.parse().expect(range);
            assert_eq!(
                network.contains(address.parse().expect(address)),
                expected,
                "{range} {address}"
            );
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/x", "example.org", "::/129", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_our_proxies_are_believed() {
        let cases = [
            ("192.0.2.1", None, "192.0.2.1"),
            ("192.0.2.1", Some("203.0.113.5"), "192.0.2.1"),
            ("10.0.0.1", Some("203.0.113.5"), "203.0.113.5"),
            ("10.0.0.1", Some("6.6.6.6, 203.0.113.5, 10.0.0.2"), "203.0.113.5"),
            ("10.0.0.1", Some("203.0.113.5:4711"), "203.0.113.5"),
            ("10.0.0.1", Some("[2001:db8::7]:443"), "2001:db8::7"),
            ("10.0.0.1", Some("203.0.113.5, unknown"), "10.0.0.1"),
            ("::ffff:10.0.0.1", Some("203.0.113.5"), "203.0.113.5"),
        ];
        let proxies = ["10.0.0.0/8".parse().expect("a range")];
        for (peer, forwarded, expected) in cases {
            let mut extensions = Extensions::new();
            extensions.insert(Peer(SocketAddr::new(peer.parse().expect(peer), 1)));
            let mut headers = HeaderMap::new();
            if let Some(forwarded) = forwarded {
                headers.insert(FORWARDED_FOR, forwarded.parse().expect("a header value"));
            }
            let client = client_address(&extensions, &headers, &proxies);
            assert_eq!(client, expected.parse().ok(), "{peer} {forwarded:?}");
        }
    }
}
