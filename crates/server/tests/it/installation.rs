//! `hygie serve`: services by host name on one address, certificates of the local authority, the directory as configured.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use hygie_server::config::Config;
use hygie_server::failure::Failure;
use hygie_server::serve::Running;
use hygie_server::tls;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::demo::free_block;
use crate::world::client;

pub const TENANT: &str = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001";

pub struct Installation {
    dir: TempDir,
    port: u16,
}

impl Installation {
    /// A configuration with its master key in a directory of its own.
    pub fn new() -> Self {
        tls::install_provider();
        let dir = tempfile::tempdir().expect("a directory");
        let installation = Self {
            dir,
            port: free_block(),
        };
        std::fs::create_dir_all(installation.path("keys")).expect("made");
        std::fs::create_dir_all(installation.path("srv/data")).expect("made");
        installation.write_key("keys/master.key");
        installation.write_config("keys/master.key");
        installation
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write_key(&self, name: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(self.path(name), "2b".repeat(32)).expect("written");
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o600)).expect("private");
    }

    fn write_config(&self, key: &str) {
        let (port, health) = (self.port, self.port + 1);
        let text = format!(
            r#"
data = "srv/data"
[master_key]
file = "{key}"
[health]
listen = "127.0.0.1:{health}"
[portal]
url = "https://portal.ch.test:{port}"
listen = "127.0.0.1:{port}"
[login]
url = "https://login.ch.test:{port}"
listen = "127.0.0.1:{port}"
[fhir]
url = "https://fhir.ch.test:{port}"
listen = "127.0.0.1:{port}"
[[tenants]]
id = "{TENANT}"
domain = "ch.test"
display_name = "Centre hospitalier"
[[workspaces]]
name = "ch"
tenant = "{TENANT}"
fhir = [{{ name = "fhir", app = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0002" }}]
[[workspaces.role_assignments]]
principal = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003"
kind = "Group"
role = "FHIR Data Reader"
"#
        );
        std::fs::write(self.path("hygie.toml"), text).expect("written");
    }

    /// Adds to the configuration.
    pub fn configure(&self, more: &str) {
        let path = self.path("hygie.toml");
        let text = std::fs::read_to_string(&path).expect("written before");
        std::fs::write(path, text + more).expect("written");
    }

    /// The configuration of another process, with a directory of its own and more in it: the file's name.
    pub fn beside(&self, name: &str, more: &str) -> String {
        let text = std::fs::read_to_string(self.path("hygie.toml")).expect("written before");
        let text = text.replace("data = \"srv/data\"", &format!("data = \"srv/{name}\""));
        std::fs::create_dir_all(self.path("srv").join(name)).expect("made");
        let file = format!("{name}.toml");
        std::fs::write(self.path(&file), text + more).expect("written");
        file
    }

    /// The port of its hosts; the two that follow are its own too.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A client that finds these hosts here, and trusts the local authority only.
    pub fn client(&self, hosts: &[&str]) -> reqwest::ClientBuilder {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let builder = client(&self.path("srv/data/ca.pem"));
        hosts.iter().fold(builder, |builder, host| builder.resolve(host, local))
    }

    pub fn config(&self) -> Config {
        self.config_of("hygie.toml")
    }

    /// The configuration in a file of this name.
    pub fn config_of(&self, file: &str) -> Config {
        Config::read(&self.path(file)).unwrap_or_else(|failure| panic!("{failure}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hosts_share_one_address_and_a_second_start_changes_nothing() {
    let installation = Installation::new();
    for _ in 0..2 {
        let running = Running::start(&installation.config())
            .await
            .unwrap_or_else(|failure| panic!("{failure}"));
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, installation.port));
        let hosts = ["portal.ch.test", "login.ch.test", "fhir.ch.test"];
        let builder = client(&installation.path("srv/data/ca.pem"));
        let builder = hosts
            .into_iter()
            .fold(builder, |builder, host| builder.resolve(host, local));
        let client = builder.build().expect("a client");
        let get = async |url: String| client.get(url).send().await.expect("an answer");
        let port = installation.port;
        let page = get(format!("https://portal.ch.test:{port}/?lang=en")).await;
        assert!(page.text().await.expect("text").contains("Your services"));
        let discovery = get(format!(
            "https://login.ch.test:{port}/ch.test/v2.0/.well-known/openid-configuration"
        ))
        .await;
        let discovery: Value = discovery.json().await.expect("JSON");
        assert_eq!(
            discovery["issuer"],
            format!("https://login.ch.test:{port}/{TENANT}/v2.0")
        );
        let patients = get(format!("https://fhir.ch.test:{port}/ch/fhir/Patient")).await;
        assert_eq!(patients.status(), StatusCode::UNAUTHORIZED);
        let elsewhere = get(format!("https://login.ch.test:{port}/ch/fhir/Patient")).await;
        assert_eq!(
            elsewhere.status(),
            StatusCode::NOT_FOUND,
            "each host has its own service"
        );
        let ready = get(format!("http://127.0.0.1:{}/ready", port + 1)).await;
        assert_eq!(ready.status(), StatusCode::OK);
        running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
    }
    let config = installation.path("hygie.toml");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_hygie"));
    let output = verify
        .arg("verify")
        .arg("--config")
        .arg(config)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_master_key_beside_the_data_is_refused() {
    for key in ["srv/data/master.key", "srv/master.key"] {
        let installation = Installation::new();
        installation.write_key(key);
        installation.write_config(key);
        match Config::read(&installation.path("hygie.toml")).expect_err("refused") {
            Failure::Usage(message) => assert!(message.contains("lies beside the data it protects"), "{message}"),
            other => panic!("{other}"),
        }
    }
}
