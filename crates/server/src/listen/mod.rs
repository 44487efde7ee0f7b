//! Listeners: our own accept loop, which chooses the TLS configuration by the name the client asks for (SNI), hands
//! requests to the router of that host, and limits what a client can hold.

mod certificate;
mod connection;
mod drain;
pub mod host;
mod stop;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

pub use certificate::{CertificateForm, CertificateHeader, Forwarding};
pub use host::host_of;
pub use stop::{Signals, Stop};

use crate::failure::Failure;
use crate::tls::TenantHosts;

/// What a client can hold, in time and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once on one listener; more wait in the system's queue.
    pub connections: usize,
    /// From the accepted connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Without any request.
    pub idle: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            idle: Duration::from_mins(2),
            head_bytes: 64 * 1024,
            streams: 128,
        }
    }
}

/// One host: its names, its certificate and what answers.
#[derive(Clone)]
pub struct Site {
    /// Names and addresses it answers to, in lower case.
    pub hosts: Vec<String>,
    /// Its TLS configuration.
    pub tls: Arc<ServerConfig>,
    /// Its names for single tenants, where it has some.
    pub tenants: Option<Arc<TenantHosts>>,
    /// What answers.
    pub router: Router,
    /// What reverse proxies say of certificates.
    pub forwarding: Forwarding,
}

/// How a listener speaks.
#[derive(Clone)]
pub enum Speech {
    /// Plain HTTP.
    Plain(Router),
    /// TLS; the host that is asked for chooses the site, the first one when none is.
    Tls(Vec<Site>),
}

/// A bound socket.
pub struct Listener {
    name: &'static str,
    socket: TcpListener,
}

impl Listener {
    /// Binds the address. `option` tells the reader what to change when the port is taken.
    pub async fn bind(name: &'static str, address: SocketAddr, option: &str) -> Result<Self, Failure> {
        match TcpListener::bind(address).await {
            Ok(socket) => Ok(Self { name, socket }),
            Err(error) => Err(Failure::Failed(anyhow::anyhow!(refusal(name, address, option, &error)))),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Accepts until `stop` begins, each connection in a task of its own that `stop` waits for.
    pub async fn serve(self, speech: Speech, limits: Limits, stop: Stop) {
        let permits = Arc::new(Semaphore::new(limits.connections));
        let context = Arc::new(connection::Context::new(self.name, speech, limits));
        loop {
            let permit = tokio::select! {
                () = stop.begun() => return,
                permit = permits.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
            };
            let (stream, peer) = tokio::select! {
                () = stop.begun() => return,
                accepted = accept(&self.socket, self.name) => accepted,
            };
            let (context, on_stop) = (context.clone(), stop.clone());
            stop.spawn(async move {
                connection::serve(stream, peer, context, on_stop).await;
                drop(permit);
            });
        }
    }
}

/// The next connection. Errors are of one connection, or a lack of descriptors that passes: neither ends the loop.
async fn accept(socket: &TcpListener, name: &'static str) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                // Without it small answers wait for the client's acknowledgement; it fails only on a dead connection.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(listener = name, %error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn refusal(name: &str, address: SocketAddr, option: &str, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "port {port} ({name}) is already in use on {}: choose another with {option}",
                address.ip()
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {port} ({name}) needs a privilege that this process has not: choose another with {option}")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!(
                "{} ({name}) is not an address of this machine: choose another with {option}",
                address.ip()
            )
        }
        _ => format!("cannot listen on {address} ({name}): {error}"),
    }
}
