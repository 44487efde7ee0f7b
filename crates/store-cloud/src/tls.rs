//! What is the same for every service that is reached over the network.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Whether a host is this machine: only such a one is reached in clear.
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// TLS 1.2 or 1.3 with servers that one of these authorities signs for; without any, one of the system's.
pub fn client_config(authorities: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let verified = if authorities.is_empty() {
        builder.with_platform_verifier()?
    } else {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.clone())?;
        }
        builder.with_root_certificates(roots)
    };
    Ok(verified.with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "localhost.example",
            "10.0.0.1",
            "kafka",
            "",
            "0.0.0.0",
            "127.0.0.1.example",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
