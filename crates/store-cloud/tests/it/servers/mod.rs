//! Servers that we did not write, started by the tests: `scripts/test` installs them below `target/tools`.

mod azurite;
mod kafka;
mod s3;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tempfile::TempDir;

pub use self::azurite::Azurite;
pub use self::kafka::{Kafka, Record};
pub use self::s3::S3Server;

/// Runs a server until its input ends, however the tests end.
const KEEPER: &str = r#"trap '' INT TERM HUP; "$@" & server=$!; cat >/dev/null; kill -9 $server; wait $server"#;

/// How long a server may take to start.
const START: Duration = Duration::from_mins(1);

/// Where a tool of the tests is installed. It panics where it is not: a test cannot go on.
pub fn tool(path: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tool = tools.join(path);
    assert!(
        tool.exists(),
        "{} is not installed: run scripts/test, which does",
        tool.display()
    );
    tool
}

/// A process that ends with the test.
pub struct Running(Child);

impl Running {
    pub fn start(command: &Command, log: &Path) -> Self {
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            keeper.env(name, value.unwrap_or_default());
        }
        let log = File::options().create(true).append(true).open(log).expect("a log");
        keeper
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log);
        Self(keeper.spawn().expect("sh is there"))
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("the keeper ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that is free.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// Waits until a server takes connections.
pub fn wait_for(port: u16, log: &Path) {
    for _ in 0..START.as_millis() / 100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let lines: Vec<String> = File::open(log).map_or_else(
        |_| Vec::new(),
        |log| BufReader::new(log).lines().map_while(Result::ok).collect(),
    );
    panic!(
        "no server on port {port}: {}",
        lines[lines.len().saturating_sub(20)..].join("\n")
    );
}

/// A directory with a certificate for this machine.
pub struct Certified {
    pub directory: TempDir,
    pub certificate: CertificateDer<'static>,
}

impl Certified {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(directory.path().join("both.pem"), format!("{key}{certificate}")).expect("a file");
        fs::write(directory.path().join("certificate.pem"), certificate).expect("a file");
        fs::write(directory.path().join("key.pem"), key).expect("a file");
        Self {
            directory,
            certificate: made.cert.der().clone(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a server answers to curl.
    pub fn curl(&self, arguments: &[&str]) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--cacert"]);
        let output = curl.arg(self.path("certificate.pem")).args(arguments).output();
        let output = output.expect("curl is there");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {answer} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        answer
    }
}

/// The text of an XML element that is there once.
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).expect("the element");
    rest.split_once(&format!("</{name}>")).expect("its end").0
}
