//! The client's address: the peer of the connection, unless it is a reverse proxy that we trust; and its certificate.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection; the listener puts it into the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The certificate (DER) that the client proved to hold, when the listener asked for one or a trusted proxy did; the
/// listener puts it into the extensions of each request. Nothing is said of who issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate(pub Arc<[u8]>);

/// An address or a range: `10.0.5.4`, `10.0.5.0/28`, `2001:db8::/64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    prefix: u32,
}

/// A text that cannot say which addresses are meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NetworkError {
    /// Not a range of addresses.
    #[error("`{0}` is not an address or a range such as 10.0.5.0/28")]
    Malformed(String),
    /// A prefix of no bit.
    #[error("`{0}` is everybody: name the addresses that are meant")]
    Everybody(String),
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError::Malformed(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (width, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix = prefix.map_or(Ok(width), str::parse::<u32>).map_err(|_| wrong())?;
        match prefix {
            0 => return Err(NetworkError::Everybody(text.to_owned())),
            prefix if prefix > width => return Err(wrong()),
            _ => {}
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

/// The reverse proxies in front of us. None: `X-Forwarded-For` is what anybody may write, and is ignored. Other headers
/// of this kind (`Forwarded`, `X-Real-IP`) always are: a proxy that sets one hands on another as it came.
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
    use axum::http::HeaderValue;

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
            ("128.0.0.0/1", "192.0.2.1", true),
            ("128.0.0.0/1", "2001:db8::1", false),
        ] {
            let network: Network = range.parse().expect(range);
            assert_eq!(
                network.contains(address.parse().expect(address)),
                expected,
                "{range} {address}"
            );
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/x", "example.org", "::/129", "10.0.0.0/-1"] {
            let malformed = NetworkError::Malformed(wrong.to_owned());
            assert_eq!(wrong.parse::<Network>(), Err(malformed));
        }
        for everybody in ["0.0.0.0/0", "::/0", "10.0.0.1/0"] {
            let refused = NetworkError::Everybody(everybody.to_owned());
            assert_eq!(everybody.parse::<Network>(), Err(refused));
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

    #[test]
    fn what_a_client_wrote_before_our_proxy_counts_for_nothing() {
        let of = |lines: &[&[u8]], proxies: &[&str]| {
            let mut extensions = Extensions::new();
            extensions.insert(Peer(SocketAddr::from(([10, 0, 5, 1], 1))));
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).expect("a header value"));
            }
            for other in [
                "forwarded",
                "x-real-ip",
                "true-client-ip",
                "x-client-ip",
                "client-ip",
                "via",
            ] {
                headers.insert(other, HeaderValue::from_static("6.6.6.6"));
            }
            headers.insert("forwarded", HeaderValue::from_static("for=6.6.6.6"));
            let proxies: Vec<Network> = proxies.iter().map(|range| range.parse().expect(range)).collect();
            client_address(&extensions, &headers, &proxies)
                .expect("a peer")
                .to_string()
        };
        let proxy = &["10.0.5.1"][..];
        let hidden = [b"6.6.6.6,".repeat(200), b"203.0.113.5".to_vec()].concat();
        for (lines, proxies, expected) in [
            (&[b"6.6.6.6".as_slice()][..], &[][..], "10.0.5.1"),
            (&[], proxy, "10.0.5.1"),
            (&[b""], proxy, "10.0.5.1"),
            (&[b"6.6.6.6, 203.0.113.5"], proxy, "203.0.113.5"),
            // The proxy adds a line of its own.
            (&[b"6.6.6.6", b"203.0.113.5"], proxy, "203.0.113.5"),
            // Another machine of the house is no proxy, whatever it says of others.
            (&[b"6.6.6.6, 10.0.5.9"], proxy, "10.0.5.9"),
            // No text: we do not know better than the proxy's own address.
            (&[b"\xff, 203.0.113.5"], proxy, "10.0.5.1"),
            (&[b"6.6.6.6\xff", b"203.0.113.5"], proxy, "203.0.113.5"),
            (&[b"6.6.6.6, 203.0.113.5;x"], proxy, "10.0.5.1"),
            (&[&hidden], proxy, "203.0.113.5"),
        ] {
            assert_eq!(of(lines, proxies), expected, "{lines:?} {proxies:?}");
        }
    }
}
