//! `POST /invitations`: <https://learn.microsoft.com/graph/api/invitation-post>.
//!
//! # Deviations
//!
//! Only addresses of establishments of this installation are invited, and get copies. The message has no ticket: it leads to the
//! sign-in at home. Where no mail server is configured it is refused, and whoever invites hands `inviteRedeemUrl` over.

use axum::extract::State;
use axum::response::Response;
use hygie_directory::{InvitationMessage, NewInvitation, UserType, guest_name};
use hygie_policy::ReadError;
use hygie_policy::json::{At, Member, Members, Wrong};
use hygie_web::error::GraphError;
use serde_json::{Value, json};

use super::answer::Of;
use super::authority::WRITE_USERS;
use super::body::Body;
use super::caller::Caller;
use crate::entity::{INVITATION, document};
use crate::{Graph, GraphFault};

pub async fn create(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may_invite(&graph).await?;
    let new = read(&body)?;
    if new.user_type == UserType::Member {
        caller.may(&graph, &WRITE_USERS).await?;
    }
    if new.resets {
        may_reset(&graph, &caller, &new.address).await?;
    }
    let told = new.clone();
    let made = graph
        .directory()
        .invite(&caller.cx, new)
        .await
        .map_err(GraphFault::from)?;
    let address = format!(
        "{}/{}/redeem?ticket={}",
        graph.0.login,
        caller.cx.tenant,
        made.ticket.expose()
    );
    let members = json!({
        "id": made.user.id,
        "inviteRedeemUrl": address,
        "invitedUserDisplayName": told.display_name,
        "invitedUserType": match told.user_type {
            UserType::Guest => "Guest",
            UserType::Member => "Member",
        },
        "invitedUserEmailAddress": told.address,
        "sendInvitationMessage": told.message.is_some(),
        "invitedUserMessageInfo": told.message.as_ref().map(shown),
        "resetRedemption": told.resets,
        "inviteRedirectUrl": told.redirect,
        "status": if made.is_pending { "PendingAcceptance" } else { "Completed" },
        "invitedUser": { "id": made.user.id },
    });
    let of = Of {
        set: "invitations",
        select: None,
    };
    Ok(graph.created(&of, document(&INVITATION, members)))
}

/// Who lets somebody else take the place of a guest with a role could take it themselves.
async fn may_reset(graph: &Graph, caller: &Caller, address: &str) -> Result<(), GraphFault> {
    caller.may(graph, &WRITE_USERS).await?;
    let tenant = graph.directory().find_tenant(&caller.cx).await?;
    let domain = tenant.and_then(|(_, domains)| domains.into_iter().next());
    let name = guest_name(address, &domain.unwrap_or_default());
    match graph.directory().find_user(&caller.cx, &name).await? {
        Some(known) => caller.may_act_on(graph, known.id).await,
        None => Ok(()),
    }
}

fn read(body: &Body) -> Result<NewInvitation, GraphFault> {
    let members = body.members(&[
        "invitedUserEmailAddress",
        "invitedUserDisplayName",
        "inviteRedirectUrl",
        "invitedUserType",
        "sendInvitationMessage",
        "invitedUserMessageInfo",
        "resetRedemption",
        "invitedUser",
    ])?;
    nothing(&members, "invitedUser", "null: an address names who is invited")?;
    let message = if members.read::<Option<bool>>("sendInvitationMessage")? == Some(true) {
        Some(message(members.find("invitedUserMessageInfo"))?)
    } else {
        nothing(&members, "invitedUserMessageInfo", "null: no message is asked for")?;
        None
    };
    let kind: Option<String> = members.read("invitedUserType")?;
    Ok(NewInvitation {
        address: members.read("invitedUserEmailAddress")?,
        display_name: members.read("invitedUserDisplayName")?,
        redirect: members.read("inviteRedirectUrl")?,
        user_type: match kind.as_deref() {
            None | Some("Guest") => UserType::Guest,
            Some("Member") => UserType::Member,
            Some(other) => {
                let at = At::Member(&At::Root, "invitedUserType");
                return Err(at.refuse(Wrong::unknown(other)).into());
            }
        },
        resets: members.read::<Option<bool>>("resetRedemption")?.unwrap_or_default(),
        message,
    })
}

/// `invitedUserMessageInfo`.
fn message(found: Option<&Value>) -> Result<InvitationMessage, GraphFault> {
    let Some(found) = found.filter(|found| !found.is_null()) else {
        return Ok(InvitationMessage::default());
    };
    let at = At::Member(&At::Root, "invitedUserMessageInfo");
    let known = ["customizedMessageBody", "messageLanguage", "ccRecipients"];
    let members = Members::of(Some(found), &at, &known)?;
    let recipients: Option<Vec<Recipient>> = members.read("ccRecipients")?;
    Ok(InvitationMessage {
        words: members.read("customizedMessageBody")?,
        language: members.read("messageLanguage")?,
        copies: recipients.unwrap_or_default().into_iter().map(|one| one.0).collect(),
    })
}

/// `recipient`: its address; the name is the directory's to know.
struct Recipient(String);

impl Member for Recipient {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let members = Members::of(found, at, &["emailAddress"])?;
        let at = At::Member(at, "emailAddress");
        let address = Members::of(members.find("emailAddress"), &at, &["address", "name"])?;
        address.read::<Option<String>>("name")?;
        Ok(Self(address.read("address")?))
    }

    fn write(&self) -> Value {
        json!({ "emailAddress": { "address": self.0 } })
    }
}

fn shown(message: &InvitationMessage) -> Value {
    let copies = message
        .copies
        .iter()
        .map(|copy| json!({ "emailAddress": { "name": null, "address": copy } }));
    json!({
        "messageLanguage": message.language,
        "customizedMessageBody": message.words,
        "ccRecipients": copies.collect::<Vec<_>>(),
    })
}

fn nothing(members: &Members<'_>, name: &'static str, why: &'static str) -> Result<(), GraphFault> {
    match members.find(name) {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(At::Member(&At::Root, name).refuse(Wrong::NotA(why)).into()),
    }
}
