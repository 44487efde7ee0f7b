//! Changes of `/users`: <https://learn.microsoft.com/graph/api/user-post-users>,
//! <https://learn.microsoft.com/graph/api/user-update>.

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::Secret;
use hygie_directory::{EXTENSION_ATTRIBUTES, Enabled, NewUser, User, UserChange, UserProfile, UserType};
use hygie_policy::json::{At, Member, Members, Wrong};
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::answer::{Of, done};
use super::authority::{BIND_CERTIFICATES, DELETE_USERS, RESET_PASSWORDS, REVOKE_SESSIONS, WRITE_USERS};
use super::body::Body;
use super::caller::Caller;
use super::users::{find_own, search};
use crate::entity::{USER, USER_DEFAULT, shown, user};
use crate::{Graph, GraphFault};

/// Members that the directory alone sets.
const READ_ONLY: &[&str] = &[
    "id",
    "createdDateTime",
    "creationType",
    "deletedDateTime",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "identities",
    "lastPasswordChangeDateTime",
    "securityIdentifier",
    "signInActivity",
    "signInSessionsValidFromDateTime",
];
/// Members by which somebody can be reached, signs in, or is known: of a person with a role not for everybody to change.
const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "authorizationInfo",
    "businessPhones",
    "mail",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordPolicies",
    "passwordProfile",
    "userPrincipalName",
    "userType",
];
/// Members that everybody may say of themselves.
const OWN: &[&str] = &[
    "businessPhones",
    "city",
    "country",
    "faxNumber",
    "mobilePhone",
    "officeLocation",
    "postalCode",
    "preferredLanguage",
    "state",
    "streetAddress",
];
/// Members that certificates find their user by.
const BINDINGS: &[&str] = &["authorizationInfo", "onPremisesUserPrincipalName"];

pub async fn create(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_USERS).await?;
    if has(&body, BINDINGS) {
        caller.may(&graph, &BIND_CERTIFICATES).await?;
    }
    for required in [
        "accountEnabled",
        "displayName",
        "mailNickname",
        "passwordProfile",
        "userPrincipalName",
    ] {
        if body.0.get(required).is_none_or(Value::is_null) {
            return Err(GraphFault::from(At::Member(&At::Root, required).refuse(Wrong::Missing)).into());
        }
    }
    let change = read(&body)?;
    let password = At::Member(&At::Root, "passwordProfile");
    let missing = || At::Member(&password, "password").refuse(Wrong::Missing);
    let new = NewUser {
        user_principal_name: change.user_principal_name.unwrap_or_default(),
        display_name: change.display_name.unwrap_or_default(),
        given_name: change.given_name.flatten(),
        surname: change.surname.flatten(),
        mail: change.mail.flatten(),
        password: Some(change.password.ok_or_else(missing).map_err(GraphFault::from)?),
        is_disabled: change.state == Some(Enabled::No),
        profile: UserProfile::of(&change.profile).map_err(GraphFault::from)?,
    };
    let made = graph.directory().create_user(&caller.cx, new).await;
    let made = made.map_err(GraphFault::from)?;
    let of = Of {
        set: "users",
        select: None,
    };
    Ok(graph.created(&of, shown(user(&made), Some(USER_DEFAULT))))
}

pub async fn update(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    // Who may only reset passwords, or only bind certificates, changes nothing else.
    let (password, binding) = (has(&body, &["passwordProfile"]), has(&body, BINDINGS));
    let is_special = |name: &String| name == "passwordProfile" || BINDINGS.contains(&name.as_str());
    if !(password || binding) || !body.0.as_object().is_some_and(|all| all.keys().all(is_special)) {
        caller.may(&graph, &WRITE_USERS).await?;
    }
    if password {
        caller.may(&graph, &RESET_PASSWORDS).await?;
    }
    if binding {
        caller.may(&graph, &BIND_CERTIFICATES).await?;
    }
    let found = find(&graph, &caller, &id).await?;
    if has(&body, SENSITIVE) || has(&body, BINDINGS) {
        caller.may_act_on(&graph, found.id).await?;
    }
    let change = read(&body)?;
    let changed = graph.directory().update_user(&caller.cx, found.id, change).await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

/// `PATCH /me`: how one is reached and where one works, by everybody who belongs to the establishment; anything else as of any
/// user.
pub async fn update_own(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    let found = find_own(&graph, &caller).await?;
    let is_plain = body.0.as_object().is_some_and(|all| {
        let mut names = all.keys().filter(|name| !name.contains("@odata."));
        names.all(|name| OWN.contains(&name.as_str()))
    });
    if !is_plain || found.profile.user_type != UserType::Member {
        return update(State(graph), caller, Path(found.id.to_string()), body).await;
    }
    caller.need(&["User.ReadWrite", "User.ReadWrite.All", "Directory.ReadWrite.All"])?;
    let change = read(&body)?;
    let changed = graph.directory().update_user(&caller.cx, found.id, change).await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.may(&graph, &DELETE_USERS).await?;
    let found = find(&graph, &caller, &id).await?;
    caller.may_act_on(&graph, found.id).await?;
    let deleted = graph.directory().delete_user(&caller.cx, found.id).await;
    deleted.map_err(GraphFault::from)?;
    Ok(done())
}

/// `POST /users/{id}/revokeSignInSessions`.
pub async fn revoke(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    let own = caller.person().map(|person| person.to_string());
    if own.as_deref() == Some(id.as_str()) {
        return revoke_own(State(graph), caller).await;
    }
    caller.may(&graph, &REVOKE_SESSIONS).await?;
    let found = find(&graph, &caller, &id).await?;
    caller.may_act_on(&graph, found.id).await?;
    graph.directory().revoke_user(&caller.cx, found.id).await?;
    Ok(graph.truth())
}

/// `POST /me/revokeSignInSessions`: everybody may end their own.
pub async fn revoke_own(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    caller.need(&[
        "User.ReadWrite",
        "User.ReadWrite.All",
        "User.RevokeSessions.All",
        "Directory.ReadWrite.All",
        "Directory.AccessAsUser.All",
    ])?;
    let found = find_own(&graph, &caller).await?;
    graph.directory().revoke_user(&caller.cx, found.id).await?;
    Ok(graph.truth())
}

/// `POST /me/changePassword`.
pub async fn change_password(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.need(&["Directory.AccessAsUser.All"])?;
    let found = find_own(&graph, &caller).await?;
    let members = body.members(&["currentPassword", "newPassword"])?;
    let read = |name| members.read::<String>(name).map(Secret::new).map_err(GraphFault::from);
    let passwords = (read("currentPassword")?, read("newPassword")?);
    let changed = graph.directory().change_password(&caller.cx, found.id, passwords).await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<User, GraphError> {
    let found = search(graph, caller, id).await?;
    Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?)
}

fn has(body: &Body, members: &[&str]) -> bool {
    members.iter().any(|name| body.0.get(name).is_some())
}

/// The members of a body.
fn read(body: &Body) -> Result<UserChange, GraphFault> {
    let Some(all) = body.0.as_object() else {
        return Err(At::Root.refuse(Wrong::NotA("an object")).into());
    };
    let mut change = UserChange::default();
    for (name, value) in all.iter().filter(|(name, _)| !name.contains("@odata.")) {
        let at = At::Member(&At::Root, name);
        let found = (!value.is_null()).then_some(value);
        match name.as_str() {
            "userPrincipalName" => change.user_principal_name = Some(Member::read(found, &at)?),
            "displayName" => change.display_name = Some(Member::read(found, &at)?),
            "givenName" => change.given_name = Some(Member::read(found, &at)?),
            "surname" => change.surname = Some(Member::read(found, &at)?),
            "mail" => change.mail = Some(Member::read(found, &at)?),
            "accountEnabled" => {
                let is_enabled: bool = Member::read(found, &at)?;
                change.state = Some(if is_enabled { Enabled::Yes } else { Enabled::No });
            }
            "passwordProfile" => read_password(&mut change, found, &at)?,
            "authorizationInfo" => {
                let members = Members::of(found, &at, &["certificateUserIds"])?;
                let values = members.find("certificateUserIds").cloned();
                change
                    .profile
                    .insert("certificateUserIds".to_owned(), values.unwrap_or_default());
            }
            "onPremisesExtensionAttributes" => {
                if found.is_some() {
                    Members::of(found, &at, EXTENSION_ATTRIBUTES)?;
                }
                change.profile.insert(name.clone(), value.clone());
            }
            name if READ_ONLY.contains(&name) => return Err(at.refuse(Wrong::ReadOnly).into()),
            name if USER.properties.iter().any(|known| known.name == name) => {
                change.profile.insert(name.to_owned(), value.clone());
            }
            _ => return Err(at.refuse(Wrong::UnknownMember).into()),
        }
    }
    Ok(change)
}

fn read_password(change: &mut UserChange, found: Option<&Value>, at: &At<'_>) -> Result<(), GraphFault> {
    const FORCED: [&str; 2] = ["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"];
    let members = Members::of(found, at, &["password", FORCED[0], FORCED[1]])?;
    change.password = members.read::<Option<String>>("password")?.map(Secret::new);
    for name in FORCED {
        if let Some(forced) = members.read::<Option<bool>>(name)? {
            let profile: &mut Map<String, Value> = &mut change.profile;
            profile.insert(name.to_owned(), forced.into());
        }
    }
    Ok(())
}
