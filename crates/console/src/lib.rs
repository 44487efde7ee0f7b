//! The pages of the portal from which an establishment is administered: people, groups, applications, policies, the log
//! of sign-ins.
//!
//! It is a client of the directory API, by its protocol: whoever comes signs in to it as to any application, and each
//! page shows and changes what the directory API shows and lets *this person* change. Nothing is authorized here, and
//! nothing is stored: the session is a sealed cookie with the person's token.
//!
//! - `http`: one file per page. [`Visit`](http) is who asks; `Api` asks the directory API with their token.
//! - `sheet`: a page of facts, lists and forms. `parts`: parts of forms. `upload`: forms with files.
//! - `wire`: what of the bodies of Graph is shown. `sentence`: a policy in words.
//!
//! To add a page: a file in `http`, a template, a line in `http::router`, a story in `tests/it`.

mod api;
mod http;
mod parts;
mod pem;
mod policy_form;
mod sentence;
mod session;
mod sheet;
mod upload;
mod upstream;
mod wire;

use std::sync::Arc;

use hygie_core::{AppId, Secret};
use hygie_web::csrf::Csrf;
use hygie_web::i18n::Source;
use hygie_web::seal::Seal;
use tokio::sync::Semaphore;

pub use http::{CALLBACK, HOME, router};
pub use upload::larger;
pub use upstream::{Host, Upstream};

/// The messages of the pages.
pub const MESSAGES: Source = Source {
    fr: include_str!("../i18n/fr.ftl"),
    en: include_str!("../i18n/en.ftl"),
};

/// What the console needs.
pub struct Deps {
    /// Base URL of the portal (`https://portal.example`), without a final slash.
    pub portal: String,
    /// Base URL of the login host.
    pub login: String,
    /// Base URL of the directory API.
    pub api: String,
    /// The application that people sign in to: a single-page application with [`CALLBACK`] of the portal among its
    /// addresses, so that codes are redeemed with its origin and a proof key.
    pub client: AppId,
    /// What answers at the login host and at the directory API.
    pub upstream: Arc<dyn Upstream>,
    /// What sessions are sealed with; the same in all processes.
    pub sessions: Secret<[u8; 32]>,
    /// What ties forms to sessions; the same in all processes.
    pub forms: Secret<[u8; 32]>,
}

/// The console. Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    deps: Deps,
    seal: Seal,
    csrf: Csrf,
    /// Forms that are larger than others, at once: each is held in memory.
    uploads: Arc<Semaphore>,
}

impl Console {
    /// With these parts.
    pub fn new(deps: Deps) -> Self {
        Self(Arc::new(Inner {
            seal: Seal::new(&deps.sessions),
            csrf: Csrf::new(&deps.forms),
            uploads: Arc::new(Semaphore::new(upload::AT_ONCE)),
            deps,
        }))
    }
}
