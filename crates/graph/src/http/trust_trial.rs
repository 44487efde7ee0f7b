//! `POST /directory/publicKeyInfrastructure/tryCertificate` — ours: what would happen to a card now.
//!
//! The body has the `certificate` in base64, and the `userPrincipalName` that would be typed before, where one would. The answer has what the certificate says, the authorities of the trust store
//! that lead to its root, what the log of sign-ins would say of it, and who would sign in (`user`, `authenticationMode`), or the `reason` and the `message` of the
//! refusal. Nobody signs in by it.

use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_means::Claimed;
use hygie_policy::json::{At, Members, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::answer::Of;
use super::authority::WRITE_TRUST;
use super::caller::Caller;
use super::document::Document;
use crate::{Graph, GraphFault};

/// Octets of a certificate.
const MAX_CERTIFICATE: usize = 64 << 10;

pub async fn post(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_TRUST).await?;
    let (certificate, name) = read(&document)?;
    let claimed = name.as_deref().map_or(Claimed::Anybody, Claimed::By);
    let trial = graph.means().try_certificate(&caller.cx, &certificate, claimed).await?;
    let card = trial.card.as_ref();
    let chain = trial
        .chain
        .iter()
        .map(|one| json!({ "id": one.id.to_string(), "pki": one.pki.to_string(), "displayName": one.authority.display_name }));
    let processing = trial.told.clone().into_pairs();
    let processing = processing
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }));
    let user = trial.outcome.as_ref().ok();
    let refusal = trial.outcome.as_ref().err();
    let told = json!({
        "subject": card.map(|card| &card.subject),
        "issuer": card.map(|card| &card.issuer),
        "thumbprint": card.map(|card| card.thumbprint.to_uppercase()),
        "expirationDateTime": card.and_then(|card| card.not_after).map(hygie_core::Timestamp::to_rfc3339),
        "chain": chain.collect::<Vec<_>>(),
        "authenticationProcessingDetails": processing.collect::<Vec<_>>(),
        "user": user.map(|(user, _)| json!({ "id": user.id.to_string(), "displayName": user.display_name,
            "userPrincipalName": user.user_principal_name })),
        "authenticationMode": user.map(|(_, mode)| mode.as_str()),
        "reason": refusal.map(|refusal| refusal.reason()),
        "message": refusal.map(ToString::to_string),
    });
    let members: Map<String, Value> = match told {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let of = Of {
        set: "directory/publicKeyInfrastructure/tryCertificate",
        select: None,
    };
    let thumbprint = card.map_or("unreadable", |card| card.thumbprint.as_str());
    let note = Note::new("idp.certificate.try", format!("certificate/{thumbprint}"));
    Ok(graph.one(&of, members, note))
}

fn read(document: &Value) -> Result<(Vec<u8>, Option<String>), GraphFault> {
    let members = Members::of(Some(document), &At::Root, &["certificate", "userPrincipalName"])?;
    let text: String = members.read("certificate")?;
    let wrong = || At::Member(&At::Root, "certificate").refuse(Wrong::NotA("a certificate in base64"));
    let certificate = STANDARD
        .decode(text)
        .ok()
        .filter(|octets| octets.len() <= MAX_CERTIFICATE);
    Ok((certificate.ok_or_else(wrong)?, members.read("userPrincipalName")?))
}
