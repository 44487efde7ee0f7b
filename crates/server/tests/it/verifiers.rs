//! Verifiers that are not ours accept the local authority, and only for what it may vouch for.

use std::process::{Command, Output};

use hygie_core::Clock;
use hygie_server::ambient::{SystemClock, SystemRandom};
use hygie_server::listen::Limits;
use rustls::pki_types::CertificateDer;

use crate::world::TestListener;

const PYTHON: &str = "
import socket, ssl, sys
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT
with socket.create_connection(('127.0.0.1', port)) as plain:
    with context.wrap_socket(plain, server_hostname=host) as stream:
        print(stream.version())
";

async fn run(mut command: Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("runs to its end");
    output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"))
}

fn assert_success(output: &Output, what: &str) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_and_python_accept_it() {
    let hosts: &[&str] = &["localhost", "127.0.0.1", "fhir.hygie.test"];
    let server = TestListener::start(Limits::default(), &[hosts]).await;
    let port = server.address.port();
    for host in hosts {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert"])
            .arg(server.ca_file())
            .arg("--resolve")
            .arg(format!("fhir.hygie.test:{port}:127.0.0.1"))
            .arg(server.url(host, "/name"));
        assert_success(&run(curl).await, &format!("curl to {host}"));
        let mut python = Command::new("python3");
        python
            .args(["-c", PYTHON, host, &port.to_string()])
            .arg(server.ca_file());
        assert_success(&run(python).await, &format!("python to {host}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_accepts_it_within_its_constraints_only() {
    let server = TestListener::start(Limits::default(), &[&["localhost"]]).await;
    let verify = async |hosts: &[&str], name: &str| {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let (chain, _) = server
            .ca
            .issue(&hosts, SystemClock.now(), &SystemRandom)
            .expect("issued");
        let file = server.dir.path().join("leaf.pem");
        std::fs::write(&file, pem(&chain[0])).expect("written");
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-verify_hostname",
                name,
                "-CAfile",
            ])
            .arg(server.ca_file())
            .arg(&file);
        run(openssl).await
    };
    assert_success(
        &verify(&["localhost", "127.0.0.1", "::1"], "localhost").await,
        "localhost",
    );
    assert_success(
        &verify(&["fhir.hygie.test"], "fhir.hygie.test").await,
        "a host of the domain",
    );
    for outside in [
        &["www.example.com"][..],
        &["localhost", "192.0.2.1"],
        &["hygie.test.example.com"],
    ] {
        let output = verify(outside, outside[0]).await;
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{outside:?} must be refused");
        assert!(text.contains("permitted subtree violation"), "{outside:?}: {text}");
    }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
