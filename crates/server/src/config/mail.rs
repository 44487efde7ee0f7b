//! The mail server that letters are given to.

use std::path::Path;

use anyhow::{Context, Result};
use hygie_mail::{Relay, Security};
use serde::Deserialize;

use super::{Config, Outgoing, Problems, SecretPlace, host_of};

/// A mail server of the establishment's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Its host. The operator's own, it may be private.
    pub host: String,
    /// Its port: 587, with `tls` 465, with `none` 25.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: Protection,
    /// Who we are there, if it asks.
    pub user: Option<String>,
    /// And how we prove it.
    pub password: Option<SecretPlace>,
    /// Who letters are from: `identite@ch.example`, or `CH de Test <identite@ch.example>`.
    pub from: String,
}

/// As [`Security`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    #[default]
    StartTls,
    Tls,
    None,
}

impl From<Protection> for Security {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::StartTls => Self::StartTls,
            Protection::Tls => Self::Tls,
            Protection::None => Self::None,
        }
    }
}

impl Mail {
    /// Takes relative paths as relative to `base`.
    pub fn make_absolute(&mut self, base: &Path) {
        if let Some(path) = self.password.as_mut().and_then(|password| password.file.as_mut()) {
            *path = base.join(&*path);
        }
    }

    /// It, with what the rest of the file says: our own name, and whom we trust.
    pub fn relay(&self, config: &Config) -> Result<Relay> {
        let security = Security::from(self.security);
        let login = match (&self.user, &self.password) {
            (Some(user), Some(place)) => Some((user.clone(), place.read().context("the password")?)),
            _ => None,
        };
        Ok(Relay {
            host: self.host.clone(),
            port: self.port.unwrap_or(security.port()),
            security,
            login,
            from: self.from.clone(),
            hello: host_of(&config.login.get_ref().url),
            roots: config.outgoing.policy()?.roots,
        })
    }

    /// Connects and logs in.
    pub async fn reach(&self, config: &Config) -> Result<()> {
        Ok(self.relay(config)?.test().await?)
    }

    fn problems(&self, outgoing: &Outgoing) -> Vec<String> {
        let mut problems = Vec::new();
        let is_here = matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if matches!(self.security, Protection::None) && !is_here {
            problems.push("`security = \"none\"` is for a mail server on this machine".to_owned());
        }
        if self.user.is_some() != self.password.is_some() {
            problems.push("`user` and `password` are given together".to_owned());
        }
        let read = self.password.as_ref().and_then(|place| place.read().err());
        problems.extend(read.map(|error| format!("the password: {error:#}")));
        // Without it the authorities cannot be read, which is said of [outgoing].
        if problems.is_empty() && outgoing.policy().is_ok() {
            let sender = self.from.parse::<hygie_mail::Mailbox>();
            problems.extend(sender.err().map(|_| "`from` is no mail address".to_owned()));
        }
        problems
    }
}

/// Everything that is wrong with it, as far as is known without reaching anybody.
pub fn check(config: &Config, text: &str, problems: &mut Problems) {
    let Some(mail) = &config.mail else { return };
    for problem in mail.get_ref().problems(&config.outgoing) {
        problems.add(text, &mail.span(), &format!("[mail]: {problem}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays() {
        for (text, expected) in [
            ("host = 'smtp.ch.test'\nfrom = 'identite@ch.test'", None),
            (
                "host = 'smtp.ch.test'\nfrom = 'CH de Test <identite@ch.test>'\nsecurity = 'tls'",
                None,
            ),
            ("host = 'localhost'\nfrom = 'identite@ch.test'\nsecurity = 'none'", None),
            (
                "host = 'smtp.ch.test'\nfrom = 'identite@ch.test'\nsecurity = 'none'",
                Some("on this machine"),
            ),
            ("host = 'smtp.ch.test'\nfrom = 'nobody'", Some("no mail address")),
            (
                "host = 'smtp.ch.test'\nfrom = 'a@ch.test'\nuser = 'hygie'",
                Some("given together"),
            ),
        ] {
            let mail: Mail = toml::from_str(text).unwrap();
            let found = mail.problems(&Outgoing::default());
            match expected {
                None => assert!(found.is_empty(), "{text}: {found:?}"),
                Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}"),
            }
        }
    }
}
