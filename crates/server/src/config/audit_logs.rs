//! Where the logs of the directory go as they are written, and how long tenants keep them.

use std::path::Path;

use hygie_access::EgressPolicy;
use hygie_directory::logs::MAX_LOG_RETENTION;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::{Config, Events, Problems, SecretPlace, Who, url};
use crate::wiring::kafka;

/// Who follows sign-ins, changes of the directory and alerts; nobody when absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditLogs {
    /// A topic of Kafka, or an event hub.
    pub kafka: Option<Spanned<Events>>,
    /// An HTTP endpoint.
    pub http: Option<Spanned<Endpoint>>,
}

/// An HTTP endpoint that takes batches of CloudEvents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Its address: `https`, or `http` on this machine. The operator's own, it may be private.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// What it is shown as `Authorization: Bearer`; nothing when absent.
    pub token: Option<SecretPlace>,
}

impl AuditLogs {
    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        if let Some(kafka) = &mut self.kafka {
            kafka.as_mut().make_absolute(base);
        }
        let token = self.http.as_mut().and_then(|http| http.as_mut().token.as_mut());
        if let Some(path) = token.and_then(|token| token.file.as_mut()) {
            *path = base.join(&*path);
        }
    }
}

impl Endpoint {
    /// What the client may reach for it: what others may, and the endpoint.
    pub fn policy(&self, mut policy: EgressPolicy) -> EgressPolicy {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        policy.private_hosts.push(format!("{host}:{port}"));
        policy
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let is_here = matches!(self.url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_clear = self.url.scheme() == "http" && is_here;
        if self.url.scheme() != "https" && !is_clear {
            problems.push("the endpoint of the audit logs must be `https`, or `http` on this machine".to_owned());
        }
        if !self.url.username().is_empty() || self.url.password().is_some() || self.url.fragment().is_some() {
            problems.push("the endpoint of the audit logs must be an address without a login: use `token`".to_owned());
        }
        let read = self.token.as_ref().and_then(|token| token.read().err());
        problems.extend(read.map(|error| format!("the token of the audit logs: {error:#}")));
        problems
    }
}

/// Everything that is wrong with it, as far as is known without reaching anybody.
pub fn check(config: &Config, text: &str, problems: &mut Problems) {
    if let Some(kafka) = &config.audit_logs.kafka {
        let events = kafka.get_ref();
        let mut found = events.problems(&[]);
        if matches!(events.login.who(), Some(Who::Identity(_))) {
            found = vec!["the audit logs are of no service: they log in by `user` and `password`".to_owned()];
        }
        for problem in found.into_iter().chain(kafka::problems(events)) {
            problems.add(text, &kafka.span(), &format!("audit logs: {problem}"));
        }
    }
    if let Some(http) = &config.audit_logs.http {
        for problem in http.get_ref().problems() {
            problems.add(text, &http.span(), &problem);
        }
    }
    for tenant in &config.tenants {
        let days = tenant.get_ref().log_retention_days;
        if days.is_some_and(|days| !(1..=MAX_LOG_RETENTION).contains(&days)) {
            let message = format!("log_retention_days is from 1 to {MAX_LOG_RETENTION}");
            problems.add(text, &tenant.span(), &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (url, expected) in [
            ("https://siem.ch.test/ingest?source=hygie", 0),
            ("http://localhost:9000/", 0),
            ("http://127.0.0.1:9000/", 0),
            ("http://siem.ch.test/", 1),
            ("ftp://siem.ch.test/", 1),
            ("https://user:word@siem.ch.test/", 1),
        ] {
            let endpoint: Endpoint = toml::from_str(&format!("url = \"{url}\"")).unwrap();
            assert_eq!(endpoint.problems().len(), expected, "{url}");
        }
        let token = "url = \"https://siem.ch.test/\"\ntoken = { env = \"NO_SUCH_VARIABLE\" }";
        let endpoint: Endpoint = toml::from_str(token).unwrap();
        assert_eq!(
            endpoint.problems(),
            ["the token of the audit logs: the variable NO_SUCH_VARIABLE of the environment is not set"]
        );
    }
}
