//! `GET /msi/token` — tokens of managed identities in the form of Azure App Service, and
//! `GET /metadata/identity/oauth2/token` in that of Azure's virtual machines (IMDS).
//! <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>
//!
//! Both are plain HTTP on this machine alone. In the first form a program shows the secret of its workload; in the second
//! it shows nothing, so that it is off unless the configuration names the workload that whoever asks is taken for.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::header::{CACHE_CONTROL, HOST, PRAGMA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hygie_core::{Cx, ErrorKind};
use hygie_oidc::{Aadsts, Params};
use hygie_web::Asked;
use hygie_web::audit::Note;
use hygie_web::error::{Failure, Render};
use serde_json::{Value, json};

use super::inbound::Inbound;
use hygie_idp_core::token::{ManagedError, ManagedToken, Recognised, Selector};
use hygie_idp_core::{Idp, IdpError};

const APP_SERVICE_VERSION: &str = "2019-08-01";
const IMDS_VERSIONS: &[&str] = &["2018-02-01", "2019-08-01", "2019-11-01", "2020-06-01", "2021-02-01"];
/// Longest name of a resource.
const MAX_RESOURCE: usize = 256;

/// The endpoint of workloads with a header secret; with `imds` also the one without, for that workload.
pub fn router(idp: Idp, imds: Option<Recognised>) -> Router {
    let router = Router::new().route("/msi/token", get(app_service));
    let router = match imds {
        Some(_) => router.route("/metadata/identity/oauth2/token", get(metadata_service)),
        None => router,
    };
    router.with_state(Here {
        idp,
        imds: imds.map(Arc::new),
    })
}

#[derive(Clone)]
struct Here {
    idp: Idp,
    imds: Option<Arc<Recognised>>,
}

impl FromRef<Here> for Idp {
    fn from_ref(here: &Here) -> Self {
        here.idp.clone()
    }
}

/// How an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    AppService,
    Imds,
}

/// Why there is no token, in the words of the endpoint.
struct Refused {
    status: StatusCode,
    error: &'static str,
    message: String,
    /// For the record.
    reason: String,
}

impl Refused {
    fn new(status: StatusCode, error: &'static str, message: &str) -> Self {
        Self {
            status,
            error,
            message: message.to_owned(),
            reason: error.to_owned(),
        }
    }

    fn bad(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }
}

impl From<ManagedError> for Refused {
    fn from(error: ManagedError) -> Self {
        let ManagedError::Idp(error) = error else {
            return Self::bad("Identity not found");
        };
        let refusal = error.refusal();
        let code = refusal.code();
        let name = match code {
            Aadsts::UnknownResource => "invalid_resource",
            Aadsts::ServiceFault => "unknown",
            code => code.error(),
        };
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        if status.is_server_error() {
            tracing::error!(error = %error, "a managed identity gets no token");
        }
        Self {
            status,
            error: name,
            message: format!("AADSTS{}: {}", code.number(), refusal.text()),
            reason: format!("AADSTS{}", code.number()),
        }
    }
}

impl From<IdpError> for Refused {
    fn from(error: IdpError) -> Self {
        ManagedError::from(error).into()
    }
}

async fn app_service(State(here): State<Here>, inbound: ManagedInbound) -> Response {
    let ManagedInbound(inbound) = inbound;
    let answer = by_header(&here.idp, &inbound).await;
    finish(&inbound, Form::AppService, answer)
}

async fn by_header(idp: &Idp, inbound: &Inbound) -> Result<ManagedToken, Refused> {
    let unknown = || {
        Refused::new(
            StatusCode::UNAUTHORIZED,
            "unknown_source",
            "The identity header is missing or wrong.",
        )
    };
    let shown = inbound.header("x-identity-header").filter(|shown| shown.len() <= 256);
    let cx = inbound.cx();
    let known = match shown {
        Some(shown) => idp.recognise(&cx, shown).await?,
        None => None,
    };
    let Some(known) = known else {
        // Who is known is never held up by who is not, though they share the address of this machine.
        let headers = idp.workload_headers();
        if headers.is_closed(cx.client, cx.now) {
            let message = "Too many requests with a wrong identity header.";
            return Err(Refused::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                message,
            ));
        }
        headers.count(cx.client, cx.now);
        return Err(unknown());
    };
    let params = params(inbound)?;
    if params.get("api-version") != Some(APP_SERVICE_VERSION) {
        return Err(Refused::bad("The api-version must be 2019-08-01."));
    }
    token(idp, &inbound.asked.cx(known.tenant), &known.workload, params).await
}

async fn metadata_service(State(here): State<Here>, inbound: ManagedInbound) -> Response {
    let ManagedInbound(inbound) = inbound;
    let answer = match &here.imds {
        Some(known) => by_place(&here.idp, &inbound, known).await,
        None => Err(Refused::bad("Identity not found")),
    };
    finish(&inbound, Form::Imds, answer)
}

async fn by_place(idp: &Idp, inbound: &Inbound, known: &Recognised) -> Result<ManagedToken, Refused> {
    if inbound.header("metadata") != Some("true") {
        let message = "Required metadata header not specified";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "bad_request_102", message));
    }
    // Neither through a proxy, nor from a page whose host's name was made to lead here.
    if inbound.headers.contains_key("x-forwarded-for") || !is_here(&inbound.headers) {
        let message = "Requests through a proxy or by another name are not answered";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "bad_request_103", message));
    }
    let params = params(inbound)?;
    if !params
        .get("api-version")
        .is_some_and(|version| IMDS_VERSIONS.contains(&version))
    {
        return Err(Refused::bad("The api-version is missing or not supported."));
    }
    token(idp, &inbound.asked.cx(known.tenant), &known.workload, params).await
}

/// Whether the request names an address or this machine, not a name that anybody may point here.
fn is_here(headers: &HeaderMap) -> bool {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn params(inbound: &Inbound) -> Result<&Params, Refused> {
    inbound.params().map_err(|refusal| IdpError::from(refusal).into())
}

async fn token(idp: &Idp, cx: &Cx, workload: &str, params: &Params) -> Result<ManagedToken, Refused> {
    let resource = params.get("resource").filter(|resource| !resource.is_empty());
    let resource = resource.ok_or_else(|| Refused::bad("The parameter resource is missing."))?;
    if resource.len() > MAX_RESOURCE {
        return Err(Refused::bad("The parameter resource is too long."));
    }
    let selector = selector(params)?;
    Ok(idp.managed_token(cx, workload, &selector, resource).await?)
}

/// At most one of the ways to name an identity.
fn selector(params: &Params) -> Result<Selector, Refused> {
    let not_found = |_| Refused::bad("Identity not found");
    let named: Vec<(&str, &str)> = ["client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id"]
        .into_iter()
        .filter_map(|name| Some((name, params.get(name)?)))
        .collect();
    match named.as_slice() {
        [] => Ok(Selector::Own),
        [("client_id", id)] => id.parse().map(Selector::Client).map_err(not_found),
        [("object_id" | "principal_id", id)] => id.parse().map(Selector::Object).map_err(not_found),
        [(_, id)] => Ok(Selector::Resource((*id).to_owned())),
        _ => Err(Refused::bad("More than one identity is named.")),
    }
}

fn finish(inbound: &Inbound, form: Form, answer: Result<ManagedToken, Refused>) -> Response {
    const ACTION: &str = "idp.token.identity";
    match answer {
        Ok(made) => {
            let resource = inbound.params.as_ref().ok().and_then(|params| params.get("resource"));
            let note = Note::new(ACTION, format!("resource/{}", resource.unwrap_or_default())).by(&made.actor);
            let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
            let body = body(&made, resource.unwrap_or_default(), form);
            (headers, note, Json(body)).into_response()
        }
        Err(refused) => {
            inbound.asked.note(Note::new(ACTION, "resource"));
            let kind = match refused.status.as_u16() {
                401 => ErrorKind::Unauthenticated,
                429 => ErrorKind::TooMany,
                500..=599 => ErrorKind::Unavailable,
                _ => ErrorKind::Invalid,
            };
            let body = match form {
                Form::AppService => json!({ "statusCode": refused.status.as_u16(), "message": refused.message }),
                Form::Imds => json!({ "error": refused.error, "error_description": refused.message }),
            };
            let failure = Failure::new(kind, refused.reason, refused.message).status(refused.status);
            failure.rendered_by(Arc::new(Body(body))).into_response()
        }
    }
}

/// All values are strings; the second form has more of them.
fn body(made: &ManagedToken, resource: &str, form: Form) -> Value {
    let (from, to) = made.validity;
    let mut body = json!({
        "access_token": made.token.expose(),
        "client_id": made.client.to_string(),
        "expires_on": to.secs().to_string(),
        "not_before": from.secs().to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    if form == Form::Imds {
        body["expires_in"] = json!(to.since(from).as_secs().to_string());
        body["refresh_token"] = json!("");
    }
    body
}

struct Body(Value);

impl Render for Body {
    fn render(&self, _: &Failure, _: &Asked) -> Response {
        Json(&self.0).into_response()
    }
}

/// A request to this machine alone: [`Inbound`] without a tenant in its path.
struct ManagedInbound(Inbound);

impl axum::extract::FromRequest<Here> for ManagedInbound {
    type Rejection = Failure;

    async fn from_request(request: axum::extract::Request, here: &Here) -> Result<Self, Failure> {
        Inbound::from_request(request, &here.idp).await.map(Self)
    }
}
