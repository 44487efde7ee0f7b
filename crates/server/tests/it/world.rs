//! A local authority and a listener for tests, on a free port of the loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::routing::get;
use hygie_core::Clock;
use hygie_server::ambient::{SystemClock, SystemRandom};
use hygie_server::listen::{Forwarding, Limits, Listener, Site, Speech, Stop};
use hygie_server::tls::{self, Certificate, ClientCertificates, LocalCa, Source};
use hygie_web::client::Peer;
use tempfile::TempDir;

pub struct TestListener {
    pub dir: TempDir,
    pub address: SocketAddr,
    pub stop: Stop,
    pub ca: Arc<LocalCa>,
}

impl TestListener {
    /// Sites that answer with their first name, each with a certificate of the local authority.
    pub async fn start(limits: Limits, sites: &[&[&str]]) -> Self {
        tls::install_provider();
        let dir = tempfile::tempdir().expect("a directory");
        let domains = ["hygie.test".to_owned()];
        let ca = LocalCa::open_or_create(dir.path(), &domains, SystemClock.now(), &SystemRandom).expect("made");
        let ca = Arc::new(ca);
        let sites = sites.iter().map(|hosts| site(&ca, hosts)).collect();
        Self::serve(limits, (dir, ca), sites).await
    }

    /// These sites, with what their certificates are of.
    pub async fn serve(limits: Limits, (dir, ca): (TempDir, Arc<LocalCa>), sites: Vec<Site>) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind("test", free, "--base-port").await.expect("a free port");
        let address = listener.address().expect("bound");
        let stop = Stop::new();
        stop.spawn(listener.serve(Speech::Tls(sites), limits, stop.clone()));
        Self { dir, address, stop, ca }
    }

    pub fn ca_file(&self) -> std::path::PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A client that trusts the local authority only and finds every host of the domain here.
    pub fn client(&self) -> reqwest::ClientBuilder {
        client(&self.ca_file())
            .resolve("login.hygie.test", self.address)
            .resolve("fhir.hygie.test", self.address)
    }

    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.address.port())
    }
}

pub fn client(ca: &Path) -> reqwest::ClientBuilder {
    let pem = std::fs::read(ca).expect("the authority");
    let certificate = reqwest::Certificate::from_pem(&pem).expect("PEM");
    reqwest::Client::builder().tls_certs_only([certificate]).no_proxy()
}

pub fn site(ca: &Arc<LocalCa>, hosts: &[&str]) -> Site {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let source = Source::Local {
        ca: ca.clone(),
        hosts: hosts.clone(),
    };
    let certificate = Certificate::load(source, SystemClock.now(), &SystemRandom).expect("issued");
    let name = hosts[0].clone();
    let router = Router::new()
        .route("/name", get(async move || name))
        .route(
            "/peer",
            get(async |Extension(peer): Extension<Peer>| peer.0.ip().to_string()),
        )
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(std::time::Duration::from_millis(400)).await;
                "done"
            }),
        );
    Site {
        hosts,
        tls: tls::server_config(Arc::new(certificate), ClientCertificates::Unasked).expect("a configuration"),
        tenants: None,
        router,
        forwarding: Forwarding::default(),
    }
}
