//! The configuration of `hygie serve`: one TOML file. Unknown members are errors; secrets come from files or from named
//! variables of the environment, never from the file itself.

mod audit_logs;
mod blobs;
mod check;
mod directory;
mod events;
mod geo;
mod issuers;
mod mail;
mod outgoing;
mod passwords;
mod problem;
mod psc;
mod roles;
mod storage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http::HeaderName;
use hygie_access::RoleSemantics;
use hygie_core::{AppId, TenantId};
use hygie_web::client::Network;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use url::Url;

pub use audit_logs::{AuditLogs, Endpoint};
pub use blobs::Blobs;
pub use check::host_of;
pub use directory::{Administrator, Application, Publisher, Tenant, Workload};
pub use events::{Events, Who};
pub use geo::Geo;
pub use issuers::{AppRole, EntraTenant, Metadata, OpenIdIssuer};
pub use mail::Mail;
pub use outgoing::Outgoing;
pub use passwords::Passwords;
pub use problem::{Problem, Problems};
pub use psc::{Psc, PscClient};
pub use roles::{RoleAssignment, Whose};
pub use storage::{AtRest, Postgres, SecretPlace, Storage};

use crate::failure::Failure;
use crate::files;
use crate::listen::CertificateForm;
use crate::logs;
use crate::wiring::{bucket, kafka, postgres};

const SIZE_LIMIT: u64 = 1024 * 1024;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Directory of databases, logs and the local authority; with a shared database, of what belongs to this process.
    pub data: PathBuf,
    /// Where structured data lie.
    #[serde(default)]
    pub storage: Storage,
    /// The key that wraps all data keys.
    pub master_key: Spanned<MasterKey>,
    /// Reverse proxies whose word on a client's address is taken: their addresses, or a range such as 10.0.5.0/28 where
    /// nothing but proxies is. Whoever else is in it chooses the address that is recorded and throttled, and with
    /// `forwarded_certificate` the certificate that opens a bound token: a proxy must set or remove that header everywhere.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_proxies: Vec<Network>,
    /// The header in which they hand on the certificate of a client, for tokens that are bound to one.
    pub forwarded_certificate: Option<ForwardedCertificate>,
    /// What the program may ask of other servers.
    #[serde(default)]
    pub outgoing: Outgoing,
    /// Where the logs of the directory go.
    #[serde(default)]
    pub audit_logs: AuditLogs,
    /// The mail server that letters to people and administrators are given to; without it there are none.
    pub mail: Option<Spanned<Mail>>,
    /// How log lines look and what is logged.
    #[serde(default)]
    pub log: Log,
    /// How much the services may store.
    #[serde(default)]
    pub space: Space,
    /// Health and metrics, plain HTTP.
    pub health: Health,
    /// The entry page.
    pub portal: Option<Spanned<Service>>,
    /// The identity provider.
    pub login: Spanned<Service>,
    /// Metadata statements of the makers of authenticators (FIDO MDS3, JSON), by which the origin of passkeys is checked.
    pub authenticator_metadata: Option<PathBuf>,
    /// By what countries of addresses are known; without it none is.
    pub geo: Option<Spanned<Geo>>,
    /// Which passwords nobody may set.
    pub passwords: Option<Spanned<Passwords>>,
    /// The directory API.
    pub graph: Option<Spanned<Service>>,
    /// The FHIR service.
    pub fhir: Option<Spanned<Fhir>>,
    /// The same services for clients with a certificate, which is asked for here alone.
    pub back_channel: Option<Spanned<Service>>,
    /// Where people are asked for a certificate, at a host of its own: they sign in by cards there.
    pub certauth: Option<Spanned<Service>>,
    /// Tokens of managed identities, plain HTTP for programs of this machine.
    pub managed_identity: Option<Spanned<ManagedIdentity>>,
    /// Establishments whose directories live here.
    #[serde(default)]
    pub tenants: Vec<Spanned<Tenant>>,
    /// Workspaces and their services.
    #[serde(default)]
    pub workspaces: Vec<Spanned<Workspace>>,
}

/// Exactly one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasterKey {
    /// A file of mode 0600 that does not lie beside the data.
    pub file: Option<PathBuf>,
    /// The name of a variable of the environment.
    pub env: Option<String>,
}

/// Logging.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Text on a terminal and JSON otherwise, unless one is asked for.
    pub format: logs::Format,
    /// Such as `info` or `info,hygie_fhir=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: logs::Format::Auto,
            filter: logs::DEFAULT_FILTER.to_owned(),
        }
    }
}

/// Space for databases and large objects, in MiB.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Space {
    /// What each service instance may take. No bound when absent.
    pub instance_mib: Option<u64>,
    /// What all together may take.
    pub total_mib: Option<u64>,
    /// Kept so that accesses are still recorded when the disk is full; 0 keeps none.
    pub reserve_mib: u64,
}

impl Default for Space {
    fn default() -> Self {
        Self {
            instance_mib: None,
            total_mib: None,
            reserve_mib: 64,
        }
    }
}

/// The health listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Address and port.
    pub listen: SocketAddr,
}

/// The listener of managed identities.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedIdentity {
    /// Address and port, of this machine.
    pub listen: SocketAddr,
    /// The form of virtual machines, in which a program shows no secret: off unless it is written here which program
    /// everybody on this machine is taken for.
    pub imds: Option<Imds>,
}

/// The program that is asked for without a secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imds {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name.
    pub workload: String,
}

/// Where a service is, and with which certificate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its public base: `https`, a host of its own or shared, no path.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// Address and port; services may share one when their hosts differ.
    pub listen: SocketAddr,
    /// Certificate chain in PEM form; the local authority when absent.
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate.
    pub key: Option<PathBuf>,
}

/// The FHIR service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fhir {
    /// Its public base: `https`, a host of its own or shared, no path.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// Address and port; services may share one when their hosts differ.
    pub listen: SocketAddr,
    /// Certificate chain in PEM form; the local authority when absent.
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate.
    pub key: Option<PathBuf>,
    /// Most entries of a batch or transaction.
    #[serde(default = "Fhir::default_bundle_entries")]
    pub bundle_entries: usize,
    /// Most MiB of a Binary in its native form.
    #[serde(default = "Fhir::default_binary_mib")]
    pub binary_mib: u32,
}

impl Fhir {
    const fn default_bundle_entries() -> usize {
        500
    }

    const fn default_binary_mib() -> u32 {
        1024
    }

    /// The members that every service has.
    pub fn service(&self) -> Service {
        Service {
            url: self.url.clone(),
            listen: self.listen,
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
}

/// A workspace, which belongs to one tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// Its name in addresses.
    pub name: String,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its FHIR services.
    #[serde(default)]
    pub fhir: Vec<FhirInstance>,
    /// Other tenants of this installation whose principals may be given roles here.
    #[serde(default)]
    pub trusted_tenants: Vec<TenantId>,
    /// Tenants of the real Microsoft Entra ID (the worldwide cloud) whose principals may be given roles here.
    #[serde(default)]
    pub trusted_entra_tenants: Vec<TenantId>,
    /// The same with more to say: another cloud, application roles.
    #[serde(default)]
    pub entra: Vec<EntraTenant>,
    /// OpenID Connect providers whose people and applications may be given roles here.
    #[serde(default)]
    pub issuers: Vec<OpenIdIssuer>,
    /// Roles on all services of the workspace or on one; what is written here is given at start.
    #[serde(default)]
    pub role_assignments: Vec<RoleAssignment>,
}

impl Workspace {
    /// The names of its FHIR services that have events, with where these go.
    pub fn events(&self) -> impl Iterator<Item = (&str, &Events)> {
        let services = self.fhir.iter();
        services.filter_map(|service| Some((service.name.as_str(), service.events.as_ref()?)))
    }
}

impl Workspace {
    /// Its FHIR services whose large objects lie in a bucket, with where.
    pub fn blobs(&self) -> impl Iterator<Item = (&FhirInstance, &Blobs)> {
        let services = self.fhir.iter();
        services.filter_map(|service| Some((service, service.blobs.as_ref()?)))
    }
}

/// What reverse proxies say of certificates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardedCertificate {
    /// Name of the header; the proxy must replace what its client writes there.
    #[serde(deserialize_with = "header_name")]
    pub header: HeaderName,
    /// How it is written.
    pub form: CertificateForm,
}

/// A FHIR service of a workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FhirInstance {
    /// Its name in addresses.
    pub name: String,
    /// Id of its application, a GUID that never changes; registered at first start.
    pub app: AppId,
    /// What the roles allow: the documentation's list or Azure's wider definitions.
    #[serde(default)]
    pub roles: RoleSemantics,
    /// Where its events go; nowhere when absent.
    pub events: Option<Events>,
    /// Where its large objects lie; beside its database when absent.
    pub blobs: Option<Blobs>,
}

impl Config {
    /// Reads and checks a file. Relative paths are relative to it.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_text(path)?;
        Self::parse(&text, path).map_err(|problems| Failure::usage(problems.in_one_line(path)))
    }

    /// Everything that is wrong with a file, for `check-config`.
    pub fn problems(path: &Path) -> Result<Problems, Failure> {
        let text = read_text(path)?;
        Ok(Self::parse(&text, path).err().unwrap_or_default())
    }

    /// What is wrong with a file without problems when its database, its brokers and its buckets are reached. The login of a
    /// managed identity is not tried: its token is the running program's.
    pub async fn problems_online(path: &Path) -> Result<Problems, Failure> {
        let text = read_text(path)?;
        let config = Self::read(path)?;
        let mut problems = Problems::default();
        if let Some(database) = &config.storage.postgres
            && let Err(error) = postgres::reach(database.get_ref()).await
        {
            problems.add(&text, &database.span(), &format!("{error:#}"));
        }
        if let Some(events) = &config.audit_logs.kafka
            && let Err(error) = kafka::reach(events.get_ref()).await
        {
            problems.add(&text, &events.span(), &format!("audit logs: {error:#}"));
        }
        if let Some(mail) = &config.mail
            && let Err(error) = mail.get_ref().reach(&config).await
        {
            problems.add(&text, &mail.span(), &format!("[mail]: {error:#}"));
        }
        if let Some(certauth) = &config.certauth
            && let Err(error) = crate::serve::certauth::reach(certauth.get_ref()).await
        {
            problems.add(&text, &certauth.span(), &format!("[certauth]: {error:#}"));
        }
        for workspace in &config.workspaces {
            for (service, events) in workspace.get_ref().events() {
                if let Err(error) = kafka::reach(events).await {
                    let message = format!("events of {service}: {error:#}");
                    problems.add(&text, &workspace.span(), &message);
                }
            }
            for (service, blobs) in workspace.get_ref().blobs() {
                if let Err(error) = bucket::reach(blobs).await {
                    let message = format!("large objects of {}: {error:#}", service.name);
                    problems.add(&text, &workspace.span(), &message);
                }
            }
        }
        Ok(problems)
    }

    /// The FHIR service at `WORKSPACE/SERVICE`.
    pub fn find_fhir(&self, place: &str) -> Option<&FhirInstance> {
        let (workspace, service) = place.split_once('/')?;
        let mut workspaces = self.workspaces.iter().map(Spanned::get_ref);
        let workspace = workspaces.find(|candidate| candidate.name == workspace)?;
        workspace.fhir.iter().find(|candidate| candidate.name == service)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Problems> {
        let mut config: Self = toml::from_str(text).map_err(|error| Problems::of_syntax(text, &error))?;
        config.make_absolute(path.parent().unwrap_or(Path::new("")));
        let mut problems = check::check(&config, text);
        audit_logs::check(&config, text, &mut problems);
        mail::check(&config, text, &mut problems);
        geo::check(&config, text, &mut problems);
        passwords::check(&config, text, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    fn make_absolute(&mut self, base: &Path) {
        let resolve = |path: &mut PathBuf| *path = base.join(&*path);
        resolve(&mut self.data);
        self.master_key.as_mut().file.as_mut().map(resolve);
        self.authenticator_metadata.as_mut().map(resolve);
        if let Some(geo) = &mut self.geo {
            resolve(&mut geo.as_mut().database);
        }
        if let Some(passwords) = &mut self.passwords {
            resolve(&mut passwords.as_mut().breached);
        }
        self.audit_logs.make_absolute(base);
        if let Some(mail) = &mut self.mail {
            mail.as_mut().make_absolute(base);
        }
        if let Some(postgres) = &mut self.storage.postgres {
            postgres.as_mut().make_absolute(base);
        }
        for tenant in &mut self.tenants {
            tenant.as_mut().make_absolute(base);
        }
        let services = [
            self.portal.as_mut(),
            Some(&mut self.login),
            self.graph.as_mut(),
            self.back_channel.as_mut(),
            self.certauth.as_mut(),
        ];
        for service in services.into_iter().flatten() {
            let service = service.as_mut();
            service.certificate.as_mut().map(resolve);
            service.key.as_mut().map(resolve);
        }
        self.outgoing.roots.iter_mut().for_each(resolve);
        for tenant in &mut self.tenants {
            let workloads = tenant.as_mut().workloads.iter_mut();
            workloads.for_each(|workload| resolve(&mut workload.header_file));
        }
        for workspace in &mut self.workspaces {
            let services = workspace.as_mut().fhir.iter_mut();
            let events = services.filter_map(|service| service.events.as_mut());
            events.for_each(|events| events.make_absolute(base));
            let services = workspace.as_mut().fhir.iter_mut();
            let blobs = services.filter_map(|service| service.blobs.as_mut());
            blobs.for_each(|blobs| blobs.make_absolute(base));
        }
        if let Some(fhir) = &mut self.fhir {
            let fhir = fhir.as_mut();
            fhir.certificate.as_mut().map(resolve);
            fhir.key.as_mut().map(resolve);
        }
    }
}

/// How a variable of the environment is named in errors.
pub fn env_origin(name: &str) -> String {
    format!("the variable {name} of the environment")
}

fn url<'de, D: Deserializer<'de>>(value: D) -> Result<Url, D::Error> {
    let text = String::deserialize(value)?;
    Url::parse(&text).map_err(|error| D::Error::custom(format!("{text:?} is not a URL: {error}")))
}

fn header_name<'de, D: Deserializer<'de>>(value: D) -> Result<HeaderName, D::Error> {
    let text = String::deserialize(value)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("{text:?} is not the name of a header")))
}

fn networks<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(value)?;
    texts
        .iter()
        .map(|text| text.parse().map_err(D::Error::custom))
        .collect()
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = files::read_limited(path, SIZE_LIMIT).map_err(|error| Failure::usage(format!("{error:#}")))?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{} is not UTF-8 text", path.display())))
}
