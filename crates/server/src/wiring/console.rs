//! The console of administration in the portal: its application in every tenant, and whom it asks.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hygie_console::{CALLBACK, Console, Deps, Host, Upstream};
use hygie_core::Cx;
use hygie_directory::repo::GrantsOf;
use hygie_directory::{
    Audience, Cursor, DIRECTORY_API, Definition, FIRST_PARTY, NewApplication, PORTAL, directory_api,
};
use hygie_oidc::RedirectUris;
use tower::ServiceExt as _;

use super::Base;

/// Largest answer of the services that is read.
const MAX_ANSWER: usize = 16 << 20;
/// What the application is called.
const NAME: &str = "hygie";
/// Grants of the console in a tenant: one.
const MANY: u32 = 10;

/// The console at this address of the portal.
pub fn console(base: &mut Base, portal: &str, graph: &str) -> Result<Console> {
    let upstream = InProcess {
        login: base.login_router()?,
        directory: base.graph_router(graph)?,
    };
    Ok(Console::new(Deps {
        portal: portal.to_owned(),
        login: base.settings.login.clone(),
        api: graph.to_owned(),
        client: PORTAL,
        upstream: Arc::new(upstream),
        sessions: base.directory.secret("console sessions"),
        forms: base.directory.secret("console forms"),
    }))
}

/// Sees to it that people of every tenant can sign in to the console, which acts for them at the directory API.
pub async fn register(base: &Base, portal: &str) -> Result<()> {
    let _alone = base.stores.prepare_alone().await?;
    register_application(base, portal).await?;
    for tenant in base.directory.list_tenants(&base.directory.provider_cx()).await? {
        let presence = make_present(base, &base.cx(tenant)).await;
        presence.with_context(|| format!("the portal cannot be prepared in tenant {tenant}"))?;
    }
    Ok(())
}

/// Registered once and at its address of today, where no tenant administers it: it may do in every tenant whatever its
/// person may, and who could give it another address could take that.
async fn register_application(base: &Base, portal: &str) -> Result<()> {
    let cx = base.cx(FIRST_PARTY);
    let wanted = Definition {
        redirect_uris: RedirectUris {
            // Of a page: its codes are redeemed with its origin and a proof key, and policies see a browser.
            spa: vec![format!("{portal}{CALLBACK}"), format!("{portal}/")],
            ..RedirectUris::default()
        },
        sign_in_audience: Audience::Tenants,
        ..Definition::default()
    };
    let Some(known) = base.directory.find_application(&cx, PORTAL).await? else {
        let new = NewApplication {
            app: Some(PORTAL),
            display_name: NAME.to_owned(),
            definition: wanted,
        };
        base.directory.register_application(&cx, new, Vec::new()).await?;
        return Ok(());
    };
    ensure!(
        known.home == FIRST_PARTY,
        "application {PORTAL} is registered in tenant {}: the portal needs this id",
        known.home
    );
    if *known.definition == wanted {
        return Ok(());
    }
    let changed = (NAME.to_owned(), wanted);
    Ok(base.directory.update_application(&cx, known, changed, None).await?)
}

/// A service principal, and all that the directory API lets an application do for a person: what the person may do
/// follows from their own roles. Whose administrators took the permissions away is not given them again.
async fn make_present(base: &Base, cx: &Cx) -> Result<()> {
    let directory = &base.directory;
    let api = directory_api();
    let scopes: Vec<&str> = api.definition.scopes.iter().map(|scope| scope.value.as_str()).collect();
    if let Some(present) = directory.find_service_principal(cx, PORTAL).await? {
        let of_portal = Cursor {
            after: None,
            limit: MANY,
        };
        let granted = directory
            .page_grants(cx, GrantsOf::Client(present.id), of_portal)
            .await?;
        let everybody = granted.iter().find(|grant| grant.user.is_none());
        let is_missing =
            |scope: &&str| everybody.is_some_and(|grant| !grant.scopes.iter().any(|granted| granted == scope));
        if !scopes.iter().any(is_missing) {
            return Ok(());
        }
    } else {
        directory.create_service_principal(cx, PORTAL).await?;
    }
    Ok(directory
        .grant_scopes(cx, (PORTAL, DIRECTORY_API), None, &scopes)
        .await?)
}

/// The routers of the services.
struct InProcess {
    login: Router,
    directory: Router,
}

impl Upstream for InProcess {
    fn send(&self, host: Host, request: http::Request<Bytes>) -> BoxFuture<'_, http::Response<Bytes>> {
        let router = match host {
            Host::Login => self.login.clone(),
            Host::Directory => self.directory.clone(),
        };
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let request = http::Request::from_parts(head, Body::from(body));
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            let (head, body) = answer.into_parts();
            match axum::body::to_bytes(body, MAX_ANSWER).await {
                Ok(body) => http::Response::from_parts(head, body),
                Err(error) => {
                    tracing::error!(%error, "an answer for the console cannot be read");
                    let mut failed = http::Response::new(Bytes::new());
                    *failed.status_mut() = http::StatusCode::BAD_GATEWAY;
                    failed
                }
            }
        })
    }
}
