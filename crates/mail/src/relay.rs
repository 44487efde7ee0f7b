//! The mail server that letters are given to.

use std::time::Duration;

use hygie_core::Secret;
use hygie_web::i18n::MessageError;
use lettre::Tokio1Executor;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, AsyncSmtpTransport, PoolConfig};

/// A command of the protocol may take so long: RFC 5321 §4.5.3.2 gives minutes, but the lease of the outbox is half of one.
const PATIENCE: Duration = Duration::from_secs(8);
/// A connection that nothing is sent over is closed.
const IDLE: Duration = Duration::from_secs(10);

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// It turns to TLS before anything is told (RFC 3207); a relay that does not offer it gets nothing.
    #[default]
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// None: for a relay on this machine.
    None,
}

impl Security {
    /// The port where nothing else is said.
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Where letters go.
pub struct Relay {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name and password, where it asks for them.
    pub login: Option<(String, Secret<String>)>,
    /// Who letters are from: an address, with a name before it or without.
    pub from: String,
    /// What we call ourselves there.
    pub hello: String,
    /// Authorities (DER) that are trusted besides those of the system.
    pub roots: Vec<Vec<u8>>,
}

/// Why there is no relay, or not now.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Who letters are from is no address.
    #[error("`from` is no mail address")]
    From,
    /// A certificate or the name of the host cannot be used.
    #[error("the connection to the mail server cannot be set up")]
    Setup(#[source] smtp::Error),
    /// It does not answer, or not as it should.
    #[error("the mail server does not take letters")]
    Relay(#[source] smtp::Error),
    /// The messages of letters are broken.
    #[error(transparent)]
    Messages(MessageError),
    /// It answers that it is not ready.
    #[error("the mail server is not ready")]
    Unready,
}

impl Relay {
    /// Who letters are from.
    pub fn sender(&self) -> Result<Mailbox, MailError> {
        self.from.parse().map_err(|_| MailError::From)
    }

    /// The connection, which is made when something is sent.
    pub(crate) fn open(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        let tls = match self.security {
            Security::StartTls => Tls::Required(self.tls()?),
            Security::Tls => Tls::Wrapper(self.tls()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .hello_name(ClientId::Domain(self.hello.clone()))
            .timeout(Some(PATIENCE))
            .pool_config(PoolConfig::new().max_size(1).idle_timeout(IDLE))
            .tls(tls);
        if let Some((user, password)) = &self.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        Ok(builder.build())
    }

    fn tls(&self) -> Result<TlsParameters, MailError> {
        let mut tls = TlsParameters::builder(self.host.clone());
        for root in &self.roots {
            let root = Certificate::from_der(root.clone()).map_err(MailError::Setup)?;
            tls = tls.add_root_certificate(root);
        }
        tls.build_rustls().map_err(MailError::Setup)
    }

    /// Asks whether it takes letters from us: connects, logs in, and sends none.
    pub async fn test(&self) -> Result<(), MailError> {
        self.sender()?;
        let is_ready = self.open()?.test_connection().await.map_err(MailError::Relay)?;
        if is_ready { Ok(()) } else { Err(MailError::Unready) }
    }
}
