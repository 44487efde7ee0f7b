//! A connection to one broker: TCP or TLS, the login, then one request after the other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::Secret;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::error::KafkaError;
use super::messages::{self, Api, MAX_ANSWER, Versions};
use super::{Limits, Login};
use crate::tls::is_this_machine;

/// How every broker is reached.
pub struct Door {
    pub tls: Option<Arc<ClientConfig>>,
    pub login: Login,
    pub limits: Limits,
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A connection. After an error it is of no use any more.
pub struct Connection {
    stream: Box<dyn Stream>,
    address: String,
    correlation: i32,
    answer_within: Duration,
    versions: Versions,
}

impl Connection {
    /// Reaches a broker and logs in.
    pub async fn open(address: &str, door: &Door) -> Result<Self, KafkaError> {
        let stream = timeout(door.limits.connect, connect(address, door.tls.as_ref())).await;
        let mut connection = Self {
            stream: stream.map_err(|_| KafkaError::TimedOut(address.to_owned()))??,
            address: address.to_owned(),
            correlation: 0,
            answer_within: door.limits.request,
            versions: Versions::default(),
        };
        let versions = connection.call(messages::API_VERSIONS, &[]).await?;
        connection.versions = Versions::parse(&versions)?;
        connection.versions.need(messages::METADATA)?;
        connection.versions.need(messages::PRODUCE)?;
        connection.log_in(&door.login).await?;
        Ok(connection)
    }

    /// Whether it is to this address.
    pub fn leads_to(&self, address: &str) -> bool {
        self.address == address
    }

    /// Whether the broker knows a request in our version.
    pub fn knows(&self, api: Api) -> bool {
        self.versions.has(api)
    }

    /// Sends a request and waits for its answer.
    pub async fn call(&mut self, api: Api, body: &[u8]) -> Result<Vec<u8>, KafkaError> {
        let request = messages::request(api, self.correlation, body);
        let answered = timeout(self.answer_within, exchange(&mut self.stream, &request)).await;
        let answer = match answered {
            Err(_) => return Err(KafkaError::TimedOut(self.address.clone())),
            Ok(Err(source)) => return Err(unreachable(&self.address, source)),
            Ok(Ok(answer)) => answer,
        };
        let (correlation, body) = answer.split_first_chunk().ok_or(super::wire::Malformed)?;
        if i32::from_be_bytes(*correlation) != self.correlation {
            return Err(super::wire::Malformed.into());
        }
        self.correlation = self.correlation.wrapping_add(1);
        Ok(body.to_vec())
    }

    /// SASL, with messages of the protocol around those of the mechanism.
    async fn log_in(&mut self, login: &Login) -> Result<(), KafkaError> {
        let (mechanism, message) = match login {
            Login::None => return Ok(()),
            // RFC 4616.
            Login::Plain { user, password } => {
                let message = format!("\0{user}\0{}", password.expose());
                ("PLAIN", Secret::new(message))
            }
            // RFC 7628.
            Login::Tokens { tokens, resource } => {
                let token = tokens.token(resource).await.map_err(KafkaError::Token)?;
                let message = format!("n,,\x01auth=Bearer {}\x01\x01", token.expose());
                ("OAUTHBEARER", Secret::new(message))
            }
        };
        self.versions.need(messages::SASL_HANDSHAKE)?;
        self.versions.need(messages::SASL_AUTHENTICATE)?;
        let handshake = messages::handshake(mechanism);
        let answer = self.call(messages::SASL_HANDSHAKE, &handshake).await?;
        messages::handshaken(&answer, mechanism)?;
        let body = Secret::new(messages::authenticate(message.expose().as_bytes()));
        let answer = self.call(messages::SASL_AUTHENTICATE, body.expose()).await?;
        let challenge = messages::authenticated(&answer)?;
        if challenge.is_empty() {
            return Ok(());
        }
        // RFC 7628 §3.2.3: a token is refused by a challenge, and the broker fails when that is answered.
        let body = messages::authenticate(b"\x01");
        let answer = self.call(messages::SASL_AUTHENTICATE, &body).await?;
        messages::authenticated(&answer)?;
        Err(messages::refused(&String::from_utf8_lossy(challenge)))
    }
}

fn unreachable(address: &str, source: io::Error) -> KafkaError {
    KafkaError::Unreachable {
        address: address.to_owned(),
        source,
    }
}

/// Host and port of `HOST:PORT` or `[ADDRESS]:PORT`.
pub fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host
        .strip_prefix('[')
        .map_or(Some(host), |inner| inner.strip_suffix(']'))?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then_some((host, port))
}

async fn connect(address: &str, tls: Option<&Arc<ClientConfig>>) -> Result<Box<dyn Stream>, KafkaError> {
    let (host, port) = split(address).ok_or_else(|| KafkaError::Address(address.to_owned()))?;
    // Also of the addresses that brokers give of others.
    if tls.is_none() && !is_this_machine(host) {
        return Err(KafkaError::Clear(host.to_owned()));
    }
    let failed = |source| unreachable(address, source);
    let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let Some(tls) = tls else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| KafkaError::Address(address.to_owned()))?;
    let connector = TlsConnector::from(tls.clone());
    Ok(Box::new(connector.connect(name, stream).await.map_err(failed)?))
}

async fn exchange(stream: &mut Box<dyn Stream>, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let len = usize::try_from(stream.read_i32().await?).unwrap_or(usize::MAX);
    if len > MAX_ANSWER {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer that is too long"));
    }
    let mut answer = vec![0; len];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_host_and_port() {
        for (address, expected) in [
            ("kafka:9092", Some(("kafka", 9092))),
            ("[::1]:9092", Some(("::1", 9092))),
            ("kafka", None),
            (":9092", None),
            ("[]:1", None),
            ("[::1:9092", None),
            ("kafka:0", None),
            ("kafka:99999", None),
            ("", None),
        ] {
            assert_eq!(split(address), expected, "{address}");
        }
    }
}
