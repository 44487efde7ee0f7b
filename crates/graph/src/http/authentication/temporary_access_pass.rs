//! Temporary access passes that an administrator makes.
//! <https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods>

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hygie_core::ObjectId;
use hygie_means::NewPass;
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Value, json};

use super::super::answer::Of;
use super::super::caller::Caller;
use super::document::Members;
use super::methods::set;
use crate::Graph;

pub async fn post(graph: &Graph, caller: &Caller, user: ObjectId, body: &Value) -> Result<Response, GraphError> {
    let members = Members::of(body, &["lifetimeInMinutes", "isUsableOnce", "startDateTime"])?;
    let new = NewPass {
        lifetime: members.find("lifetimeInMinutes", |value| value.as_u64()?.try_into().ok())?,
        is_usable_once: members.find("isUsableOnce", Value::as_bool)?,
        start_at: members.find("startDateTime", |value| value.as_str()?.parse().ok())?,
    };
    let created = graph.means().create_pass(&caller.cx, user, new).await?;
    let is_usable = created.start_at <= caller.cx.now;
    let shown = json!({
        "id": created.id, "temporaryAccessPass": created.value.expose(),
        "createdDateTime": created.created_at.to_rfc3339(), "startDateTime": created.start_at.to_rfc3339(),
        "lifetimeInMinutes": created.lifetime, "isUsableOnce": created.is_usable_once, "isUsable": is_usable,
        "methodUsabilityReason": if is_usable { "EnabledByPolicy" } else { "NotYetValid" },
    });
    let set = set(user, "temporaryAccessPassMethods");
    let of = Of {
        set: &set,
        select: None,
    };
    let members = shown.as_object().cloned().unwrap_or_default();
    Ok((StatusCode::CREATED, graph.one(&of, members, Note::recorded())).into_response())
}
