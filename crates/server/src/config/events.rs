//! Where the events of a FHIR service go.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::storage::SIZE_LIMIT;
use super::{Config, SecretPlace, Workspace};
use crate::files;
use crate::wiring::{kafka, own_workload};

/// A topic of Kafka, or an event hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// `HOST:PORT` of some brokers; for Event Hubs `NAMESPACE.servicebus.windows.net:9093`.
    pub brokers: Vec<String>,
    /// The topic, or the event hub, which must exist.
    pub topic: String,
    /// Whether brokers are reached by TLS; without it only those of this machine.
    #[serde(default = "Events::default_tls")]
    pub tls: bool,
    /// Certificates, in PEM form, of who signs for the brokers; those that the system trusts when absent.
    pub authorities: Option<PathBuf>,
    /// Who the service is to the brokers; nobody when absent.
    #[serde(default)]
    pub login: Login,
}

/// Either user and password, or the managed identity of the service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// For Event Hubs `$ConnectionString`.
    pub user: Option<String>,
    /// Its password; for Event Hubs the connection string.
    pub password: Option<SecretPlace>,
    /// What the brokers are called in the tenant: one of the `identifier_uris` of an application. The managed identity of
    /// the service shows them a token for it.
    pub resource: Option<String>,
}

/// Who a service is to the brokers.
#[derive(Clone, Copy, Debug)]
pub enum Who<'l> {
    /// Nobody.
    Nobody,
    /// A user with a password.
    User(&'l str, &'l SecretPlace),
    /// The managed identity of the service, by a token for this resource.
    Identity(&'l str),
}

/// Everything that is wrong with the events of a workspace, as far as is known without reaching a broker.
pub fn problems(config: &Config, workspace: &Workspace) -> Vec<String> {
    let tenants = config.tenants.iter().map(toml::Spanned::get_ref);
    let own = || tenants.clone().filter(|tenant| tenant.id == workspace.tenant);
    let applications = own().flat_map(|tenant| &tenant.applications);
    let resources: Vec<&str> = applications
        .flat_map(|application| application.identifier_uris.iter().map(String::as_str))
        .collect();
    let mut problems = Vec::new();
    for (service, events) in workspace.events() {
        let found = events.problems(&resources).into_iter().chain(kafka::problems(events));
        problems.extend(found.map(|problem| format!("FHIR service {service} of {}: {problem}", workspace.name)));
        let name = own_workload(&workspace.name, service);
        let mut workloads = own().flat_map(|tenant| &tenant.workloads);
        if events.resource().is_some() && workloads.any(|workload| workload.name == name) {
            problems.push(format!(
                "workload {name} is a service of this program: name yours otherwise"
            ));
        }
    }
    problems
}

impl Login {
    /// Who it says; none where it says two or one by half.
    pub fn who(&self) -> Option<Who<'_>> {
        match (&self.user, &self.password, &self.resource) {
            (None, None, None) => Some(Who::Nobody),
            (Some(user), Some(password), None) => Some(Who::User(user, password)),
            (None, None, Some(resource)) => Some(Who::Identity(resource)),
            _ => None,
        }
    }
}

impl Events {
    const fn default_tls() -> bool {
        true
    }

    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        let password = self.login.password.as_mut().and_then(|password| password.file.as_mut());
        for path in [password, self.authorities.as_mut()].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    /// The text of the authorities' certificates; empty when none are named.
    pub fn read_authorities(&self) -> anyhow::Result<Vec<u8>> {
        let read = |file: &PathBuf| files::read_limited(file, SIZE_LIMIT);
        self.authorities.as_ref().map_or(Ok(Vec::new()), read)
    }

    /// What the managed identity of the service shows its tokens for, where it is used.
    pub fn resource(&self) -> Option<&str> {
        self.login.resource.as_deref()
    }

    /// What is wrong with it besides its addresses; `resources` are what the applications of the tenant are called.
    pub fn problems(&self, resources: &[&str]) -> Vec<String> {
        let mut problems = Vec::new();
        if self.brokers.is_empty() || self.topic.is_empty() {
            problems.push("events need `brokers` and a `topic`".to_owned());
        }
        if self.authorities.is_some() && !self.tls {
            problems.push("`authorities` of events are for TLS, which is off".to_owned());
        }
        match self.login.who() {
            None => {
                let what = "login of events needs `user` and `password`, or `resource` for the managed identity of the service";
                problems.push(what.to_owned());
            }
            Some(Who::Identity(resource)) if !resources.contains(&resource) => problems.push(format!(
                "{resource} is no application of the tenant: name it in the `identifier_uris` of one"
            )),
            Some(Who::User(_, password)) => {
                let read = password.read().err();
                problems.extend(read.map(|error| format!("the password of events: {error:#}")));
            }
            Some(Who::Nobody | Who::Identity(_)) => {}
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_named() {
        let good = "brokers = [\"kafka.test:9093\"]\ntopic = \"fhir\"\n";
        let with = |more: &str| {
            let events: Events = toml::from_str(&format!("{good}{more}")).expect("events");
            events.problems(&["https://kafka.test"])
        };
        for fine in ["", "tls = false", "login = { resource = \"https://kafka.test\" }"] {
            assert_eq!(with(fine), Vec::<String>::new(), "{fine}");
        }
        for (more, expected) in [
            ("login = { user = \"hygie\" }", "needs `user` and `password`, or"),
            (
                "login = { user = \"hygie\", password = { env = \"X\" }, resource = \"https://kafka.test\" }",
                "needs `user` and `password`, or",
            ),
            (
                "login = { user = \"hygie\", password = { env = \"NO_SUCH_VARIABLE\" } }",
                "the password of events: the variable NO_SUCH_VARIABLE of the environment is not set",
            ),
            (
                "login = { resource = \"https://other.test\" }",
                "https://other.test is no application of the tenant",
            ),
            ("tls = false\nauthorities = \"ca.pem\"", "are for TLS, which is off"),
        ] {
            let found = with(more);
            assert!(
                found.iter().any(|problem| problem.contains(expected)),
                "{more}: {found:?}"
            );
        }
        let nothing: Events = toml::from_str("brokers = []\ntopic = \"\"").expect("events");
        assert_eq!(nothing.problems(&[]), ["events need `brokers` and a `topic`"]);
        assert!(toml::from_str::<Events>(&format!("{good}login = {{ token = \"x\" }}")).is_err());
    }
}
