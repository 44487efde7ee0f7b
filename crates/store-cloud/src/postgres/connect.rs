//! Reaching a database: address, TLS, settings of its sessions, and what it must be before data is trusted to it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use hygie_core::{ErrorKind, Fault, Secret};
use hygie_store::StoreError;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{fault, pool_fault};
use super::link::Catalogue;

/// Where the database is and how its sessions are used.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `postgresql://user:password@host:port/name` or `host=… dbname=…`; several hosts with commas: the one that takes
    /// writes is used.
    pub address: Secret<String>,
    /// The password, where the address has none.
    pub password: Option<Secret<String>>,
    /// Who signs the server's certificate. Without them only sockets and loopback addresses are reached, in clear.
    pub roots: Vec<CertificateDer<'static>>,
    /// The schema of all tables: lower-case letters, digits and `_`.
    pub schema: String,
    /// What protects the data at rest. It must be stated: PostgreSQL holds clear values.
    pub at_rest: Option<AtRest>,
    /// Connections of this process at most.
    pub connections: usize,
    /// How long one waits for a connection before [`StoreError::Busy`].
    pub wait: Duration,
    /// How long a statement may take.
    pub statement: Duration,
}

impl Settings {
    /// With default sizes; `at_rest` is still to be stated.
    pub fn new(address: Secret<String>) -> Self {
        Self {
            address,
            password: None,
            roots: Vec::new(),
            schema: "hygie".to_owned(),
            at_rest: None,
            connections: 16,
            wait: Duration::from_secs(10),
            statement: Duration::from_secs(30),
        }
    }

    /// Whether a database could be reached with these, as far as is known without reaching it.
    pub fn check(&self) -> Result<(), ConnectError> {
        self.manager().map(drop)
    }

    /// Whether the address itself holds a password.
    pub fn has_password_in_address(&self) -> bool {
        Config::from_str(self.address.expose()).is_ok_and(|config| config.get_password().is_some())
    }

    fn manager(&self) -> Result<Manager, ConnectError> {
        if self.at_rest.is_none() {
            return Err(ConnectError::AtRest);
        }
        check_schema(&self.schema)?;
        let mut config = Config::from_str(self.address.expose()).map_err(ConnectError::Address)?;
        configure(&mut config, self);
        manager(config, &self.roots)
    }
}

/// What protects data at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRest {
    /// The volume that PostgreSQL writes to, and its backups, are encrypted: whoever states it answers for it.
    Volume,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing is said of the protection at rest.
    #[error("PostgreSQL stores clear values: state at_rest = \"volume\" when its volume and backups are encrypted")]
    AtRest,
    /// The address cannot be read. Its text is not repeated: it may hold a password.
    #[error("the address of the database cannot be read")]
    Address(#[source] tokio_postgres::Error),
    /// The name of the schema is none.
    #[error("`{0}` is no name of a schema: lower-case letters, digits and _ are")]
    Schema(String),
    /// A host over the network without authorities.
    #[error("{0} is reached over the network: give the certificates of the authority that signs for it")]
    Clear(String),
    /// A root certificate is none.
    #[error("a certificate authority cannot be read")]
    Root(#[source] rustls::Error),
    /// Too old.
    #[error("PostgreSQL {0} is too old: 14 is the oldest that is supported")]
    Version(i32),
    /// Text is stored or ordered in another way than the store wants.
    #[error("the database has encoding {encoding} and collation {collation}: UTF8 and C are wanted")]
    Collation {
        /// Its encoding.
        encoding: String,
        /// Its collation.
        collation: String,
    },
    /// A commit may be lost with the power.
    #[error("the server runs with {0}: an answered write would not be safe")]
    NotDurable(&'static str),
    /// It does not answer, or refuses.
    #[error("the database cannot be reached")]
    Store(#[from] StoreError),
}

impl Fault for ConnectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            _ => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            _ => "internal",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Store(error) => error.public(),
            _ => "an internal error occurred".to_owned(),
        }
    }
}

/// A database that instances live in. It is shared by the instances of a process.
pub struct Database {
    pool: Pool,
    schema: String,
    catalogue: Arc<Catalogue>,
}

impl Database {
    /// Reaches the database and looks whether it is fit.
    pub async fn connect(settings: Settings) -> Result<Self, ConnectError> {
        let manager = settings.manager()?;
        let timeouts = Timeouts {
            wait: Some(settings.wait),
            create: Some(settings.wait),
            recycle: Some(settings.wait),
        };
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        let database = Self {
            pool,
            schema: settings.schema,
            catalogue: Arc::default(),
        };
        check_server(&database.client().await?).await?;
        Ok(database)
    }

    /// A connection, when one is free.
    pub async fn client(&self) -> Result<Client, StoreError> {
        self.pool.get().await.map_err(pool_fault)
    }

    /// Closes the connections that nobody uses: one was lost, and these may lead to the same server.
    pub fn forget_idle(&self) {
        let _closed = self.pool.retain(|_, _| false);
    }

    /// The schema of all tables.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The statements in PostgreSQL's words.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.clone()
    }

    /// Whether a transaction has ended, by its number. It may be that of another one when the server has crashed since.
    pub async fn has_ended(client: &Client, xact: &str) -> Result<bool, StoreError> {
        let asked = client
            .query_one("SELECT pg_xact_status($1::text::xid8)", &[&xact])
            .await;
        match asked {
            Ok(row) => Ok(row.try_get::<_, Option<&str>>(0).map_err(fault)? != Some("in progress")),
            // A number that was not given yet: the server has crashed since.
            Err(error) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => Ok(true),
            Err(error) => Err(fault(error)),
        }
    }
}

fn check_schema(name: &str) -> Result<(), ConnectError> {
    let is_name = (1..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_name
        .then_some(())
        .ok_or_else(|| ConnectError::Schema(name.to_owned()))
}

/// The settings of every session.
///
/// Every statement is a look-up or a range by a key, and there is an index for each: plans that depend on statistics
/// could only be worse on the day that they are old, and a scan of a whole (small) table would make each write a conflict
/// of every other.
fn configure(config: &mut Config, settings: &Settings) {
    let options = format!(
        "{} -c search_path={} -c statement_timeout={} -c idle_in_transaction_session_timeout=60000 -c jit=off \
         -c enable_seqscan=off -c enable_bitmapscan=off -c client_min_messages=warning",
        config.get_options().unwrap_or_default(),
        settings.schema,
        settings.statement.as_millis()
    );
    config.options(options.trim_start());
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    config.connect_timeout(settings.wait);
    config.tcp_user_timeout(settings.statement);
    config.keepalives_idle(Duration::from_secs(30));
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    if config.get_application_name().is_none() {
        config.application_name("hygie");
    }
}

fn manager(mut config: Config, roots: &[CertificateDer<'static>]) -> Result<Manager, ConnectError> {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    if roots.is_empty() {
        if let Some(remote) = config.get_hosts().iter().find_map(remote_name) {
            return Err(ConnectError::Clear(remote));
        }
        config.ssl_mode(SslMode::Disable);
        return Ok(Manager::from_config(config, NoTls, recycling));
    }
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(ConnectError::Root)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ConnectError::Root)?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.ssl_mode(SslMode::Require);
    Ok(Manager::from_config(config, MakeRustlsConnect::new(tls), recycling))
}

/// The name of a host that is not this machine.
fn remote_name(host: &Host) -> Option<String> {
    match host {
        Host::Tcp(name) => {
            let is_local = name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
            (!is_local).then(|| name.clone())
        }
        Host::Unix(_) => None,
    }
}

async fn check_server(client: &Client) -> Result<(), ConnectError> {
    let sql = "SELECT current_setting('server_version_num')::int, pg_encoding_to_char(encoding)::text,
                      datcollate::text, current_setting('fsync'), current_setting('synchronous_commit')
               FROM pg_catalog.pg_database WHERE datname = current_database()";
    let row = client.query_one(sql, &[]).await.map_err(fault)?;
    let version: i32 = row.try_get(0).map_err(fault)?;
    if version < 140_000 {
        return Err(ConnectError::Version(version / 10_000));
    }
    let (encoding, collation): (String, String) = (row.try_get(1).map_err(fault)?, row.try_get(2).map_err(fault)?);
    if encoding != "UTF8" || !["C", "POSIX"].contains(&collation.as_str()) {
        return Err(ConnectError::Collation { encoding, collation });
    }
    let (fsync, commit): (String, String) = (row.try_get(3).map_err(fault)?, row.try_get(4).map_err(fault)?);
    match (fsync.as_str(), commit.as_str()) {
        ("off", _) => Err(ConnectError::NotDurable("fsync = off")),
        (_, "off") => Err(ConnectError::NotDurable("synchronous_commit = off")),
        _ => Ok(()),
    }
}
