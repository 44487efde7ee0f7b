//! What is known of a request from its first moment, and what its handler tells the layers about it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Uri};
use hygie_core::{Clock, Cx, Principal, Random, RequestId, TenantId, Timestamp};
use hygie_store::Store;
use parking_lot::Mutex;

use crate::audit::Note;
use crate::error::Failure;
use crate::i18n::{Lang, Messages};
use crate::ui::{Page, Theme};

/// A request as the layers see it; an extractor, and the source of [`Cx`] and [`Page`]. Cheap to clone.
#[derive(Clone)]
pub struct Asked(pub(crate) Arc<Opened>);

/// What the first layer fills.
pub(crate) struct Opened {
    pub service: &'static str,
    pub request: RequestId,
    /// The id that a client of Microsoft's libraries gave the request (`client-request-id`).
    pub client_request: Option<String>,
    pub now: Timestamp,
    pub client: Option<IpAddr>,
    pub method: Method,
    pub uri: Uri,
    /// The template of the route (`/{workspace}/{service}/{type}`): logs and metrics never see the path, which may
    /// name a patient.
    pub route: Option<MatchedPath>,
    pub lang: Lang,
    pub theme: Theme,
    pub messages: Arc<Messages>,
    pub home: Arc<str>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub told: Mutex<Told>,
}

/// What extractors and handlers tell the layers.
#[derive(Default)]
pub(crate) struct Told {
    pub tenant: Option<TenantId>,
    pub principal: Option<Arc<Principal>>,
    pub store: Option<Store>,
    pub note: Option<Note>,
}

impl Asked {
    /// The id of the request.
    pub fn request(&self) -> RequestId {
        self.0.request
    }

    /// The id by which the client knows the request: its own `client-request-id`, and ours where it gave none.
    pub fn client_request(&self) -> String {
        let own = self.0.client_request.clone();
        own.unwrap_or_else(|| self.0.request.to_string())
    }

    /// When it began.
    pub fn now(&self) -> Timestamp {
        self.0.now
    }

    /// The client's address, after trusted proxies.
    pub fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// The service.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The template of the route; `None` when no route matched.
    pub fn route(&self) -> Option<&str> {
        self.0.route.as_ref().map(MatchedPath::as_str)
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.0.lang
    }

    /// The messages of the service.
    pub fn messages(&self) -> Arc<Messages> {
        self.0.messages.clone()
    }

    /// The frame of the page that answers.
    pub fn page(&self) -> Page {
        // What GET fetches has its query, too: the language switch comes back to the same state.
        let address = match *self.method() {
            Method::GET | Method::HEAD => self.0.uri.path_and_query().map_or("/", PathAndQuery::as_str),
            _ => self.path(),
        };
        let mut page = Page::new(self.0.lang, self.0.theme, self.messages(), address);
        page.home = self.0.home.to_string();
        page
    }

    /// The context of the operation for this tenant, with the principal established so far.
    pub fn cx(&self, tenant: TenantId) -> Cx {
        let mut told = self.0.told.lock();
        told.tenant = Some(tenant);
        Cx {
            tenant,
            principal: told.principal.clone(),
            request: self.0.request,
            client: self.0.client,
            now: self.0.now,
            clock: self.0.clock.clone(),
            random: self.0.random.clone(),
        }
    }

    /// Says who acts, once a token or session is checked: the audit record names it.
    pub fn acts(&self, principal: Arc<Principal>) {
        self.0.told.lock().principal = Some(principal);
    }

    /// Says in which store the request is recorded: that of the service instance it concerns.
    pub fn recorded_in(&self, store: Store) {
        self.0.told.lock().store = Some(store);
    }

    /// Says what is done, before it is tried: the record of a refusal or failure then names it. A [`Note`] beside the
    /// response replaces it.
    pub fn note(&self, note: Note) {
        self.0.told.lock().note = Some(note);
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::internal(&NoLayers))
    }
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        Ok(Asked::from_request_parts(parts, state).await?.page())
    }
}

/// A router is served without `layers`.
#[derive(Debug, thiserror::Error)]
#[error("the router has no layers")]
struct NoLayers;
