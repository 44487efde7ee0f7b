//! The addresses of a FHIR service, one file per interaction: read what HTTP says, run the interaction, answer.

mod answer;
mod binary;
mod bulk;
mod bundle;
mod call;
mod conformance;
mod create;
mod delete;
mod headers;
mod history;
mod patch;
mod range;
mod read;
mod search;
mod unsupported;
mod update;

use axum::Router;
use axum::routing::{MethodRouter, any, get, post};

pub use binary::is_upload;

use crate::service::Fhir;

/// The service at the path of its base address. Every route but the public documents asks for a token first; what is
/// not built answers "not supported" to whoever has one.
pub fn router(fhir: Fhir) -> Router {
    let other = || any(unsupported::any);
    let or_unsupported = |route: MethodRouter<Fhir>| route.fallback(unsupported::any);
    let base = fhir.path().to_owned();
    let at = |path: &str| format!("{base}{path}");
    Router::new()
        .route(&at("/metadata"), get(conformance::metadata))
        .route(&at("/.well-known/smart-configuration"), get(conformance::smart))
        .route(&at("/$versions"), get(conformance::versions))
        .route(
            if base.is_empty() { "/" } else { &base },
            or_unsupported(post(bundle::post)),
        )
        .merge(slashed(&base, or_unsupported(post(bundle::post))))
        .route(&at("/.hygie/bulk"), or_unsupported(post(bulk::post)))
        .route(&at("/_search"), other())
        .route(&at("/_history"), or_unsupported(get(history::of_system)))
        .route(&at("/{type}"), or_unsupported(of_type()))
        .route(&at("/{type}/$includes"), or_unsupported(get(search::includes)))
        .route(&at("/{type}/_search"), or_unsupported(post(search::post)))
        .route(&at("/{type}/_history"), or_unsupported(get(history::of_type)))
        .route(
            &at("/{type}/{id}"),
            or_unsupported(
                get(read::get)
                    .put(update::put)
                    .patch(patch::patch)
                    .delete(delete::delete),
            ),
        )
        .route(&at("/{type}/{id}/_history"), or_unsupported(get(history::get)))
        .route(
            &at("/{type}/{id}/_history/{vid}"),
            or_unsupported(get(read::get_version)),
        )
        .route(&at("/{type}/{id}/{more}"), other())
        .route(&at("/{type}/{id}/{more}/{*rest}"), other())
        .with_state(fhir)
}

/// What is asked of a type: with parameters, of the resources that meet them.
fn of_type() -> MethodRouter<Fhir> {
    get(search::get)
        .post(create::post)
        .put(update::conditional)
        .patch(patch::conditional)
        .delete(delete::conditional)
}

/// The base with a final slash, where that is another address.
fn slashed(base: &str, route: MethodRouter<Fhir>) -> Router<Fhir> {
    if base.is_empty() {
        Router::new()
    } else {
        Router::new().route(&format!("{base}/"), route)
    }
}
