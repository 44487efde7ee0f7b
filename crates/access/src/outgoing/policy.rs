//! Which addresses may be asked.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::address::is_public;

/// What outgoing requests are allowed.
#[derive(Clone, Debug)]
pub struct EgressPolicy {
    /// Hosts on private or loopback addresses that may be asked, in plain http as well: `host` or `host:port`. A host
    /// named with a port is asked on that port only.
    pub private_hosts: Vec<String>,
    /// Roots trusted besides those of the system, as DER: a hospital's own authority.
    pub roots: Vec<Vec<u8>>,
    /// Largest answer.
    pub max_answer: usize,
    /// Longest time for a whole exchange.
    pub timeout: Duration,
}

impl Default for EgressPolicy {
    /// Public addresses over https only; answers of 1 MiB within 10 seconds.
    fn default() -> Self {
        Self {
            private_hosts: Vec::new(),
            roots: Vec::new(),
            max_answer: 1024 * 1024,
            timeout: Duration::from_secs(10),
        }
    }
}

/// The policy does not allow an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not allowed")]
pub(crate) struct NotAllowed;

/// What an answer needs of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// That nobody reads or changes it.
    Protected,
    /// Nothing: it is public, and who made it has signed it.
    Open,
}

impl EgressPolicy {
    /// Checks an address before it is asked. What a name resolves to is checked by [`Resolver`].
    pub(crate) fn check(&self, url: &Url, way: Way) -> Result<(), NotAllowed> {
        let host = url.host().ok_or(NotAllowed)?;
        let port = url.port_or_known_default().ok_or(NotAllowed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAllowed);
        }
        let name = host.to_string();
        if self.names(&name) {
            let on_port = format!("{name}:{port}");
            let listed = |entry: &String| entry.eq_ignore_ascii_case(&name) || entry.eq_ignore_ascii_case(&on_port);
            let scheme = matches!(url.scheme(), "http" | "https");
            return if scheme && self.private_hosts.iter().any(listed) {
                Ok(())
            } else {
                Err(NotAllowed)
            };
        }
        // The client does not resolve an address that is written out, so it is checked here.
        let public = match host {
            Host::Domain(_) => true,
            Host::Ipv4(address) => is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => is_public(IpAddr::V6(address)),
        };
        let is_way = url.scheme() == "https" || way == Way::Open && url.scheme() == "http";
        if is_way && public { Ok(()) } else { Err(NotAllowed) }
    }

    /// Of the addresses that a name has at the moment of the connection, those that may be connected to.
    fn reachable(&self, host: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, NotAllowed> {
        let named = self.names(host);
        let allowed: Vec<SocketAddr> = found.filter(|address| named || is_public(address.ip())).collect();
        if allowed.is_empty() {
            return Err(NotAllowed);
        }
        Ok(allowed)
    }

    /// Whether the configuration names this host, with or without a port.
    fn names(&self, host: &str) -> bool {
        self.private_hosts.iter().any(|entry| {
            entry.eq_ignore_ascii_case(host)
                || entry
                    .rsplit_once(':')
                    .is_some_and(|(name, port)| name.eq_ignore_ascii_case(host) && port.parse::<u16>().is_ok())
        })
    }
}

/// Resolves names for connections and leaves out addresses that are not allowed.
pub(crate) struct Resolver(pub Arc<EgressPolicy>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = policy.reachable(name.as_str(), found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let policy = EgressPolicy {
            private_hosts: ["keycloak.lan", "127.0.0.1:8080", "[::1]:8080", "10.0.0.5"]
                .map(str::to_owned)
                .to_vec(),
            ..EgressPolicy::default()
        };
        for (url, allowed) in [
            ("https://login.microsoftonline.com/x", true),
            ("https://8.8.8.8/", true),
            ("http://login.microsoftonline.com/", false),
            ("https://user@login.microsoftonline.com/", false),
            ("https://:secret@login.microsoftonline.com/", false),
            ("ftp://login.microsoftonline.com/", false),
            ("file:///etc/passwd", false),
            ("data:text/plain,x", false),
            ("https://127.0.0.1/", false),
            ("https://2130706433/", false),
            ("https://0x7f.1/", false),
            ("https://10.0.0.1/", false),
            ("https://169.254.169.254/metadata", false),
            ("https://[::ffff:127.0.0.1]/", false),
            ("https://[fd00::1]/", false),
            ("http://keycloak.lan/", true),
            ("https://KEYCLOAK.lan:9443/", true),
            ("ftp://keycloak.lan/", false),
            ("http://127.0.0.1:8080/", true),
            ("http://127.0.0.1:22/", false),
            ("http://[::1]:8080/", true),
            ("http://[::1]:8081/", false),
            ("http://10.0.0.5:1/", true),
        ] {
            let outcome = policy.check(&Url::parse(url).unwrap(), Way::Protected);
            assert_eq!(outcome.is_ok(), allowed, "{url}");
        }
    }

    #[test]
    fn what_is_signed_may_come_openly_from_public_addresses() {
        let policy = EgressPolicy::default();
        for (url, allowed) in [
            ("http://igc-sante.esante.gouv.fr/CRL/ACI-EL-PP.crl", true),
            ("https://igc-sante.esante.gouv.fr/CRL/ACI-EL-PP.crl", true),
            ("ldap://annuaire-igc.esante.gouv.fr/cn=x", false),
            ("http://127.0.0.1/x.crl", false),
            ("http://169.254.169.254/x.crl", false),
            ("http://user@igc-sante.esante.gouv.fr/x.crl", false),
        ] {
            let outcome = policy.check(&Url::parse(url).unwrap(), Way::Open);
            assert_eq!(outcome.is_ok(), allowed, "{url}");
        }
    }

    /// Each connection resolves for itself and connects to nothing but what this gave: a name that was public when it
    /// was configured, or a moment ago, leads nowhere else.
    #[test]
    fn a_name_that_changes_its_address() {
        let policy = EgressPolicy {
            private_hosts: vec!["keycloak.lan:8080".to_owned()],
            ..EgressPolicy::default()
        };
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            let address = |text: &&str| SocketAddr::new(text.parse().unwrap(), 443);
            texts.iter().map(address).collect()
        };
        for (host, found, allowed) in [
            ("rebinding.example", vec!["192.0.78.9"], Some(vec!["192.0.78.9"])),
            ("rebinding.example", vec!["127.0.0.1"], None),
            (
                "rebinding.example",
                vec!["192.0.78.9", "127.0.0.1"],
                Some(vec!["192.0.78.9"]),
            ),
            ("rebinding.example", vec!["::ffff:169.254.169.254", "fd00::1"], None),
            ("rebinding.example", vec![], None),
            ("keycloak.lan", vec!["10.0.0.5"], Some(vec!["10.0.0.5"])),
            ("other.lan", vec!["10.0.0.5"], None),
        ] {
            let outcome = policy.reachable(host, addresses(&found).into_iter());
            let expected = allowed.map(|allowed| addresses(&allowed)).ok_or(NotAllowed);
            assert_eq!(outcome, expected, "{host} {found:?}");
        }
    }
}
