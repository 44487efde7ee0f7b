//! Where the services of a demo world are: fixed offsets from the base port, and with a domain one host each.

use std::net::{Ipv4Addr, SocketAddr};

use hygie_idp::Certauth;

use super::people;
use crate::failure::Failure;

/// The highest offset of a listener.
const LAST_OFFSET: u16 = 14;

/// A service of the demo world that has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The entry page.
    Portal,
    /// The identity provider.
    Login,
    /// What asks people for a certificate.
    Certauth,
    /// The directory API.
    Graph,
    /// FHIR.
    Fhir,
    /// Health and metrics.
    Health,
    /// What asks for a client certificate: FHIR for tokens that are bound to one.
    BackChannel,
    /// Tokens of managed identities.
    ManagedIdentity,
}

impl Service {
    const fn offset(self) -> u16 {
        match self {
            Self::Portal => 0,
            Self::Login => 1,
            Self::Certauth => 2,
            Self::Graph => 3,
            Self::Fhir => 6,
            Self::Health => 10,
            Self::BackChannel => 13,
            Self::ManagedIdentity => 14,
        }
    }

    /// The first label of its host below the domain; the portal is at the domain itself.
    const fn label(self) -> Option<&'static str> {
        match self {
            Self::Portal | Self::Health | Self::ManagedIdentity => None,
            Self::Login => Some("login"),
            Self::Certauth => Some("certauth"),
            Self::Graph => Some("graph"),
            Self::Fhir => Some("fhir"),
            Self::BackChannel => Some("back"),
        }
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Login => "login",
            Self::Certauth => "certauth",
            Self::Graph => "graph",
            Self::Fhir => "fhir",
            Self::Health => "health",
            Self::BackChannel => "back channel",
            Self::ManagedIdentity => "managed identity",
        }
    }
}

/// Base port and domain of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    base_port: u16,
    domain: Option<String>,
}

impl Layout {
    /// Checks both.
    pub fn new(base_port: u16, domain: Option<&str>) -> Result<Self, Failure> {
        if base_port == 0 || base_port > u16::MAX - LAST_OFFSET {
            let last = u16::MAX - LAST_OFFSET;
            return Err(Failure::usage(format!("--base-port must be from 1 to {last}")));
        }
        let domain = domain.map(checked_domain).transpose()?;
        Ok(Self { base_port, domain })
    }

    /// The domain, when there is one.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The base port.
    pub const fn base_port(&self) -> u16 {
        self.base_port
    }

    /// The base address of the FHIR service, which is its identifier URI as well.
    pub fn fhir_base(&self) -> String {
        format!("{}/{}/{}", self.origin(Service::Fhir), people::WORKSPACE, people::FHIR)
    }

    /// Where a service listens: never beyond this machine.
    pub fn address(&self, service: Service) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base_port + service.offset()))
    }

    /// The names a service answers to, the one of its address first.
    pub fn hosts(&self, service: Service) -> Vec<String> {
        match (&self.domain, service.label()) {
            (Some(domain), Some(label)) => vec![format!("{label}.{domain}")],
            (Some(domain), None) => vec![domain.clone()],
            (None, _) => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
        }
    }

    /// What the names end with under which browsers are told of the authorities of a tenant. No certificate covers all
    /// names below `localhost` itself.
    pub fn certauth_place(&self) -> String {
        format!("certauth.{}", self.domain().unwrap_or("localhost"))
    }

    /// The host that asks people for certificates.
    pub fn certauth(&self) -> Certauth {
        let place = self.certauth_place();
        Certauth {
            url: self.origin(Service::Certauth),
            tenants: Some(match self.base_port + Service::Certauth.offset() {
                443 => place,
                port => format!("{place}:{port}"),
            }),
        }
    }

    /// The address of a service, without a final slash. Health and managed identities are plain and local in every
    /// world, for scripts and programs of this machine. The port that a scheme implies is not written (RFC 3986 §6.2.3):
    /// clients leave it out as well, and compare issuers by their letters.
    pub fn origin(&self, service: Service) -> String {
        let port = self.base_port + service.offset();
        let hosts = self.hosts(service);
        let (scheme, host, implied) = match service {
            Service::Health | Service::ManagedIdentity => ("http", "localhost", 80),
            _ => ("https", hosts.first().map_or("localhost", String::as_str), 443),
        };
        if port == implied {
            return format!("{scheme}://{host}");
        }
        format!("{scheme}://{host}:{port}")
    }
}

fn checked_domain(domain: &str) -> Result<String, Failure> {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = domain.len() <= 200 && domain.contains('.') && domain.split('.').all(is_label);
    if is_name && domain.parse::<Ipv4Addr>().is_err() {
        return Ok(domain);
    }
    Err(Failure::usage(format!(
        "--domain {domain:?} is not a domain name (example: hygie.test)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_a_domain() {
        let plain = Layout::new(8440, None).expect("a layout");
        assert_eq!(plain.origin(Service::Portal), "https://localhost:8440");
        assert_eq!(plain.origin(Service::Fhir), "https://localhost:8446");
        assert_eq!(plain.origin(Service::Health), "http://localhost:8450");
        assert_eq!(plain.origin(Service::ManagedIdentity), "http://localhost:8454");
        let named = Layout::new(9000, Some("Hygie.Test.")).expect("a layout");
        assert_eq!(named.origin(Service::Portal), "https://hygie.test:9000");
        assert_eq!(named.origin(Service::Login), "https://login.hygie.test:9001");
        assert_eq!(named.origin(Service::Health), "http://localhost:9010");
        assert_eq!(named.address(Service::Fhir).to_string(), "127.0.0.1:9006");
        let standard = Layout::new(442, None).expect("a layout");
        assert_eq!(standard.origin(Service::Login), "https://localhost");
        assert_eq!(standard.origin(Service::Graph), "https://localhost:445");
        assert_eq!(standard.certauth().tenants.as_deref(), Some("certauth.localhost:444"));
        let certauth = named.certauth();
        assert_eq!(certauth.url, "https://certauth.hygie.test:9002");
        assert_eq!(certauth.tenants.as_deref(), Some("certauth.hygie.test:9002"));
    }

    #[test]
    fn wrong_values_are_refused() {
        assert!(Layout::new(0, None).is_err());
        assert!(Layout::new(65522, None).is_err());
        assert!(Layout::new(65521, None).is_ok());
        for domain in ["", "localhost", "127.0.0.1", "a..b", "-a.test", "a.test/x", "é.test"] {
            assert!(Layout::new(8440, Some(domain)).is_err(), "{domain}");
        }
    }
}
