//! Objects by another key than their id, whatever is asked of them: `/applications(appId='…')/owners`,
//! `/applications/{id}/federatedIdentityCredentials(name='…')`. The address is put into its usual form and asked for again.

use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use http::Uri;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use hygie_core::AppId;
use hygie_web::error::GraphError;
use tower::ServiceExt;

use super::batch::{Batch, Shared};
use super::caller::Caller;
use super::unsupported;
use crate::GraphFault;

/// Headers that an address may look at.
const HEADERS: &[&str] = &["accept", "consistencylevel", "prefer", "if-match"];

pub async fn any(
    State(batch): State<Batch>,
    caller: Caller,
    shared: Shared,
    params: RawPathParams,
    request: Request,
) -> Result<Response, GraphError> {
    let first = params
        .iter()
        .next()
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default();
    let Some(path) = usual(&batch, &caller, &first, request.uri().path()).await? else {
        return Err(unsupported::any(caller).await);
    };
    let query = request
        .uri()
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let uri: Uri = format!("{path}{query}")
        .parse()
        .map_err(|_| GraphFault::NotFound(first))?;
    let (parts, body) = request.into_parts();
    let mut again = Request::new(body);
    *again.method_mut() = parts.method;
    *again.uri_mut() = uri;
    *again.extensions_mut() = shared.extensions();
    for name in HEADERS
        .iter()
        .copied()
        .chain([AUTHORIZATION.as_str(), CONTENT_TYPE.as_str()])
    {
        if let (Some(value), Ok(name)) = (parts.headers.get(name), http::HeaderName::try_from(name)) {
            again.headers_mut().insert(name, value.clone());
        }
    }
    match batch.router.clone().oneshot(again).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}

/// The address in its usual form; nothing where it has no key in it.
async fn usual(batch: &Batch, caller: &Caller, first: &str, path: &str) -> Result<Option<String>, GraphError> {
    let rest = path.strip_prefix("/v1.0/").unwrap_or_default();
    let rest = rest.split_once('/').map(|(_, rest)| rest);
    let inner = rest.map(by_name).unwrap_or_default();
    let tail = match (&inner, rest) {
        (Some(inner), _) => format!("/{inner}"),
        (None, Some(rest)) => format!("/{rest}"),
        (None, None) => String::new(),
    };
    let Some((set, name, value)) = key(first) else {
        // It is decoded: what is no name of a collection must not become more of an address.
        return Ok(inner.filter(|_| is_name(first)).map(|_| format!("/v1.0/{first}{tail}")));
    };
    let directory = batch.graph.directory();
    let id = match (set, name, value.parse::<AppId>()) {
        ("applications", "appId", Ok(app)) => {
            let found = directory.find_registration_of(&caller.cx, app).await?;
            found.map(|found| found.application.id.to_string())
        }
        ("servicePrincipals", "appId", Ok(app)) => {
            let found = directory.find_service_principal(&caller.cx, app).await?;
            found.map(|found| found.id.to_string())
        }
        // The id of a role is that of its template.
        ("directoryRoles", "roleTemplateId", Ok(_)) => None,
        _ => return Ok(None),
    };
    // Of what is not there the usual address says so, to whoever may know.
    let id = id.unwrap_or_else(|| value.to_owned());
    Ok(Some(format!("/v1.0/{set}/{id}{tail}")))
}

/// A federated credential by its name: the rest of the address with the name in the place of the id.
fn by_name(rest: &str) -> Option<String> {
    let decoded = rest.replace("%27", "'").replace("%28", "(").replace("%29", ")");
    let (before, key) = decoded.split_once("federatedIdentityCredentials(")?;
    let (name, value) = key.strip_suffix(')')?.split_once('=')?;
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    let is_plain = !value.is_empty() && !value.contains(['/', '\'', '?', '#']);
    let is_name = name.trim().eq_ignore_ascii_case("name") && is_plain;
    is_name.then(|| format!("{before}federatedIdentityCredentials/{value}"))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The collection, the key and its value of `collection(key='value')`.
fn key(segment: &str) -> Option<(&str, &'static str, &str)> {
    let (set, key) = segment.strip_suffix(')')?.split_once('(')?;
    let (name, value) = key.split_once('=')?;
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    let name = ["appId", "roleTemplateId"]
        .into_iter()
        .find(|known| name.trim().eq_ignore_ascii_case(known))?;
    Some((set, name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_federated_credential_has_a_name() {
        assert_eq!(
            by_name("1/federatedIdentityCredentials(Name=%27ci%20main%27)").as_deref(),
            Some("1/federatedIdentityCredentials/ci%20main")
        );
        for wrong in [
            "1/federatedIdentityCredentials",
            "1/federatedIdentityCredentials(name='')",
            "1/federatedIdentityCredentials(name='a'/b')",
            "1/federatedIdentityCredentials(id='a')",
            "1/federatedIdentityCredentials(name='a",
        ] {
            assert_eq!(by_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_collection_has_a_name_of_letters() {
        assert!(is_name("applications"));
        for wrong in ["", "applications/1", "..", "a b", "a?b", "a%2Fb", "é"] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_key_names_an_application() {
        let id = "00000003-0000-0000-c000-000000000000";
        assert_eq!(
            key(&format!("servicePrincipals(APPID='{id}')")),
            Some(("servicePrincipals", "appId", id))
        );
        for wrong in ["users", "users()", "users(appId=x)", "users(id='x')", "(", ")(="] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }
}
