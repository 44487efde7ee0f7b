//! Certificates and the TLS side of listeners: rustls with aws-lc-rs, TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.

pub mod ca;
pub mod certificate;
mod holder;
mod renewal;
pub mod tenants;

use std::sync::Arc;

use anyhow::Result;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::{DistinguishedName, ServerConfig};

pub use ca::LocalCa;
pub use certificate::{Certificate, Source};
use holder::AnyHolder;
pub use renewal::keep_renewed;
pub use tenants::{IssuerHints, TenantHosts};

/// Makes aws-lc-rs the provider of the process, before anything speaks TLS. Without it rustls refuses to choose when a
/// dependency brings a second one.
pub fn install_provider() {
    // An error means that it is installed already.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// Whether a host asks its clients for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Never: browsers would ask the person.
    #[default]
    Unasked,
    /// Asks, and goes on without.
    Asked,
    /// Asks people, at each connection: none is resumed, so that who leaves with the card is gone.
    AskedEachTime,
}

/// The configuration of a host.
pub fn server_config(certificate: Arc<Certificate>, clients: ClientCertificates) -> Result<Arc<ServerConfig>> {
    naming(certificate, clients, Vec::new())
}

/// The configuration of a host that tells its clients whose certificates it wants.
fn naming(
    certificate: Arc<Certificate>,
    clients: ClientCertificates,
    issuers: Vec<DistinguishedName>,
) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match clients {
        ClientCertificates::Unasked => builder.with_no_client_auth(),
        ClientCertificates::Asked | ClientCertificates::AskedEachTime => {
            builder.with_client_cert_verifier(Arc::new(AnyHolder::new(&provider, issuers)))
        }
    };
    let mut config = builder.with_cert_resolver(certificate);
    if clients == ClientCertificates::AskedEachTime {
        // A connection that HTTP/2 keeps open for a browser has the certificate that was shown first.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    } else {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new()?;
    }
    Ok(Arc::new(config))
}
