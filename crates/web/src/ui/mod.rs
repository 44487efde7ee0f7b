//! The interface that all services share: the frame of a page, its parts, its assets, its preferences.
//!
//! # To add a page to a service
//!
//! ```ignore
//! // askama.toml:  [general] dirs = ["templates", "../web/templates"]
//! // templates/clients.html:  {% extends "shell.html" %} {% block main %}<h1>{{ page.t("clients-title") }}</h1>{% endblock %}
//! #[derive(Template)]
//! #[template(path = "clients.html")]
//! struct Clients { page: Page, name: Field }
//!
//! async fn get(page: Page) -> View<Clients> {
//!     let name = Field::text(&page, "name", page.t("client-name")).hint(page.t("client-name-hint"));
//!     View(Clients { page, name })
//! }
//! ```
//!
//! Parts ([`Field`], [`Notice`], …) are put into a template as they are: `{{ name }}`. The living page of the system is
//! [`crate::pages::Design`], served by the portal at `/design`.

mod assets;
mod parts;
mod passkey;
mod preferences;
mod theme;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fluent_bundle::FluentValue;
use http::StatusCode;

pub use parts::{
    Empty, Field, FieldError, Form, Identifier, Input, Link, Notice, Progress, Reveal, Summary, Tone, Ways,
};
pub use passkey::{Ceremony, PasskeyForm};
pub use theme::{THEME_COOKIE, Theme};

use crate::i18n::{Lang, Messages, escape_html};

/// Routes that every service with pages merges into its own: `/assets/…` and `/preferences`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{file}", get(assets::get)).route(
        "/preferences",
        post(preferences::post).layer(DefaultBodyLimit::max(preferences::MAX_CHOICE)),
    )
}

/// Whose session it is, shown on every page: in a hospital a workstation is shared.
#[derive(Clone, Debug)]
pub struct Session {
    /// The person.
    pub name: String,
    /// The establishment, where it is known.
    pub place: Option<String>,
    /// Where the sign-out form posts to.
    pub sign_out: String,
    /// The form token of signing out.
    pub csrf: String,
}

/// What the frame of a page needs; the field `page` of every template that extends `shell.html`. Also an extractor.
#[derive(Clone, Debug)]
pub struct Page {
    /// Language.
    pub lang: Lang,
    /// Light, dark, or as the system.
    pub theme: Theme,
    /// Name of the service beside the product's.
    pub service: Option<String>,
    /// Whose session it is.
    pub session: Option<Session>,
    /// Where the name of the product leads.
    pub home: String,
    /// Where the language and theme switches come back to: a page that can be fetched with GET.
    pub return_to: String,
    messages: Arc<Messages>,
}

impl Page {
    /// A page at this address.
    pub fn new(lang: Lang, theme: Theme, messages: Arc<Messages>, address: impl Into<String>) -> Self {
        Self {
            lang,
            theme,
            service: None,
            session: None,
            home: "/".to_owned(),
            return_to: address.into(),
            messages,
        }
    }

    /// Of this service, by its name in the person's language.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// In this session.
    #[must_use]
    pub fn session(mut self, session: Session) -> Self {
        self.session = Some(session);
        self
    }

    /// With another address for the switches: needed where the page answers a POST.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.return_to = address.into();
        self
    }

    /// A message.
    pub fn t(&self, key: &str) -> String {
        self.messages.get(self.lang, key, &[])
    }

    /// A message with a text in it.
    pub fn t1(&self, key: &str, name: &'static str, text: &str) -> String {
        self.messages.get(self.lang, key, &[(name, FluentValue::from(text))])
    }

    /// A message with a number in it, which plurals follow.
    pub fn tn(&self, key: &str, name: &'static str, number: usize) -> String {
        self.messages.get(self.lang, key, &[(name, FluentValue::from(number))])
    }

    /// A message with arguments.
    pub fn with(&self, key: &str, args: &[(&'static str, FluentValue<'_>)]) -> String {
        self.messages.get(self.lang, key, args)
    }

    /// A message that holds markup, with one argument of plain text: the argument is escaped, the message is trusted.
    pub fn html1(&self, key: &str, name: &'static str, text: &str) -> askama::filters::Safe<String> {
        let text = escape_html(text);
        askama::filters::Safe(self.messages.get(self.lang, key, &[(name, FluentValue::from(text))]))
    }

    /// A message that may be absent.
    pub fn find(&self, key: &str) -> Option<String> {
        self.messages.find(self.lang, key, None)
    }

    /// The address of an asset, with the hash of its content.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::address(name)
    }
}

/// A template as an answer: 200, HTML in UTF-8, never kept by a cache (pages show who is signed in).
#[derive(Debug)]
pub struct View<T: Template>(pub T);

impl<T: Template> View<T> {
    /// With another status.
    pub fn status(self, status: StatusCode) -> Response {
        (status, self).into_response()
    }
}

impl<T: Template> IntoResponse for View<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => (
                [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")],
                html,
            )
                .into_response(),
            Err(error) => crate::error::Failure::internal(&error).into_response(),
        }
    }
}
