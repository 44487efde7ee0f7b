//! Checks that go beyond the shape of the file: names, addresses, certificates, references between sections.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;

use hygie_access::Role;
use hygie_core::{Clock, TenantId};
use hygie_directory::is_workload_name;
use url::Url;

use super::{AppRole, Application, Config, Problems, Psc, Service, Tenant, Workspace, blobs, events};
use crate::ambient::SystemClock;
use crate::logs;
use crate::place::{key_of_environment, key_of_file};
use crate::tls::certificate;
use crate::wiring::postgres;

/// Everything that is wrong with a file that has the right shape.
pub fn check(config: &Config, text: &str) -> Problems {
    let mut check = Check {
        text,
        problems: Problems::default(),
    };
    check.master_key(config);
    check.storage(config);
    check.services(config);
    check.tenants(config);
    check.managed_identity(config);
    check.workspaces(config);
    if let Err(error) = config.outgoing.policy() {
        check.problems.add(text, &(0..0), &format!("[outgoing]: {error:#}"));
    }
    if config.forwarded_certificate.is_some() && config.trusted_proxies.is_empty() {
        let message = "forwarded_certificate is read from trusted_proxies only, and there are none";
        check.problems.add(text, &(0..0), message);
    }
    if let Err(failure) = logs::parse_filter(&config.log.filter) {
        check.problems.add(text, &(0..0), &failure.to_string());
    }
    check.problems.0.sort_by_key(|problem| problem.line);
    check.problems
}

struct Check<'a> {
    text: &'a str,
    problems: Problems,
}

impl Check<'_> {
    fn add(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.problems.add(self.text, span, &message.into());
    }

    fn master_key(&mut self, config: &Config) {
        let (span, key) = (config.master_key.span(), config.master_key.get_ref());
        let opened = match (&key.file, &key.env) {
            (Some(file), None) if !file.is_file() => {
                let message = format!(
                    "the master key {} does not exist; make one with: (umask 077; openssl rand -hex 32 > {0})",
                    file.display()
                );
                return self.add(&span, message);
            }
            (Some(file), None) => key_of_file(file, &config.data),
            (None, Some(name)) => key_of_environment(name),
            _ => return self.add(&span, "master_key needs exactly one of `file` and `env`"),
        };
        if let Err(failure) = opened {
            self.add(&span, failure.to_string());
        }
    }

    fn storage(&mut self, config: &Config) {
        let Some(postgres) = &config.storage.postgres else {
            return;
        };
        let span = postgres.span();
        for message in postgres::problems(postgres.get_ref()) {
            self.add(&span, message);
        }
        if config.space.instance_mib.is_some() || config.space.total_mib.is_some() {
            self.add(
                &span,
                "[space] is a quota of databases in files: what a database of PostgreSQL may take is set there",
            );
        }
    }

    fn services(&mut self, config: &Config) {
        let mut seen: HashMap<(String, u16), &'static str> = HashMap::new();
        let mut sockets: HashMap<SocketAddr, &'static str> = HashMap::from([(config.health.listen, "health")]);
        let fhir = config.fhir.as_ref().map(|fhir| (fhir.span(), fhir.get_ref().service()));
        let all = [
            optional("portal", config.portal.as_ref()),
            Some(("login", config.login.span(), config.login.get_ref())),
            optional("graph", config.graph.as_ref()),
            fhir.as_ref().map(|(span, service)| ("fhir", span.clone(), service)),
            optional("back_channel", config.back_channel.as_ref()),
            optional("certauth", config.certauth.as_ref()),
        ];
        for (name, span, service) in all.into_iter().flatten() {
            self.service(name, &span, service);
            if sockets.insert(service.listen, name) == Some("health") {
                self.add(&span, format!("{name} and health cannot share {}", service.listen));
            }
            let place = (
                host_of(&service.url),
                service.url.port_or_known_default().unwrap_or_default(),
            );
            if let Some(other) = seen.insert(place, name) {
                let message = format!("{name} and {other} have the same host and port; give each its own host name");
                self.add(&span, message);
            }
        }
    }

    fn service(&mut self, name: &str, span: &Range<usize>, service: &Service) {
        let url = &service.url;
        let is_root = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "https" || url.host_str().is_none() || !url.username().is_empty() || !is_root {
            self.add(
                span,
                format!("url of {name} must be https://HOST or https://HOST:PORT, without a path"),
            );
        }
        match (&service.certificate, &service.key) {
            (Some(chain), Some(key)) => self.certificate(span, chain, key, &host_of(url)),
            (None, None) => {}
            _ => self.add(
                span,
                format!("{name} needs both `certificate` and `key`, or neither (local authority)"),
            ),
        }
    }

    fn certificate(&mut self, span: &Range<usize>, chain: &Path, key: &Path, host: &str) {
        if let Err(error) = certificate::check_files(chain, key, host, SystemClock.now()) {
            self.add(span, format!("{error:#}"));
        }
    }

    /// What is plain HTTP and hands out tokens stays on this machine.
    fn managed_identity(&mut self, config: &Config) {
        let mut names = HashSet::new();
        for tenant in &config.tenants {
            let (span, tenant) = (tenant.span(), tenant.get_ref());
            for workload in &tenant.workloads {
                let called = std::iter::once(&workload.name).chain(&workload.user_assigned);
                for name in called.filter(|name| !is_workload_name(name)) {
                    self.add(
                        &span,
                        format!("{name:?} cannot be a workload: 3 to 128 letters, digits, - and _"),
                    );
                }
                if !names.insert((tenant.id, workload.name.as_str())) {
                    self.add(&span, format!("workload {:?} is there twice", workload.name));
                }
            }
        }
        let Some(identities) = &config.managed_identity else {
            return;
        };
        let (span, identities) = (identities.span(), identities.get_ref());
        if !identities.listen.ip().is_loopback() {
            let message = format!(
                "managed_identity must listen on this machine alone, not on {}",
                identities.listen
            );
            self.add(&span, message);
        }
        let services = [
            Some(config.health.listen),
            Some(config.login.get_ref().listen),
            config.portal.as_ref().map(|portal| portal.get_ref().listen),
            config.graph.as_ref().map(|graph| graph.get_ref().listen),
            config.fhir.as_ref().map(|fhir| fhir.get_ref().listen),
            config.back_channel.as_ref().map(|back| back.get_ref().listen),
            config.certauth.as_ref().map(|host| host.get_ref().listen),
        ];
        if services.contains(&Some(identities.listen)) {
            self.add(&span, format!("managed_identity cannot share {}", identities.listen));
        }
        if let Some(imds) = &identities.imds
            && !names.contains(&(imds.tenant, imds.workload.as_str()))
        {
            self.add(
                &span,
                format!("imds names {:?}, which is no workload of its tenant", imds.workload),
            );
        }
    }

    fn tenants(&mut self, config: &Config) {
        let mut ids = HashSet::new();
        let mut domains = HashSet::new();
        for tenant in &config.tenants {
            let (span, tenant) = (tenant.span(), tenant.get_ref());
            if !ids.insert(tenant.id) || !domains.insert(tenant.domain.to_ascii_lowercase()) {
                self.add(&span, format!("tenant {} or its domain is there twice", tenant.id));
            }
            for application in &tenant.applications {
                self.application(&span, application, config);
            }
            if let Some(psc) = &tenant.psc {
                self.psc(&span, (tenant, psc), config);
            }
            let Some(administrator) = &tenant.administrator else {
                continue;
            };
            let in_domain = administrator
                .upn
                .rsplit_once('@')
                .is_some_and(|(name, domain)| !name.is_empty() && domain.eq_ignore_ascii_case(&tenant.domain));
            if !in_domain {
                self.add(
                    &span,
                    format!(
                        "administrator {} is not in the domain {}",
                        administrator.upn, tenant.domain
                    ),
                );
            } else if is_first_start(config)
                && let Err(error) = administrator.account(tenant)
            {
                self.add(&span, format!("{error:#}"));
            }
        }
    }

    fn application(&mut self, span: &Range<usize>, application: &Application, config: &Config) {
        if let Some(file) = &application.certificate
            && let Err(error) = certificate::read_certificate(file)
        {
            self.add(span, format!("{error:#}"));
        }
        if let Some(problem) = application.wrong_permission() {
            self.add(span, problem);
        }
        for place in &application.fhir {
            if config.find_fhir(place).is_none() {
                let name = &application.display_name;
                self.add(
                    span,
                    format!("application {name} names the FHIR service {place}, which is in no workspace"),
                );
            }
        }
    }

    fn psc(&mut self, span: &Range<usize>, (tenant, psc): (&Tenant, &Psc), config: &Config) {
        for address in std::iter::once(&psc.issuer).chain(&psc.metadata) {
            self.issuer_address(span, address, config);
        }
        for problem in psc.problems() {
            self.add(span, problem);
        }
        let mut named = tenant
            .applications
            .iter()
            .filter(|application| psc.clients.iter().any(|client| client.app == application.app));
        if let Some(public) = named.find(|application| application.certificate.is_none()) {
            let name = &public.display_name;
            self.add(
                span,
                format!("application {name} has no `certificate`, without which it cannot exchange tokens"),
            );
        }
    }

    fn workspaces(&mut self, config: &Config) {
        let mut names = HashSet::new();
        for workspace in &config.workspaces {
            let (span, workspace) = (workspace.span(), workspace.get_ref());
            if !config
                .tenants
                .iter()
                .any(|tenant| tenant.get_ref().id == workspace.tenant)
            {
                self.add(
                    &span,
                    format!("workspace {} names a tenant that is not in [[tenants]]", workspace.name),
                );
            }
            if !names.insert(&workspace.name) {
                self.add(&span, format!("workspace {} is there twice", workspace.name));
            }
            if !workspace.fhir.is_empty() && config.fhir.is_none() {
                self.add(
                    &span,
                    format!("workspace {} has FHIR services but there is no [fhir]", workspace.name),
                );
            }
            self.names(&span, workspace);
            for problem in events::problems(config, workspace) {
                self.add(&span, problem);
            }
            for problem in blobs::problems(config, workspace) {
                self.add(&span, problem);
            }
            self.issuers(&span, config, workspace);
            self.role_assignments(&span, workspace);
        }
    }

    fn role_assignments(&mut self, span: &Range<usize>, workspace: &Workspace) {
        for assignment in &workspace.role_assignments {
            self.role(span, &assignment.role);
            self.fhir_service(span, workspace, assignment.fhir.as_ref());
            if let Err(message) = assignment.whose(workspace) {
                self.add(span, message);
            }
        }
    }

    fn issuers(&mut self, span: &Range<usize>, config: &Config, workspace: &Workspace) {
        let is_ours = |tenant: &TenantId| config.tenants.iter().any(|known| known.get_ref().id == *tenant);
        for tenant in workspace.trusted_tenants.iter().filter(|tenant| !is_ours(tenant)) {
            self.add(span, format!("trusted tenant {tenant} is not in [[tenants]]"));
        }
        let mut seen = HashSet::new();
        for entra in &workspace.entra {
            let cloud = entra.cloud();
            for base in [&cloud.authority, &cloud.sts] {
                self.issuer_address(span, base, config);
            }
            // Roles and revocations know a principal by tenant and object: one source for each tenant.
            if !seen.insert(entra.tenant.to_string()) {
                self.add(span, format!("Entra tenant {} is there twice", entra.tenant));
            }
            if is_ours(&entra.tenant) {
                self.add(span, format!("Entra tenant {} is one of [[tenants]]", entra.tenant));
            }
            seen.insert(format!("{}/{}/", cloud.sts, entra.tenant));
            seen.insert(format!("{}/{}/v2.0", cloud.authority, entra.tenant));
            self.app_roles(span, workspace, &entra.app_roles);
        }
        for issuer in &workspace.issuers {
            self.issuer_address(span, &issuer.issuer, config);
            if !seen.insert(issuer.issuer.clone()) {
                self.add(span, format!("issuer {} is there twice", issuer.issuer));
            }
            self.app_roles(span, workspace, &issuer.app_roles);
        }
    }

    /// Nobody outside speaks in our own name, and keys do not come over plain HTTP but from a host that is named.
    fn issuer_address(&mut self, span: &Range<usize>, address: &str, config: &Config) {
        let Ok(url) = Url::parse(address) else {
            return self.add(span, format!("{address:?} is not a URL"));
        };
        let is_whole = url.query().is_none() && url.fragment().is_none() && url.host_str().is_some();
        let is_secure = url.scheme() == "https" || url.scheme() == "http" && !config.outgoing.private_hosts.is_empty();
        if !is_whole || !is_secure {
            self.add(
                span,
                format!("issuer {address} must be https://…, without query and fragment"),
            );
        }
        if url.origin() == config.login.get_ref().url.origin() {
            self.add(
                span,
                format!("{address} is this installation: name the tenant in trusted_tenants"),
            );
        }
    }

    fn app_roles(&mut self, span: &Range<usize>, workspace: &Workspace, app_roles: &[AppRole]) {
        for granted in app_roles {
            self.role(span, &granted.role);
            self.fhir_service(span, workspace, granted.fhir.as_ref());
        }
    }

    fn role(&mut self, span: &Range<usize>, name: &str) {
        if Role::find(name).is_none() {
            let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
            self.add(span, format!("{name:?} is not a role (one of: {})", known.join(", ")));
        }
    }

    fn fhir_service(&mut self, span: &Range<usize>, workspace: &Workspace, name: Option<&String>) {
        if let Some(name) = name
            && !workspace.fhir.iter().any(|fhir| fhir.name == *name)
        {
            self.add(span, format!("workspace {} has no FHIR service {name}", workspace.name));
        }
    }

    fn names(&mut self, span: &Range<usize>, workspace: &Workspace) {
        let mut seen = HashSet::new();
        for name in std::iter::once(&workspace.name).chain(workspace.fhir.iter().map(|fhir| &fhir.name)) {
            if !is_path_name(name) {
                self.add(
                    span,
                    format!("name {name:?} must be 1 to 24 of a-z, 0-9 and '-', beginning with a letter"),
                );
            }
        }
        for fhir in &workspace.fhir {
            if !seen.insert(&fhir.name) {
                self.add(
                    span,
                    format!("FHIR service {} is there twice in {}", fhir.name, workspace.name),
                );
            }
        }
    }
}

/// The host of a URL as names are compared: addresses without brackets.
pub fn host_of(url: &Url) -> String {
    url.host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_ascii_lowercase()
}

fn is_path_name(name: &str) -> bool {
    (1..=24).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Whether nothing was made yet, as far as can be seen: who has a database of PostgreSQL is not asked.
fn is_first_start(config: &Config) -> bool {
    config.storage.postgres.is_none() && !config.data.exists()
}

fn optional<'a>(
    name: &'static str,
    service: Option<&'a toml::Spanned<Service>>,
) -> Option<(&'static str, Range<usize>, &'a Service)> {
    service.map(|service| (name, service.span(), service.get_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const GOOD: &str = r#"
data = "data"

[master_key]
file = "keys/master.key"

[health]
listen = "127.0.0.1:9440"

[login]
url = "https://login.ch.test"
listen = "127.0.0.1:8443"

[fhir]
url = "https://fhir.ch.test"
listen = "127.0.0.1:8443"

[[tenants]]
id = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001"
domain = "ch.test"
display_name = "CH"
administrator = { upn = "admin@ch.test", password_env = "ADMIN_PASSWORD" }
workloads = [{ name = "exporter", header_file = "exporter.header" }]

[[workspaces]]
name = "ch"
tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001"
fhir = [{ name = "fhir", app = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0002" }]
role_assignments = [{ principal = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003", kind = "App", role = "FHIR Data Reader" }]
"#;

    fn problems(text: &str) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("data")).expect("made");
        fs::create_dir(dir.path().join("keys")).expect("made");
        for (name, key) in [("master.key", "5a".repeat(32)), ("short.key", "00".to_owned())] {
            let key_file = dir.path().join("keys").join(name);
            fs::write(&key_file, key).expect("written");
            fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).expect("closed");
        }
        let path = dir.path().join("hygie.toml");
        fs::write(&path, text).expect("written");
        let problems = Config::problems(&path).expect("read");
        problems.lines(Path::new("hygie.toml")).collect()
    }

    #[test]
    fn a_good_file_has_no_problem() {
        assert_eq!(problems(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_problem_names_its_line_and_what_to_do() {
        let cases = [
            (
                "data = \"data\"",
                "data = \"data\"\ncolour = 1",
                "hygie.toml:3: unknown field `colour`",
            ),
            ("data = \"data\"", "data = ", "hygie.toml:2: "),
            (
                "file = \"keys/master.key\"",
                "file = \"absent.key\"",
                "make one with: (umask 077; openssl rand -hex 32",
            ),
            ("keys/master.key", "keys/short.key", "is not a key: 32 bytes"),
            (
                "data = \"data\"",
                "data = \"elsewhere\"",
                "hygie.toml:18: the variable ADMIN_PASSWORD of the environment with the first password is not set",
            ),
            ("file = \"keys/master.key\"", "", "exactly one of `file` and `env`"),
            (
                "data = \"data\"",
                "data = \"data\"\ntrusted_proxies = [\"0.0.0.0/0\"]",
                "hygie.toml:3: `0.0.0.0/0` is everybody",
            ),
            ("127.0.0.1:9440", "127.0.0.1", "hygie.toml:8: invalid socket address"),
            ("127.0.0.1:9440", "127.0.0.1:8443", "health cannot share 127.0.0.1:8443"),
            ("https://login.ch.test", "https://login.ch.test/idp", "without a path"),
            ("https://login.ch.test", "http://login.ch.test", "must be https://HOST"),
            (
                "https://fhir.ch.test",
                "https://login.ch.test",
                "give each its own host name",
            ),
            (
                "admin@ch.test",
                "admin@other.test",
                "hygie.toml:18: administrator admin@other.test is not in the domain",
            ),
            (
                "admin@ch.test",
                "a\\u001b\\nb@other.test",
                "administrator a\\u{1b}\\nb@other.test is not in the domain",
            ),
            ("name = \"ch\"", "name = \"CH 1\"", "must be 1 to 24 of a-z"),
            (
                "[[workspaces]]",
                "[log]\nfilter = \"a=b=c\"\n[[workspaces]]",
                "log filter",
            ),
        ];
        for (from, to, expected) in cases {
            let found = problems(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
    }

    #[test]
    fn issuers_and_roles() {
        let cases = [
            (
                "kind = \"App\", ",
                "",
                "a role assignment names `principal` and `kind`, or",
            ),
            (
                "kind = \"App\", ",
                "kind = \"App\", tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\", ",
                "workspace ch does not trust the tenant 7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009",
            ),
            (
                "principal = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", kind = \"App\"",
                "professions = [\"10\"]",
                "a profile needs 1 to 64 professions and as many structures",
            ),
            (
                "principal = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\"",
                "issuer = \"https://other.test\", subject = \"x\"",
                "workspace ch does not trust the issuer https://other.test",
            ),
            (
                "role_assignments =",
                "issuers = [{ issuer = \"https://login.ch.test/x\" }]\nrole_assignments =",
                "is this installation: name the tenant in trusted_tenants",
            ),
            (
                "role_assignments =",
                "issuers = [{ issuer = \"http://keycloak.test\" }]\nrole_assignments =",
                "issuer http://keycloak.test must be https://",
            ),
            (
                "role_assignments =",
                "trusted_tenants = [\"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\"]\nrole_assignments =",
                "is not in [[tenants]]",
            ),
            (
                "role_assignments =",
                "entra = [{ tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\", app_roles = [{ value = \"x\", role = \"King\" }] }]\nrole_assignments =",
                "\"King\" is not a role",
            ),
            (
                "[[workspaces]]",
                "[outgoing]\nroots = [\"absent.pem\"]\n[[workspaces]]",
                "[outgoing]: cannot read",
            ),
            (
                "[[workspaces]]",
                "[forwarded_certificate]\nheader = \"client-cert\"\nform = \"rfc9440\"\n[[workspaces]]",
                "forwarded_certificate is read from trusted_proxies only",
            ),
        ];
        for (from, to, expected) in cases {
            let found = problems(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
    }

    /// Of two that vouch for one tenant the last would count.
    #[test]
    fn a_tenant_has_one_issuer() {
        let cases = [
            (
                "role_assignments =",
                "entra = [{ tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\" }]\nissuers = [{ issuer = \"https://login.microsoftonline.com/7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009/v2.0\" }]\nrole_assignments =",
                "0009/v2.0 is there twice",
            ),
            (
                "role_assignments =",
                "entra = [{ tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001\" }]\nrole_assignments =",
                "Entra tenant 7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001 is one of [[tenants]]",
            ),
        ];
        for (from, to, expected) in cases {
            let found = problems(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
    }

    #[test]
    fn each_problem_of_a_database_is_named() {
        let good = "address = \"host=/run user=hygie\"\nat_rest = \"volume\"";
        let cases = [
            ("address = \"host=/run\"", "state at_rest = \"volume\""),
            (
                "address = \"postgresql://hygie:s3cret@localhost/hygie\"\nat_rest = \"volume\"",
                "the address of the database holds a password",
            ),
            (
                "address = \"host=db.ch.test\"\nat_rest = \"volume\"",
                "db.ch.test is reached over the network",
            ),
            (
                "address = \"colour=blue\"\nat_rest = \"volume\"",
                "the address of the database cannot be read",
            ),
            ("address = \"host=/run\"\nat_rest = \"hope\"", "unknown variant `hope`"),
            (
                &format!("{good}\npassword = {{ env = \"NO_SUCH_VARIABLE\" }}"),
                "the password of the database: the variable NO_SUCH_VARIABLE of the environment is not set",
            ),
            (
                &format!("{good}\npassword = {{ file = \"a\", env = \"b\" }}"),
                "exactly one of `file` and `env`",
            ),
            (
                &format!("{good}\nauthorities = \"keys/master.key\""),
                "hold no certificate in PEM form",
            ),
            (&format!("{good}\nschema = \"A B\""), "`A B` is no name of a schema"),
            (&format!("{good}\nprocess = \"a.b\""), "`a.b` is no name of a process"),
            (&format!("{good}\nconnections = 1"), "connections = 1 is too few"),
        ];
        let with = |section: &str| problems(&format!("{GOOD}\n[storage.postgres]\n{section}\n"));
        assert_eq!(with(good), Vec::<String>::new());
        for (section, expected) in cases {
            let found = with(section);
            assert!(found.iter().any(|line| line.contains(expected)), "{section}: {found:?}");
            assert!(found.iter().all(|line| !line.contains("s3cret")), "{found:?}");
        }
    }

    #[test]
    fn applications_and_whose_a_role_is_are_checked() {
        let cases = [
            (
                "principal = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", kind = \"App\"",
                "app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", kind = \"App\"",
                "without any other member",
            ),
            (
                "administrator = {",
                "applications = [{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", display_name = \"Viewer\", fhir = [\"ch/none\"] }]\nadministrator = {",
                "application Viewer names the FHIR service ch/none",
            ),
            (
                "administrator = {",
                "applications = [{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", display_name = \"Scripts\", directory_permissions = [\"User.Read.All\"] }]\nadministrator = {",
                "application Scripts has permissions of its own and no certificate",
            ),
        ];
        for (from, to, expected) in cases {
            let found = problems(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
    }

    #[test]
    fn what_is_exchanged() {
        let good = r#"psc = { issuer = "https://auth.test/auth/realms/esante-wallet", client_id = "hygie", client_secret = { file = "keys/master.key" }, clients = [{ app = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003", services = ["dossier"] }], lifetime_minutes = 60 }"#;
        let with = |psc: &str| problems(&GOOD.replacen("administrator =", &format!("{psc}\nadministrator ="), 1));
        assert_eq!(with(good), Vec::<String>::new());
        let application =
            "applications = [{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", display_name = \"Portal\" }]\npsc =";
        let client = "{ app = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003\", services = [\"dossier\"] }";
        let cases = [
            (
                "https://auth.test/",
                "http://auth.test/",
                "auth.test/auth/realms/esante-wallet must be https://",
            ),
            ("https://auth.test/", "https://login.ch.test/", "is this installation"),
            (
                "client_id",
                "metadata = \"https://auth.test/#x\", client_id",
                "without query and fragment",
            ),
            ("[\"dossier\"]", "[]", "1d1b1a7a0003 of psc needs `services`"),
            ("[\"dossier\"]", "[\"dossier\", \"\"]", "of psc needs `services`"),
            (", services = [\"dossier\"]", "", "of psc needs `services`"),
            (client, "", "psc needs `clients`"),
            (
                client,
                &*format!("{client}, {client}"),
                "1d1b1a7a0003 of psc is there twice",
            ),
            // Whose tokens they are is said for each application.
            (
                "clients =",
                "services = [\"dossier\"], clients =",
                "unknown field `services`",
            ),
            ("app = \"7b3f0a52", "app = \"portal-7b3f0a52", "hygie.toml:22: UUID"),
            ("lifetime_minutes = 60", "lifetime_minutes = 241", "must be 2 to 240"),
            (
                "{ file = \"keys/master.key\" }",
                "{ env = \"NO_SUCH_VARIABLE\" }",
                "client_secret of psc: the variable NO_SUCH_VARIABLE of the environment is not set",
            ),
            (
                "keys/master.key",
                "hygie.toml",
                "hygie.toml may be read by others than its owner",
            ),
            ("psc =", application, "application Portal has no `certificate`"),
        ];
        for (from, to, expected) in cases {
            let found = with(&good.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
    }

    #[test]
    fn what_is_trusted() {
        let trusted = r#"trusted_entra_tenants = ["7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0005"]
entra = [{ tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0006", authority = "https://login.microsoftonline.us",
           metadata = "organizations", app_roles = [{ value = "Fhir.Read", role = "FHIR Data Reader" }] }]
issuers = [{ issuer = "https://keycloak.test/realms/ch", fhir_audiences = ["fhir-api"], thumbprint = "hex_text",
             claims = { groups = "groups", roles = "/realm_access/roles" },
             professional = { national_id = "rpps", professions = "professions", structures = "finess" } }]
role_assignments = [
    { principal = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0003", kind = "App", role = "FHIR Data Reader",
      tenant = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0006" },
    { issuer = "https://keycloak.test/realms/ch", subject = "nurses", kind = "Group", role = "FHIR Data Reader" },
    { issuer = "https://keycloak.test/realms/ch", professions = ["10", "60"], structures = ["750000018"],
      role = "FHIR Data Reader" },
    { professions = ["10/E"], structures = ["1750000018"], role = "FHIR Data Reader", fhir = "fhir" }]
"#;
        let (before, _) = GOOD.split_once("role_assignments").expect("it is there");
        let text = format!("{before}{trusted}")
            .replace("\n    ", " ")
            .replace("\n           ", " ");
        assert_eq!(problems(&text), Vec::<String>::new());
        let unvouched = text.replacen("professional = {", "claims2 = {", 1);
        assert!(
            problems(&unvouched)[0].contains("unknown field"),
            "{:?}",
            problems(&unvouched)
        );
    }

    #[test]
    fn managed_identities_stay_on_this_machine() {
        let cases = [
            (
                "[[tenants]]",
                "[managed_identity]\nlisten = \"0.0.0.0:9454\"\n[[tenants]]",
                "must listen on this machine alone",
            ),
            (
                "[[tenants]]",
                "[managed_identity]\nlisten = \"127.0.0.1:8443\"\n[[tenants]]",
                "managed_identity cannot share 127.0.0.1:8443",
            ),
            (
                "[[tenants]]",
                "[managed_identity]\nlisten = \"127.0.0.1:9454\"\nimds = { tenant = \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001\", \
                 workload = \"other\" }\n[[tenants]]",
                "no workload of its tenant",
            ),
            ("\"exporter\"", "\"a/b\"", "cannot be a workload"),
        ];
        for (from, to, expected) in cases {
            let found = problems(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|line| line.contains(expected)), "{to}: {found:?}");
        }
    }

    #[test]
    fn a_certificate_must_be_there_and_for_the_host() {
        let with = |members: &str| GOOD.replacen("[fhir]", &format!("[fhir]\n{members}"), 1);
        assert!(problems(&with("certificate = \"a.pem\""))[0].contains("needs both"));
        assert!(problems(&with("certificate = \"a.pem\"\nkey = \"a.key\""))[0].contains("cannot read"));
    }
}
