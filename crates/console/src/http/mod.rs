//! The pages, one file each: who asks ([`Visit`]), what the directory API tells them, a template.

mod application;
mod applications;
mod authority;
mod changes;
mod consents;
mod credentials;
mod deleted;
mod effect;
mod gaps;
mod grants;
mod group;
mod groups;
mod invitation;
mod locations;
mod mails;
mod method;
mod methods;
mod overview;
mod passwords;
mod policies;
mod policy;
mod pro_sante_connect;
mod problem;
mod registration;
mod report;
mod risk;
mod roles;
mod settings;
mod shown;
mod sign_in;
mod sign_ins;
mod strengths;
mod templates;
mod terms;
mod trust;
mod user;
mod users;
mod what_if;

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use hygie_core::ErrorKind;
use hygie_web::Asked;
use hygie_web::csrf;
use hygie_web::error::PageError;
use hygie_web::layers::FormAction;
use hygie_web::ui::{Form, Link, Notice, Page, Session as Shown, Tone};
use serde::de::DeserializeOwned;

use crate::Console;
use crate::api::{Api, ApiError, Listed, with_query};
use crate::session::Session;

/// Where the console begins.
pub const HOME: &str = "/admin";
/// Where the login host sends people back to.
pub const CALLBACK: &str = "/admin/callback";
/// The one purpose of all forms: each acts with the person's own token.
const PURPOSE: &str = "console";
/// Largest form.
const MAX_FORM: usize = 256 * 1024;

/// All pages.
pub fn router(console: Console) -> Router {
    Router::new()
        .route(HOME, get(overview::get))
        .route("/admin/sign-in", get(sign_in::get))
        .route(CALLBACK, get(sign_in::callback))
        .route("/admin/sign-out", post(sign_in::sign_out))
        .route("/admin/users", get(users::get))
        .route("/admin/users/new", get(users::new).post(users::create))
        .route(invitation::HERE, get(invitation::get).post(invitation::post))
        .route("/admin/users/{id}", get(user::get).post(user::post))
        .route("/admin/groups", get(groups::get))
        .route("/admin/groups/new", get(groups::new).post(groups::create))
        .route("/admin/groups/{id}", get(group::get).post(group::post))
        .route("/admin/applications", get(applications::get))
        .route(
            "/admin/applications/{id}",
            get(application::get).post(application::post),
        )
        .route("/admin/policies", get(policies::get))
        .route("/admin/policies/new", get(policy::new).post(policy::create))
        .route("/admin/policies/{id}", get(policy::get).post(policy::post))
        .route("/admin/what-if", get(what_if::get))
        .merge(pro_sante_connect::routes())
        .merge(trust::routes())
        .merge(registration::routes())
        .merge(strengths::routes())
        .merge(locations::routes())
        .merge(terms::routes())
        .merge(templates::routes())
        .merge(roles::routes())
        .merge(methods::routes())
        .merge(mails::routes())
        .merge(passwords::routes())
        .merge(deleted::routes())
        .merge(consents::routes())
        .merge(risk::routes())
        .merge(settings::routes())
        .merge(sign_ins::routes())
        .route("/admin/changes", get(changes::get))
        .route("/admin/alerts", get(changes::alerts))
        .route("/admin/gaps", get(gaps::get))
        .layer(from_fn_with_state(console.clone(), to_login_host))
        .with_state(console)
}

/// Every form may end at the login host: a session ends while its person types.
async fn to_login_host(State(console): State<Console>, request: Request, next: Next) -> (FormAction, Response) {
    let address = request
        .uri()
        .path_and_query()
        .map_or(HOME, PathAndQuery::as_str)
        .to_owned();
    let mut response = next.run(request).await;
    if response.extensions_mut().remove::<SignedOut>().is_some() {
        response = to_sign_in(&address);
    }
    (FormAction::to(&console.0.deps.login), response)
}

/// Marks the answer to a request whose session the directory API took no longer.
#[derive(Clone, Copy)]
struct SignedOut;

/// The page whose form is sent to an address of its own: language switches and signing in anew come back to that.
fn back_to(page: &'static str) -> MethodRouter<Console> {
    get(async move || Redirect::to(page))
}

/// The parts of the console, as its navigation names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Users,
    Groups,
    Applications,
    Policies,
    WhatIf,
    SignIns,
    Gaps,
    Changes,
    Alerts,
    ProSanteConnect,
    Methods,
    Trust,
    Strengths,
    Locations,
    Terms,
    Roles,
    Deleted,
    Risk,
    Consents,
    Settings,
    Passwords,
}

/// A part of the navigation: its words, and the sections in it.
type Group = (&'static str, &'static [(Section, &'static str, &'static str)]);

impl Section {
    const ALL: [Group; 7] = [
        ("admin-overview", &[(Self::Overview, HOME, "admin-overview")]),
        (
            "admin-people",
            &[
                (Self::Users, "/admin/users", "admin-users"),
                (Self::Groups, "/admin/groups", "admin-groups"),
                (Self::Roles, "/admin/roles", "admin-roles"),
                (Self::Risk, "/admin/risk", "admin-risk"),
                (Self::Deleted, "/admin/deleted", "admin-deleted"),
            ],
        ),
        (
            "admin-applications",
            &[
                (Self::Applications, "/admin/applications", "admin-applications"),
                (Self::Consents, "/admin/consents", "admin-consents"),
            ],
        ),
        (
            "admin-access",
            &[
                (Self::Policies, "/admin/policies", "admin-policies"),
                (Self::WhatIf, "/admin/what-if", "admin-what-if"),
                (Self::Strengths, "/admin/strengths", "admin-strengths"),
                (Self::Locations, "/admin/locations", "admin-locations"),
                (Self::Terms, "/admin/terms", "admin-terms"),
                (Self::ProSanteConnect, "/admin/pro-sante-connect", "admin-psc"),
            ],
        ),
        (
            "admin-means",
            &[
                (Self::Methods, "/admin/methods", "admin-methods"),
                (Self::Passwords, "/admin/passwords", "admin-passwords"),
                (Self::Trust, "/admin/trust", "admin-trust"),
            ],
        ),
        (
            "admin-logs",
            &[
                (Self::SignIns, "/admin/sign-ins", "admin-sign-ins"),
                (Self::Gaps, "/admin/gaps", "admin-gaps"),
                (Self::Changes, "/admin/changes", "admin-changes"),
                (Self::Alerts, "/admin/alerts", "admin-alerts"),
            ],
        ),
        (
            "admin-settings",
            &[(Self::Settings, "/admin/settings", "admin-settings")],
        ),
    ];
}

/// A part of the navigation as it is shown.
#[derive(Debug)]
pub struct Part {
    /// Its first page.
    pub link: Link,
    /// Whether the page that is shown is in it.
    pub is_here: bool,
    /// Its pages, with whether it is the one that is shown; none where it is one page itself.
    pub pages: Vec<(Link, bool)>,
}

/// What the frame of every page of the console shows beside its content.
#[derive(Debug)]
pub struct Frame {
    /// The navigation.
    pub parts: Vec<Part>,
    /// What has just been done, or went wrong.
    pub notices: Vec<Notice>,
}

/// Where the other pages of a list are.
#[derive(Debug)]
pub struct Pager {
    pub next: Option<String>,
    pub first: Option<String>,
}

/// Somebody who is signed in.
pub struct Visit {
    pub console: Console,
    pub asked: Asked,
    pub session: Session,
    /// The options of the address.
    pub query: HashMap<String, String>,
}

impl FromRequestParts<Console> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let asked = Asked::from_request_parts(parts, console)
            .await
            .map_err(IntoResponse::into_response)?;
        let Some(session) = Session::find(console, &parts.headers, asked.now()) else {
            return Err(to_sign_in(&asked.page().return_to));
        };
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            console: console.clone(),
            session,
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            asked,
        })
    }
}

impl Visit {
    /// The directory API with this person's token.
    pub fn api(&self) -> Api<'_> {
        Api::new(&self.console, &self.session.token, self.asked.client())
    }

    /// The page.
    pub fn page(&self) -> Page {
        let page = self.asked.page();
        let service = page.t("admin-title");
        page.service(service).session(Shown {
            name: self.session.name.clone(),
            place: self.session.place.clone(),
            sign_out: "/admin/sign-out".to_owned(),
            csrf: self.token(),
        })
    }

    /// What is around the content; tells what the address says has been done.
    pub fn frame(&self, page: &Page, section: Section) -> Frame {
        let parts = Section::ALL.iter().map(|(key, sections)| {
            let pages = sections
                .iter()
                .map(|(of, address, key)| (Link::new(*address, page.t(key)), *of == section));
            let mut pages: Vec<(Link, bool)> = pages.collect();
            Part {
                link: Link::new(sections[0].1, page.t(key)),
                is_here: pages.iter().any(|(_, is_here)| *is_here),
                pages: if pages.len() == 1 {
                    Vec::new()
                } else {
                    std::mem::take(&mut pages)
                },
            }
        });
        let done = self
            .query
            .get("done")
            .and_then(|word| page.find(&format!("admin-done-{word}")));
        let notice = done.map(|text| Notice::new(page, Tone::Success, text));
        Frame {
            parts: parts.collect(),
            notices: notice.into_iter().collect(),
        }
    }

    /// A form of this person.
    pub fn form(&self, action: impl Into<String>) -> Form {
        Form::new(action, self.token())
    }

    /// Refuses a form that was not made for this session.
    pub fn check(&self, fields: &Fields) -> Result<(), Wrong> {
        let token = fields.get(csrf::FIELD);
        let checked = self.console.0.csrf.verify(&self.session.id, PURPOSE, token);
        checked.map_err(|error| PageError::from(error).into())
    }

    /// The page of a collection that the address asks for, and the way to the others. Options without a value are left out.
    pub async fn listed<T: DeserializeOwned>(
        &self,
        path: &str,
        options: &[(&str, &str)],
    ) -> Result<(Vec<T>, Pager), ApiError> {
        let token = self.option("page");
        let options = [options, &[("$skiptoken", token)]].concat();
        let options: Vec<(&str, &str)> = options.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let listed: Listed<T> = self.api().get(path, &options).await?;
        let pager = Pager {
            next: listed.next().map(|token| self.address_with("page", &token)),
            first: (!token.is_empty()).then(|| self.address_with("page", "")),
        };
        Ok((listed.value, pager))
    }

    /// The same of directory objects: those in whose properties the text of the search stands, or all by their names.
    pub async fn found<T: DeserializeOwned>(
        &self,
        path: &str,
        options: &[(&str, &str)],
        properties: &[&str],
    ) -> Result<(Vec<T>, Pager), ApiError> {
        let search = search(self.option("q"), properties);
        let how = if search.is_empty() {
            [("$orderby", "displayName"), ("", "")]
        } else {
            [("$search", search.as_str()), ("$count", "true")]
        };
        self.listed(path, &[options, &how].concat()).await
    }

    /// An option of the address; empty when absent.
    pub fn option(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The same page with one option changed; an empty value takes it away.
    pub fn address_with(&self, name: &str, value: &str) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(other, value)| *other != name && *other != "done" && !value.is_empty())
            .collect();
        pairs.sort_unstable();
        if !value.is_empty() {
            pairs.push((name, value));
        }
        with_query(self.asked.path(), &pairs)
    }

    fn token(&self) -> String {
        self.console.0.csrf.token(&self.session.id, PURPOSE)
    }
}

/// The fields of a posted form; those with several values keep all of them.
#[derive(Debug)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The value of a field, without spaces around it; empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// A password: the signs that were typed, spaces too.
    pub fn password(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    /// The lines of a field that say something.
    pub fn lines<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        let lines = self.get(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty())
    }

    /// All values of a field.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        self.0
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.trim())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let body = axum::body::to_bytes(request.into_body(), MAX_FORM).await;
        let body =
            body.map_err(|_| PageError::new(ErrorKind::TooLarge, "too-long", "the form is too long").into_response())?;
        Ok(Self(url::form_urlencoded::parse(&body).into_owned().collect()))
    }
}

/// `$search` for a text in these properties; quotes and backslashes are no part of a name.
fn search(text: &str, properties: &[&str]) -> String {
    let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let terms: Vec<String> = properties
        .iter()
        .map(|property| format!("\"{property}:{text}\""))
        .collect();
    terms.join(" OR ")
}

/// Why a page is not shown: an error page, or the way to signing in.
pub struct Wrong(Box<Response>);

impl From<ApiError> for Wrong {
    fn from(error: ApiError) -> Self {
        Self(Box::new(match error {
            ApiError::SignedOut => (Extension(SignedOut), StatusCode::UNAUTHORIZED).into_response(),
            error => PageError::from(error).into_response(),
        }))
    }
}

impl From<PageError> for Wrong {
    fn from(error: PageError) -> Self {
        Self(Box::new(error.into_response()))
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        *self.0
    }
}

fn to_sign_in(next: &str) -> Response {
    Redirect::to(&with_query("/admin/sign-in", &[("next", next)])).into_response()
}

/// Back to a page after something was done.
pub fn done(address: &str, word: &str) -> Response {
    let mark = if address.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{address}{mark}done={word}")).into_response()
}

/// What the API refused, as a notice on the page that asked for it.
pub fn refusal(page: &Page, error: ApiError) -> Result<Notice, Wrong> {
    let text = match error {
        ApiError::Refused(words) => page.t1("admin-refused-because", "reason", &words),
        ApiError::Denied => page.t("admin-denied-short"),
        ApiError::Changed => return Ok(Notice::new(page, Tone::Warning, page.t("changed-meanwhile"))),
        other => return Err(other.into()),
    };
    Ok(Notice::new(page, Tone::Danger, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_holds_no_quotes() {
        assert_eq!(search("  ", &["displayName"]), "");
        assert_eq!(
            search("\"mar\\tin", &["displayName", "userPrincipalName"]),
            "\"displayName:martin\" OR \"userPrincipalName:martin\""
        );
    }
}
