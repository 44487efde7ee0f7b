//! Writes the log of changes: told of each record of a change in its transaction, it compares what the repositories saw before
//! with what is there now.

use futures_util::future::BoxFuture;
use hygie_core::{ObjectId, PrincipalKind};
use hygie_store::audit::{Actor, Outcome, Record};
use hygie_store::{Scribe, StoreError, Tx};
use serde_json::Value;

use super::activity::{Activity, Recorded, is_change};
use super::subject::{MAX_SUBJECTS, State, Subject, face_of, text};
use super::{
    Alert, AppInitiator, ChangeEntry, ChangeTarget, Initiator, KeyValue, ModifiedProperty, UserInitiator, new_id,
};
use crate::repo::{Applications, Logs, Principals, Users};

/// Longest value that an entry tells, and all of them together: what is longer is cut off.
const MAX_VALUE: usize = 4_096;
const MAX_VALUES: usize = 32_768;
/// What a value that was cut off ends with.
const CUT: char = '…';

/// The scribe of the directory.
pub struct ChangeScribe;

impl Scribe for ChangeScribe {
    fn recorded<'a>(&'a self, tx: &'a mut Tx<'_>, record: &'a Record) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if !is_change(&record.action) || record.tenant.uuid().is_nil() {
                return Ok(());
            }
            let (entry, activity) = entry(tx, record).await?;
            Logs(tx).insert(&entry).await?;
            let Some(kind) = activity.alert.filter(|_| record.outcome == Outcome::Success) else {
                return Ok(());
            };
            let alert = Alert::of_change(tx.cx(), kind, &entry);
            Logs(tx).alert(&alert).await
        })
    }
}

async fn entry(tx: &mut Tx<'_>, record: &Record) -> Result<(ChangeEntry, Activity), StoreError> {
    let is_cut = tx.seen().is_some_and(|seen| seen.len() >= MAX_SUBJECTS);
    let mut targets = changed(tx).await?;
    let (kind, id) = object_of(record);
    if targets.is_empty() {
        targets.push(target_of(tx, kind, id).await?);
    }
    let recorded = Recorded {
        action: &record.action,
        object: kind,
        targets: &targets,
        is_own: record
            .actor
            .as_ref()
            .is_some_and(|actor| id == actor.subject.to_string()),
    };
    let activity = recorded.activity();
    let mut details = Vec::new();
    if is_cut {
        details.push(KeyValue {
            key: "targetResources".to_owned(),
            value: format!("the first {MAX_SUBJECTS} objects that changed"),
        });
    }
    let entry = ChangeEntry {
        id: new_id(tx.cx()),
        activity_date_time: tx.cx().now,
        activity_display_name: activity.name.clone(),
        category: activity.category.to_owned(),
        operation_type: activity.operation.to_owned(),
        correlation_id: record.request.uuid(),
        logged_by_service: activity.service.to_owned(),
        result: match record.outcome {
            Outcome::Success => "success".to_owned(),
            Outcome::Refused | Outcome::Failed => "failure".to_owned(),
        },
        result_reason: record.reason.as_ref().map(ToString::to_string),
        initiated_by: initiator(tx, record).await?,
        target_resources: targets,
        additional_details: details,
    };
    Ok((entry, activity))
}

/// What changed since the last record of the transaction, or since its beginning.
async fn changed(tx: &mut Tx<'_>) -> Result<Vec<ChangeTarget>, StoreError> {
    let unreadable = |_| StoreError::Inconsistent("what was seen before a change cannot be read".to_owned());
    let seen: Vec<(String, String)> = tx.seen().map(|seen| seen.clone()).unwrap_or_default();
    let (mut targets, mut left) = (Vec::new(), MAX_VALUES);
    for (n, (key, state)) in seen.into_iter().enumerate() {
        let subject: Subject = serde_json::from_str(&key).map_err(unreadable)?;
        let before: Option<State> = serde_json::from_str(&state).map_err(unreadable)?;
        let after = subject.state(tx).await?;
        if before == after {
            continue;
        }
        let now = text(&after)?;
        if let Some(seen) = tx.seen() {
            seen[n].1 = now;
        }
        targets.push(difference(before, after, &mut left));
    }
    Ok(targets)
}

/// The object with what of it differs.
fn difference(before: Option<State>, after: Option<State>, left: &mut usize) -> ChangeTarget {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut names: Vec<&String> = before.members.keys().chain(after.members.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut properties = Vec::new();
    for name in names {
        let values = (told(before.members.get(name)), told(after.members.get(name)));
        if values.0 == values.1 {
            continue;
        }
        properties.push(ModifiedProperty {
            display_name: name.clone(),
            old_value: values.0.map(|value| cut(&value, left)),
            new_value: values.1.map(|value| cut(&value, left)),
        });
    }
    let face = if after.face.kind.is_empty() {
        before.face
    } else {
        after.face
    };
    ChangeTarget {
        modified_properties: properties,
        ..face
    }
}

/// A value as JSON; nothing where there is none.
fn told(value: Option<&Value>) -> Option<String> {
    let is_nothing = |value: &&Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    value.filter(|value| !is_nothing(value)).map(Value::to_string)
}

fn cut(value: &str, left: &mut usize) -> String {
    let room = MAX_VALUE.min(*left);
    if value.len() <= room {
        *left -= value.len();
        return value.to_owned();
    }
    let mut end = room;
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    *left -= end;
    let mut value = value[..end].to_owned();
    value.push(CUT);
    value
}

/// Kind and id of what was recorded: `user/…` and whatever comes after.
fn object_of(record: &Record) -> (&str, &str) {
    let mut parts = record.object.split('/');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// What a record is of, where nothing of it differs.
async fn target_of(tx: &mut Tx<'_>, kind: &str, id: &str) -> Result<ChangeTarget, StoreError> {
    let target = ChangeTarget {
        id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        kind: "Other".to_owned(),
        ..ChangeTarget::default()
    };
    match (kind, id.parse::<ObjectId>()) {
        ("user" | "group" | "principal" | "object", Ok(id)) => face_of(tx, id).await,
        ("app", Ok(app)) => {
            let app = hygie_core::AppId::from_uuid(app.uuid());
            let found = Applications(tx).find(app).await?;
            Ok(found.map_or(target, |found| {
                super::subject::face(&found.id.to_string(), &found.display_name, "Application")
            }))
        }
        _ => Ok(target),
    }
}

/// Who did it: by the names of now, or of the program where nobody asked for it.
async fn initiator(tx: &mut Tx<'_>, record: &Record) -> Result<Initiator, StoreError> {
    let Some(actor) = &record.actor else {
        return Ok(Initiator {
            app: Some(AppInitiator {
                display_name: Some("hygie".to_owned()),
                ..AppInitiator::default()
            }),
            user: None,
        });
    };
    if actor.kind != PrincipalKind::User {
        return Ok(Initiator {
            app: Some(program(tx, actor).await?),
            user: None,
        });
    }
    // Somebody of another tenant is known by the id alone.
    let known = if actor.tenant == tx.cx().tenant {
        Users(tx).find(actor.subject).await?
    } else {
        None
    };
    let (name, display_name) = known.map(|user| (user.user_principal_name, user.display_name)).unzip();
    Ok(Initiator {
        user: Some(UserInitiator {
            id: actor.subject.to_string(),
            user_principal_name: name,
            display_name,
            ip_address: record.client.map(|address| address.to_string()),
        }),
        app: None,
    })
}

async fn program(tx: &mut Tx<'_>, actor: &Actor) -> Result<AppInitiator, StoreError> {
    let known = Principals(tx).find(actor.subject).await?;
    let app = actor.app.or(known.as_ref().map(|principal| principal.app));
    let name = known.map(|principal| principal.display_name);
    Ok(AppInitiator {
        app_id: app.map(|app| app.to_string()),
        display_name: name.clone(),
        service_principal_id: Some(actor.subject.to_string()),
        service_principal_name: name,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(members: Value) -> Option<State> {
        let Value::Object(members) = members else { return None };
        Some(State {
            face: super::super::subject::face("1", "one", "User"),
            members,
        })
    }

    #[test]
    fn only_what_differs_is_told_and_no_more_than_fits() {
        let long = "é".repeat(MAX_VALUE);
        let before = state(json!({ "same": 1, "list": [], "city": "Lyon", "long": "" }));
        let after = state(json!({ "same": 1, "city": "Nice", "long": long }));
        let mut left = MAX_VALUES;
        let target = difference(before, after, &mut left);
        let names: Vec<&str> = target
            .modified_properties
            .iter()
            .map(|one| &*one.display_name)
            .collect();
        assert_eq!(names, ["city", "long"]);
        assert_eq!(target.modified_properties[0].old_value.as_deref(), Some("\"Lyon\""));
        let long = target.modified_properties[1].new_value.as_deref().unwrap();
        assert!(
            long.len() <= MAX_VALUE + CUT.len_utf8() && long.ends_with(CUT),
            "{}",
            long.len()
        );
        let mut none = 0;
        let target = difference(None, state(json!({ "city": "Nice" })), &mut none);
        assert_eq!(target.modified_properties[0].new_value.as_deref(), Some("…"));
        assert_eq!(target.modified_properties[0].old_value, None);
    }
}
