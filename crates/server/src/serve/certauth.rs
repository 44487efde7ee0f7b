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
