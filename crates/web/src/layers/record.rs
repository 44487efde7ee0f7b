//! The audit layer: what a request did is recorded before its answer leaves.

use std::borrow::Cow;

use hygie_core::{ErrorKind, TenantId};
use hygie_store::StoreError;
use hygie_store::audit::{Actor, Outcome, Record};

use super::Shared;
use crate::asked::{Asked, Told};
use crate::audit::Note;
use crate::error::Failure;
use axum::response::Response;

/// Records what the request did. An answer whose record cannot be kept does not leave.
pub(super) async fn close(shared: &Shared, asked: &Asked, response: &mut Response) -> Result<(), Failure> {
    let told = std::mem::take(&mut *asked.0.told.lock());
    let note = response.extensions_mut().remove::<Note>().or(told.note.clone());
    let store = told.store.clone().unwrap_or_else(|| shared.settings.store.clone());
    if let Some(record) = record_of(asked, &told, note, response) {
        // A stranger's bad request costs no more of the trail than a stranger's bad token.
        if record.actor.is_none() && record.outcome != Outcome::Success {
            shared.refusals.count(record);
        } else {
            let kept = store.record(record).await;
            kept.map_err(|error| Failure::of(&error))?;
        }
    }
    let due = shared.refusals.due(asked.now());
    keep_all(shared, due).await.map_err(|error| Failure::of(&error))
}

/// Records counted refusals; those that cannot be kept are counted on.
pub(super) async fn keep_all(shared: &Shared, records: Vec<Record>) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    for record in records {
        if outcome.is_ok() {
            outcome = shared.settings.store.record(record.clone()).await;
        }
        if outcome.is_err() {
            shared.refusals.count(record);
        }
    }
    outcome
}

/// The record of a request; none for public documents and pages, and for what its transaction recorded.
fn record_of(asked: &Asked, told: &Told, note: Option<Note>, response: &Response) -> Option<Record> {
    let failure = response.extensions().get::<Failure>();
    if note.as_ref().is_some_and(|note| note.recorded) && failure.is_none() {
        return None;
    }
    let refused = matches!(
        failure.map(|failure| failure.kind),
        Some(ErrorKind::Unauthenticated | ErrorKind::Forbidden)
    );
    if note.is_none() && told.principal.is_none() && !refused {
        return None;
    }
    let by_status = match response.status().as_u16() {
        401 | 403 => Outcome::Refused,
        400.. => Outcome::Failed,
        _ => Outcome::Success,
    };
    let note = note.filter(|note| !note.recorded).unwrap_or_else(|| unnamed(asked));
    let outcome = note.outcome.unwrap_or(by_status);
    Some(Record {
        at: asked.now(),
        request: asked.request(),
        tenant: told.tenant.unwrap_or(NO_TENANT),
        actor: note.actor.or_else(|| told.principal.as_deref().map(Actor::from)),
        client: asked.client(),
        action: note.action,
        object: note.object,
        outcome,
        reason: note.reason.or_else(|| {
            let code = failure.map(|failure| failure.reason.map_or(failure.code.clone(), Cow::Borrowed));
            code.filter(|_| outcome != Outcome::Success)
        }),
        count: 1,
    })
}

/// Requests that name no tenant, for what concerns the installation.
const NO_TENANT: TenantId = TenantId::from_uuid(uuid::Uuid::nil());

/// For a handler that said nothing: service and method, and the template of the route.
fn unnamed(asked: &Asked) -> Note {
    let action = format!("{}.{}", asked.service(), asked.method().as_str().to_ascii_lowercase());
    Note::new(Cow::Owned(action), asked.route().unwrap_or_default())
}
