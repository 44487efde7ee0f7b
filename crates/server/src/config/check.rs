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
mod tests;
