//! Who calls, and what they ask beyond the path.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hygie_access::Credentials;
use hygie_core::{Cx, ErrorKind, ObjectId, Principal, PrincipalKind};
use hygie_directory::UserType;
use hygie_web::Asked;
use hygie_web::client::ClientCertificate;
use hygie_web::error::Failure;

use super::authority::AS_USER;
use super::batch::Batch;
use crate::{Graph, GraphFault};
use hygie_odata::{Consistency, EntityType, Query, QueryError};

/// More than any collection has that is shown in one page.
const ONE_PAGE: u32 = 999;

/// A caller with a valid token.
pub struct Caller {
    /// The context of the operation, in the tenant of the token.
    pub cx: Cx,
    principal: Arc<Principal>,
    /// The query options, decoded.
    pub options: Vec<(String, String)>,
    consistency: Consistency,
    /// Whether only the number of a collection is asked for (`/users/$count`).
    pub wants_number: bool,
    /// Whether only the addresses of its objects are (`/groups/{id}/members/$ref`).
    pub wants_references: bool,
}

impl Caller {
    /// Whether the token has one of these permissions: as a scope when it is a person's, as a role when it is an
    /// application's own.
    pub fn has(&self, permissions: &[&str]) -> bool {
        let held = match self.principal.kind {
            PrincipalKind::User => &self.principal.scopes,
            PrincipalKind::App | PrincipalKind::ManagedIdentity => &self.principal.app_roles,
        };
        // Who acts as the person reads what the directory shows.
        let reads = self.principal.kind == PrincipalKind::User && permissions.contains(&"Directory.Read.All");
        held.iter()
            .any(|held| permissions.contains(&held.as_str()) || (reads && held == AS_USER))
    }

    /// Refuses without one of these permissions.
    pub fn need(&self, permissions: &[&str]) -> Result<(), GraphFault> {
        if self.has(permissions) {
            Ok(())
        } else {
            Err(GraphFault::Denied)
        }
    }

    /// Whether a person or a program calls.
    pub fn kind(&self) -> PrincipalKind {
        self.principal.kind
    }

    /// Who calls: a person, or the service principal of a program.
    pub fn subject(&self) -> ObjectId {
        self.principal.subject
    }

    /// The person whose token it is.
    pub fn person(&self) -> Option<ObjectId> {
        (self.principal.kind == PrincipalKind::User).then_some(self.principal.subject)
    }

    /// The members of one entity of this type that are asked for. An option that makes sense for a list only is refused.
    pub fn select(&self, entity: &'static EntityType) -> Result<Option<Vec<&'static str>>, GraphFault> {
        let is_other = |name: &str| !name.trim_start_matches('$').eq_ignore_ascii_case("select");
        match self.options.iter().find(|(name, _)| is_other(name)) {
            Some((name, _)) => Err(QueryError::Option(name.clone()).into()),
            None => Ok(self.query(entity)?.select),
        }
    }

    /// What is asked of one entity of this type: its members and what they lead to.
    pub fn one(&self, entity: &'static EntityType) -> Result<Query, GraphFault> {
        let is_other = |name: &str| {
            let name = name.trim_start_matches('$');
            !name.eq_ignore_ascii_case("select") && !name.eq_ignore_ascii_case("expand")
        };
        match self.options.iter().find(|(name, _)| is_other(name)) {
            Some((name, _)) => Err(QueryError::Option(name.clone()).into()),
            None => self.query(entity),
        }
    }

    /// The query options for entities of this type.
    pub fn query(&self, entity: &'static EntityType) -> Result<Query, GraphFault> {
        let options = self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if self.wants_number && self.consistency == Consistency::Default {
            return Err(QueryError::NeedsEventual("/$count").into());
        }
        let number = self.wants_number.then_some(("$count", "true"));
        Ok(Query::parse(options.chain(number), entity, self.consistency)?)
    }

    /// The query options for entries of a log, which Graph lets filter and sort at once.
    pub fn query_of_log(&self, entity: &'static EntityType) -> Result<Query, GraphFault> {
        let options = self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let is_count = |name: &str| name.trim_start_matches('$').eq_ignore_ascii_case("count");
        let counts = self.options.iter().any(|(name, _)| is_count(name));
        let number = (!counts).then_some(("$count", "true"));
        let query = Query::parse(options.chain(number), entity, Consistency::Eventual)?;
        Ok(Query {
            counts: counts && query.counts,
            ..query
        })
    }

    /// The same of a collection that is short enough for one page: everything, where no `$top` is asked for.
    pub fn query_in_one_page(&self, entity: &'static EntityType) -> Result<Query, GraphFault> {
        let mut query = self.query(entity)?;
        let is_top = |name: &str| name.trim_start_matches('$').eq_ignore_ascii_case("top");
        if !self.options.iter().any(|(name, _)| is_top(name)) {
            query.top = ONE_PAGE;
        }
        Ok(query)
    }
}

impl FromRequestParts<Batch> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, batch: &Batch) -> Result<Self, Failure> {
        Self::from_request_parts(parts, &batch.graph).await
    }
}

impl FromRequestParts<Graph> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, graph: &Graph) -> Result<Self, Failure> {
        let asked = Asked::from_request_parts(parts, graph).await?;
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let certificate = parts.extensions.get::<ClientCertificate>();
        let credentials = Credentials {
            authorization,
            certificate: certificate.map(|certificate| &*certificate.0),
        };
        let principal = graph
            .0
            .authenticator
            .authenticate(credentials, asked.now())
            .await
            .map_err(|refusal| {
                let mut failure = Failure::of(&refusal);
                if failure.kind == ErrorKind::Unauthenticated {
                    failure.code = "InvalidAuthenticationToken".into();
                }
                failure
            })?;
        asked.acts(principal.clone());
        let mut cx = asked.cx(principal.tenant);
        cx.principal = Some(principal.clone());
        may_look(graph, &cx, parts.uri.path())
            .await
            .map_err(|fault| Failure::of(&fault))?;
        let is_eventual = parts
            .headers
            .get("consistencylevel")
            .is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual"));
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            wants_number: parts.uri.path().ends_with("/$count"),
            wants_references: parts.uri.path().ends_with("/$ref"),
            cx,
            principal,
            options: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            consistency: if is_eventual {
                Consistency::Eventual
            } else {
                Consistency::Default
            },
        })
    }
}

/// Guests without a directory role see themselves and nobody else, whatever their application may (the role of restricted
/// guests); whether they may invite is asked there, and each part of a batch by itself.
async fn may_look(graph: &Graph, cx: &Cx, path: &str) -> Result<(), GraphFault> {
    let Some(principal) = cx
        .principal
        .as_ref()
        .filter(|principal| principal.kind == PrincipalKind::User)
    else {
        return Ok(());
    };
    let is_own = path == "/v1.0/me" || path.starts_with("/v1.0/me/");
    if is_own || matches!(path, "/v1.0/$batch" | "/v1.0/invitations") {
        return Ok(());
    }
    let found = graph.directory().find_user_by_id(cx, principal.subject).await?;
    let is_guest = found.is_some_and(|user| user.profile.user_type == UserType::Guest);
    if is_guest && graph.directory().roles_of(cx, principal.subject).await?.is_empty() {
        return Err(GraphFault::Denied);
    }
    Ok(())
}
