//! Azurite, Microsoft's emulator of Azure Storage.

use std::process::Command;

use hygie_core::Secret;
use hygie_store_cloud::objects::{Azure, Credential, Limits, Options, Service};

use super::{Certified, Running, free_port, tool, wait_for};

/// The account that Azurite has, and its key.
/// <https://learn.microsoft.com/en-us/azure/storage/common/storage-use-azurite>
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

pub struct Azurite {
    port: u16,
    files: Certified,
    _server: Running,
}

impl Azurite {
    pub fn start() -> Self {
        let (port, files) = (free_port(), Certified::new());
        let mut command = Command::new("node");
        command.arg(tool("azurite/node_modules/azurite/dist/src/blob/main.js"));
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        command.arg("--location").arg(files.path("data"));
        command.arg("--cert").arg(files.path("certificate.pem"));
        command.arg("--key").arg(files.path("key.pem"));
        // Tokens are looked at, but their signature.
        command.args(["--oauth", "basic", "--disableTelemetry"]);
        let log = files.path("log");
        let server = Running::start(&command, &log);
        wait_for(port, &log);
        Self {
            port,
            files,
            _server: server,
        }
    }

    fn endpoint(&self) -> String {
        format!("https://127.0.0.1:{}/{ACCOUNT}", self.port)
    }

    /// Makes the container, as who has this token.
    pub fn make_container(&self, token: &str) {
        let container = format!("{}/test?restype=container", self.endpoint());
        let authorization = format!("Authorization: Bearer {token}");
        let version = "x-ms-version: 2023-11-03";
        let headers = [
            "--header",
            &authorization,
            "--header",
            version,
            "--header",
            "Content-Length: 0",
        ];
        let request = ["--request", "PUT", &container];
        self.files.curl(&[&headers[..], &request].concat());
    }

    pub fn with_key(&self) -> Options {
        self.options(Credential::Key(Secret::new(KEY.to_owned())))
    }

    pub fn options(&self, credential: Credential) -> Options {
        Options {
            service: Service::Azure(Azure {
                endpoint: Some(self.endpoint()),
                account: ACCOUNT.to_owned(),
                container: "test".to_owned(),
                credential,
            }),
            authorities: vec![self.files.certificate.clone()],
            limits: Limits::default(),
        }
    }
}
