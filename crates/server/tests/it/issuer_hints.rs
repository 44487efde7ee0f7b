//! What the handshake tells a browser of authorities: by the name that it asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use futures_util::future::BoxFuture;
use hygie_core::{Clock, TenantId};
use hygie_server::ambient::{SystemClock, SystemRandom};
use hygie_server::listen::{Limits, Site};
use hygie_server::tls::{self, Certificate, ClientCertificates, IssuerHints, LocalCa, Source, TenantHosts};
use hygie_testkit::CardAuthority;
use parking_lot::Mutex;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use crate::world::{TestListener, site};

const PLACE: &str = "certauth.hygie.test";
const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(0x7e1));
const SILENT: TenantId = TenantId::from_uuid(Uuid::from_u128(0x7e2));
const NOBODY: TenantId = TenantId::from_uuid(Uuid::from_u128(0x7e3));

/// A tenant with authorities, and one that tells of none.
struct Told(BTreeSet<Vec<u8>>);

impl IssuerHints for Told {
    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantId>>> {
        Box::pin(async { Ok(vec![TENANT, SILENT]) })
    }

    fn issuers(&self, tenant: TenantId) -> BoxFuture<'_, Result<BTreeSet<Vec<u8>>>> {
        Box::pin(async move {
            Ok(match tenant {
                TENANT => self.0.clone(),
                _ => BTreeSet::new(),
            })
        })
    }
}

/// A browser without a card, which notes whose cards it was asked for.
#[derive(Debug, Default)]
struct Asked(Mutex<Option<BTreeSet<Vec<u8>>>>);

impl ResolvesClientCert for Asked {
    fn resolve(&self, issuers: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.0.lock() = Some(issuers.iter().map(|issuer| issuer.to_vec()).collect());
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

async fn listener(told: BTreeSet<Vec<u8>>) -> TestListener {
    tls::install_provider();
    let dir = tempfile::tempdir().expect("a directory");
    let domains = ["hygie.test".to_owned()];
    let ca = LocalCa::open_or_create(dir.path(), &domains, SystemClock.now(), &SystemRandom).expect("made");
    let ca = Arc::new(ca);
    let source = Source::Local {
        ca: ca.clone(),
        hosts: vec![PLACE.to_owned(), format!("*.{PLACE}")],
    };
    let certificate = Certificate::load(source, SystemClock.now(), &SystemRandom).expect("issued");
    let certificate = Arc::new(certificate);
    let clients = ClientCertificates::AskedEachTime;
    let clock = Arc::new(SystemClock);
    let host = (certificate.clone(), clients);
    let tenants = TenantHosts::new(PLACE.to_owned(), host, Arc::new(Told(told)), clock);
    let asking = Site {
        tls: tls::server_config(certificate, clients).expect("a configuration"),
        tenants: Some(Arc::new(tenants)),
        ..site(&ca, &[PLACE])
    };
    let sites = vec![site(&ca, &["login.hygie.test"]), asking];
    TestListener::serve(Limits::default(), (dir, ca), sites).await
}

/// Asks a name for a page with this `Host`: whose cards it asked for, and the first line of its answer.
async fn ask(
    server: &TestListener,
    version: &'static SupportedProtocolVersion,
    (name, host): (&str, &str),
) -> (Option<BTreeSet<Vec<u8>>>, Result<String, String>) {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(server.ca.pem().as_bytes()).expect("PEM");
    roots.add(authority).expect("an authority");
    let asked = Arc::new(Asked::default());
    let config = ClientConfig::builder_with_protocol_versions(&[version])
        .with_root_certificates(roots)
        .with_client_cert_resolver(asked.clone());
    let stream = TcpStream::connect(server.address).await.expect("connected");
    let server_name = ServerName::try_from(name.to_owned()).expect("a name");
    let answer = async {
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(server_name, stream)
            .await?;
        let request = format!("GET /name HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.lines().next().unwrap_or_default().to_owned())
    };
    let answer = answer.await.map_err(|error| error.to_string());
    let asked = asked.0.lock().take();
    (asked, answer)
}

#[tokio::test]
async fn the_name_says_whose_certificates_are_asked_for() {
    let now = SystemClock.now();
    let authorities = ["HYGIE TEST AC PERSONNES", "HYGIE TEST AC RACINE"];
    let subject = |name: &&str| {
        let made = CardAuthority::root(name, now).certificate;
        let read = hygie_jose::x509::Authority::from_der(&made).expect("an authority");
        read.subject().to_vec()
    };
    let told: BTreeSet<Vec<u8>> = authorities.iter().map(subject).collect();
    let server = listener(told.clone()).await;
    let ok = || Ok("HTTP/1.1 200 OK".to_owned());
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let none = Some(BTreeSet::new());
        for (name, issuers) in [
            (PLACE.to_owned(), none.clone()),
            (format!("t{TENANT}.{PLACE}"), Some(told.clone())),
            (format!("t{SILENT}.{PLACE}"), none),
            ("login.hygie.test".to_owned(), None),
        ] {
            let answered = ask(&server, version, (&name, &name)).await;
            assert_eq!(answered, (issuers, ok()), "{name} {:?}", version.version);
        }
        let (_, answer) = ask(&server, version, (&format!("t{NOBODY}.{PLACE}"), PLACE)).await;
        assert!(
            answer.as_ref().is_err_and(|error| error.contains("UnrecognisedName")),
            "{answer:?}"
        );
    }
    // The page of another name, even of the same host, is not there.
    let (_, answer) = ask(&server, &rustls::version::TLS13, (&format!("t{TENANT}.{PLACE}"), PLACE)).await;
    assert_eq!(answer, Ok("HTTP/1.1 421 Misdirected Request".to_owned()));
}
