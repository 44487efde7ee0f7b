//! A directory API as a client of it: ours, or that of a tenant of Entra ID.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use hygie_core::Secret;
use serde_json::Value;
use url::Url;

use crate::demo::document::{self, Document};
use crate::failure::Failure;
use hygie_load::client::trusting;
use hygie_load::token::{Account, TokenError, Tokens};

const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);
const ANSWER_LIMIT: usize = 32 * 1024 * 1024;
/// Pages of one list.
const MAX_PAGES: usize = 100;
/// The application of a demo world that administers its directory.
const ADMINISTRATOR: &str = "directory-admin";

/// Where the directory API is, and whose token opens it.
#[derive(Debug, clap::Args)]
#[group(id = "remote")]
pub struct Options {
    /// Address of the directory API, such as https://graph.ch.example or https://graph.microsoft.com (default: that of
    /// the demo world).
    #[arg(value_name = "GRAPH-URL", requires = "token_file")]
    base: Option<String>,
    /// Demo world whose directory is prepared (default ./hygie-demo without --token-file).
    #[arg(long, value_name = "DIR", conflicts_with = "token_file")]
    data: Option<PathBuf>,
    /// Tenant of the demo world (default: its first).
    #[arg(long, value_name = "ID", conflicts_with = "token_file")]
    tenant: Option<hygie_core::TenantId>,
    /// File with an access token for the directory API; it names the tenant.
    #[arg(long, value_name = "FILE", requires = "base")]
    token_file: Option<PathBuf>,
    /// Certification authority to trust, in PEM form, instead of the public ones.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A directory API.
pub struct Remote {
    http: reqwest::Client,
    base: Url,
    tokens: Tokens,
}

/// Why a request was not answered well.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No answer.
    #[error("the directory API does not answer")]
    Transport(#[from] reqwest::Error),
    /// A refusal.
    #[error("{path}: {status} {code}: {message}")]
    Refused {
        /// Of what.
        path: String,
        /// Its status.
        status: u16,
        /// Its code.
        code: String,
        /// What it says.
        message: String,
    },
    /// It is something else.
    #[error("{0}: the answer is not one of a directory API")]
    Answer(String),
}

impl RemoteError {
    /// Whether there is no such object.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

impl Remote {
    /// The one that the options name.
    pub fn open(options: &Options) -> Result<Self, Failure> {
        if let (Some(base), Some(file)) = (&options.base, &options.token_file) {
            let tokens = Tokens::of_file(file.clone())?;
            return Self::new(parse(base)?, tokens, options.ca.as_deref(), &[]);
        }
        let dir = options.data.clone();
        let dir = dir.unwrap_or_else(|| PathBuf::from(document::DEFAULT_DIR));
        let world = document::read(&dir)?;
        let (account, base) = administrator(&world, options.tenant)?;
        let hosts: Vec<String> = [&base, &account.endpoint]
            .into_iter()
            .filter_map(Url::host_str)
            .filter(|host| !matches!(*host, "localhost" | "127.0.0.1"))
            .map(str::to_owned)
            .collect();
        let ca = options.ca.clone().unwrap_or_else(|| dir.join(&world.ca_certificate));
        Self::new(base, Tokens::of_account(account), Some(&ca), &hosts)
    }

    fn new(base: Url, tokens: Tokens, ca: Option<&std::path::Path>, hosts: &[String]) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hygie-psc/", env!("CARGO_PKG_VERSION")));
        let http = trusting(builder, ca, (&base, hosts))?
            .build()
            .context("cannot set up the HTTP client")?;
        Ok(Self { http, base, tokens })
    }

    /// What is at a path after `/v1.0/`.
    pub async fn get(&self, path: &str) -> Result<Value, RemoteError> {
        self.send(reqwest::Method::GET, &self.address(path), None).await
    }

    /// Makes something.
    pub async fn post(&self, path: &str, document: &Value) -> Result<Value, RemoteError> {
        self.send(reqwest::Method::POST, &self.address(path), Some(document))
            .await
    }

    /// Everything of a list, page by page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, RemoteError> {
        let (mut all, mut next) = (Vec::new(), Some(self.address(path)));
        for _ in 0..MAX_PAGES {
            let Some(address) = next.take() else { return Ok(all) };
            let mut page = self.send(reqwest::Method::GET, &address, None).await?;
            let Some(Value::Array(items)) = page.get_mut("value").map(Value::take) else {
                return Err(RemoteError::Answer(path.to_owned()));
            };
            all.extend(items);
            // The token is for this host and no other.
            let link = page["@odata.nextLink"].as_str().and_then(|link| Url::parse(link).ok());
            next = link
                .filter(|link| link.origin() == self.base.origin())
                .map(String::from);
        }
        Err(RemoteError::Answer(path.to_owned()))
    }

    fn address(&self, path: &str) -> String {
        format!("{}/v1.0/{path}", self.base.as_str().trim_end_matches('/'))
    }

    async fn send(
        &self,
        method: reqwest::Method,
        address: &str,
        document: Option<&Value>,
    ) -> Result<Value, RemoteError> {
        let token: Secret<String> = self.tokens.get(&self.http).await?;
        let mut request = self.http.request(method, address).bearer_auth(token.expose());
        if let Some(document) = document {
            request = request.json(document);
        }
        let mut answer = request.send().await?;
        let (status, mut body) = (answer.status(), Vec::new());
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(RemoteError::Answer(address.to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() && value.is_object() {
            return Ok(value);
        }
        if status.is_success() {
            return Err(RemoteError::Answer(address.to_owned()));
        }
        let said = |name: &str| value["error"][name].as_str().unwrap_or_default().to_owned();
        Err(RemoteError::Refused {
            path: address.to_owned(),
            status: status.as_u16(),
            code: said("code"),
            message: said("message"),
        })
    }
}

fn parse(text: &str) -> Result<Url, Failure> {
    let refuse = |why: &str| Failure::usage(format!("{text:?} {why} (example: https://graph.ch.example)"));
    let base = Url::parse(text).map_err(|_| refuse("is not the address of a directory API"))?;
    let is_plain = base.query().is_none() && base.fragment().is_none() && base.path() == "/";
    match base.scheme() {
        "https" if is_plain => Ok(base),
        "https" => Err(refuse("must be a host alone")),
        _ => Err(refuse("must begin with https://, since a token is sent to it")),
    }
}

/// Who administers the directory of a demo world, and where it is.
fn administrator(world: &Document, tenant: Option<hygie_core::TenantId>) -> Result<(Account, Url), Failure> {
    let mut tenants = world.tenants.iter();
    let found = tenants.find(|one| tenant.is_none_or(|id| one.id == id));
    let app = found.and_then(|one| Some((one, one.apps.iter().find(|app| app.name == ADMINISTRATOR)?)));
    let endpoints = (&world.endpoints.login, &world.endpoints.graph);
    let (Some((tenant, app)), (Some(login), Some(graph))) = (app, endpoints) else {
        let message = format!("the demo world has no {ADMINISTRATOR} in this tenant");
        return Err(Failure::usage(message));
    };
    let account = Account {
        endpoint: Url::parse(&format!("{login}/{}/oauth2/v2.0/token", tenant.id))?,
        client_id: app.client_id.to_string(),
        client_secret: Secret::new(app.client_secret.clone().unwrap_or_default()),
        scope: format!("{graph}/.default"),
    };
    Ok((account, Url::parse(graph)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_a_host_over_tls() {
        for (text, is_good) in [
            ("https://graph.microsoft.com", true),
            ("https://graph.ch.example:8443/", true),
            ("https://graph.microsoft.com/v1.0", false),
            ("https://graph.microsoft.com/?a=b", false),
            ("http://localhost:8443", false),
            ("graph.microsoft.com", false),
        ] {
            assert_eq!(parse(text).is_ok(), is_good, "{text}");
        }
    }
}
