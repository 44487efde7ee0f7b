//! The access token of a load: from a file, or of an application of the demo world by the client credentials grant
//! (RFC 6749 §4.4), renewed before it ends.

use std::path::PathBuf;
use std::time::Duration;

use hygie_core::{Clock, Secret, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use hygie_command::ambient::SystemClock;
use hygie_command::document::Document;
use hygie_command::failure::Failure;
use hygie_command::files;

const FILE_LIMIT: u64 = 64 * 1024;
const BEFORE_END: Duration = Duration::from_mins(2);

/// An application that may write.
pub struct Account {
    /// The token endpoint.
    pub endpoint: Url,
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret<String>,
    /// What the token is for.
    pub scope: String,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("no token: {0}")]
    File(String),
    /// The identity provider does not answer.
    #[error("no token: the identity provider does not answer")]
    Transport(#[source] reqwest::Error),
    /// The identity provider refuses.
    #[error("no token: the identity provider refuses ({0})")]
    Refused(String),
}

/// Where tokens come from.
pub struct Tokens {
    source: Source,
    current: Mutex<Option<(Secret<String>, Timestamp)>>,
}

enum Source {
    File(PathBuf),
    Account(Account),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Tokens {
    /// From a file that somebody else keeps fresh.
    pub fn of_file(path: PathBuf) -> Result<Self, Failure> {
        read_file(&path).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self::new(Source::File(path)))
    }

    /// Of an application.
    pub fn of_account(account: Account) -> Self {
        Self::new(Source::Account(account))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            current: Mutex::new(None),
        }
    }

    /// The current token, or a new one when it ends soon.
    pub async fn get(&self, http: &reqwest::Client) -> Result<Secret<String>, TokenError> {
        let mut current = self.current.lock().await;
        if let Some((token, until)) = &*current
            && SystemClock.now() < *until
        {
            return Ok(token.clone());
        }
        let (token, until) = match &self.source {
            Source::File(path) => (read_file(path)?, Timestamp::from_millis(i64::MAX)),
            Source::Account(account) => {
                let granted = account.ask(http).await?;
                let life = Duration::from_secs(granted.expires_in).saturating_sub(BEFORE_END);
                (Secret::new(granted.access_token), SystemClock.now() + life)
            }
        };
        *current = Some((token.clone(), until));
        Ok(token)
    }

    /// The current token was refused.
    pub async fn forget(&self) {
        *self.current.lock().await = None;
    }
}

impl Account {
    async fn ask(&self, http: &reqwest::Client) -> Result<Granted, TokenError> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose()),
            ("scope", &self.scope),
        ];
        let answer = http
            .post(self.endpoint.clone())
            .form(&form)
            .send()
            .await
            .map_err(TokenError::Transport)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(TokenError::Transport)?;
        if !status.is_success() {
            let code = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error);
            return Err(TokenError::Refused(code.unwrap_or_else(|_| status.to_string())));
        }
        serde_json::from_slice(&body).map_err(|_| TokenError::Refused("the answer holds no token".to_owned()))
    }
}

fn read_file(path: &std::path::Path) -> Result<Secret<String>, TokenError> {
    let bytes = files::read_limited(path, FILE_LIMIT).map_err(|error| TokenError::File(format!("{error:#}")))?;
    let text = String::from_utf8(bytes).unwrap_or_default().trim().to_owned();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::File(format!("{} does not hold a token", path.display())));
    }
    Ok(Secret::new(text))
}

/// An application of a demo world for the FHIR service at `base`, and the hosts of that world that only it knows.
pub fn demo_account(world: &Document, base: &Url, name: &str) -> Result<(Account, Vec<String>), Failure> {
    let wanted = base.as_str().trim_end_matches('/');
    let service = world
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.fhir.iter().map(move |fhir| (workspace, fhir)))
        .find(|(_, fhir)| fhir.base == wanted);
    let Some((workspace, fhir)) = service else {
        let bases: Vec<&str> = world
            .workspaces
            .iter()
            .flat_map(|w| w.fhir.iter().map(|f| f.base.as_str()))
            .collect();
        return Err(Failure::usage(format!(
            "{wanted} is not a FHIR service of the demo world ({})",
            bases.join(", ")
        )));
    };
    let tenant = world.tenants.iter().find(|tenant| tenant.id == workspace.tenant);
    let app = tenant.and_then(|tenant| tenant.apps.iter().find(|app| app.name == name));
    let (Some(app), Some(login)) = (app, world.endpoints.login.as_deref()) else {
        return Err(Failure::usage(format!("the demo world has no {name}")));
    };
    let endpoint = Url::parse(&format!("{login}/{}/oauth2/v2.0/token", workspace.tenant))?;
    let hosts = [base, &endpoint].into_iter().filter_map(Url::host_str);
    let hosts = hosts
        .filter(|host| !matches!(*host, "localhost" | "127.0.0.1"))
        .map(str::to_owned)
        .collect();
    let account = Account {
        endpoint,
        client_id: app.client_id.to_string(),
        client_secret: Secret::new(app.client_secret.clone().unwrap_or_default()),
        scope: format!("{}/.default", fhir.audience),
    };
    Ok((account, hosts))
}
