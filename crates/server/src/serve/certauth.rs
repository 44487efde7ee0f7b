//! The host that asks people for certificates, and its names for single tenants.

use std::net::IpAddr;

use anyhow::Result;
use hygie_core::TenantId;
use hygie_idp::Certauth;
use uuid::Uuid;

use super::running::origin;
use crate::config::{Config, Service, host_of};
use crate::front::{Front, Tenants};
use crate::tls::{ClientCertificates, certificate};
use crate::wiring::Base;

/// The host, where there is one.
pub fn host(config: &Config) -> Result<Option<Certauth>> {
    let Some(service) = config.certauth.as_ref().map(toml::Spanned::get_ref) else {
        return Ok(None);
    };
    let port = service.url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(Some(Certauth {
        url: origin(&service.url),
        tenants: place(service)?.map(|place| place + &port),
    }))
}

/// What makes of a service the host that asks.
pub fn front(front: Front, service: &Service, base: &Base) -> Result<Front> {
    let front = Front {
        clients: ClientCertificates::AskedEachTime,
        ..front
    };
    Ok(match place(service)? {
        Some(place) => front.with_tenants(Tenants {
            place,
            hints: base.issuer_hints(),
        }),
        None => front,
    })
}

/// Whether people find the host under each of its names: nobody comes back who is led to one that is not in the DNS. Names of single
/// tenants are asked for where a certificate holds them that somebody had made.
pub async fn reach(service: &Service) -> Result<()> {
    let host = host_of(&service.url);
    let of_tenants = match &service.certificate {
        Some(_) => place(service)?,
        None => None,
    };
    let port = service.url.port_or_known_default().unwrap_or(443);
    let of_tenant = of_tenants.map(|place| format!("t{}.{place}", Uuid::nil()));
    for (name, entry) in [(host.clone(), host.clone())]
        .into_iter()
        .chain(of_tenant.map(|name| (name, format!("*.{host}"))))
    {
        let found = tokio::net::lookup_host((name.as_str(), port)).await;
        if found.ok().and_then(|mut addresses| addresses.next()).is_none() {
            anyhow::bail!("{name} is not in the DNS: make the entry {entry}, or people are led to where nothing is");
        }
    }
    Ok(())
}

/// What its names for single tenants end with: its own name, where its certificate holds what is below it (`*.certauth.H`).
/// That of the local authority does; who gives one of others decides by it whether browsers are told of authorities.
fn place(service: &Service) -> Result<Option<String>> {
    let host = host_of(&service.url);
    if host.parse::<IpAddr>().is_ok() {
        return Ok(None);
    }
    let is_held = match &service.certificate {
        Some(chain) => {
            let any = TenantId::from_uuid(Uuid::nil());
            certificate::names(chain, &format!("t{any}.{host}"))?
        }
        None => true,
    };
    Ok(is_held.then_some(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_that_lead_nowhere_are_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let service = |host: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let made = rcgen::generate_simple_self_signed(names.clone()).expect("made");
            let chain = dir.path().join(format!("{host}-{}.pem", names.len()));
            std::fs::write(&chain, made.cert.pem()).expect("written");
            Service {
                url: format!("https://{host}:8442").parse().expect("an address"),
                listen: ([127, 0, 0, 1], 0).into(),
                key: Some(chain.clone()),
                certificate: Some(chain),
            }
        };
        assert!(reach(&service("localhost", &["localhost"])).await.is_ok());
        // `.invalid` is nobody's (RFC 6761).
        let lost = reach(&service("certauth.invalid", &["certauth.invalid"])).await;
        assert!(
            lost.unwrap_err()
                .to_string()
                .contains("make the entry certauth.invalid")
        );
        let lost = reach(&service(
            "127.0.0.1.invalid",
            &["127.0.0.1.invalid", "*.127.0.0.1.invalid"],
        ))
        .await;
        assert!(lost.is_err());
    }

    #[test]
    fn the_certificate_says_whether_there_are_names_for_tenants() {
        let dir = tempfile::tempdir().expect("a directory");
        let given = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let made = rcgen::generate_simple_self_signed(names.clone()).expect("made");
            let chain = dir.path().join(format!("{}.pem", names.len() + names.concat().len()));
            std::fs::write(&chain, made.cert.pem()).expect("written");
            Some(chain)
        };
        let held = Some("certauth.ch.test".to_owned());
        for (url, certificate, expected) in [
            ("https://certauth.ch.test:8442", None, held.clone()),
            (
                "https://certauth.ch.test",
                given(&["certauth.ch.test", "*.certauth.ch.test"]),
                held,
            ),
            (
                "https://certauth.ch.test",
                given(&["certauth.ch.test", "*.ch.test"]),
                None,
            ),
            ("https://certauth.ch.test", given(&["certauth.ch.test"]), None),
            ("https://192.0.2.1", None, None),
        ] {
            let service = Service {
                url: url.parse().expect("an address"),
                listen: ([127, 0, 0, 1], 0).into(),
                key: certificate.clone(),
                certificate,
            };
            assert_eq!(place(&service).expect("read"), expected, "{url}");
        }
    }
}
