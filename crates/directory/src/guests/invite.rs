//! Inviting.

use hygie_core::{Cx, ObjectId, TenantId};
use hygie_jose::random_secret;
use hygie_store::Tx;
use hygie_store::audit::Record;
use url::Url;

use super::{Invitation, InvitationMessage, NewInvitation, PENDING, guest_name};
use crate::admin::{changed, named};
use crate::repo::{Became, Followed, Global, GuestRow, Guests, Letters, Tenants, Users};
use crate::revocation::revoke_all_of;
use crate::{Directory, DirectoryError, Matter, User, UserProfile, is_user_principal_name};

/// Longest address that somebody is sent to.
const MAX_REDIRECT: usize = 2048;
/// Longest text of who invites.
const MAX_WORDS: usize = 500;
/// Longest tag of a language.
const MAX_LANGUAGE: usize = 35;
/// Who gets the same letter, as in Entra ID.
const MAX_COPIES: usize = 1;

/// What an invitation writes.
#[derive(Clone)]
struct Draft {
    new: NewInvitation,
    home: TenantId,
    /// The user where there is none yet.
    id: ObjectId,
    ticket: [u8; 32],
}

impl Directory {
    /// Invites somebody of another establishment of this installation. Who was invited before keeps their user.
    pub async fn invite(&self, cx: &Cx, new: NewInvitation) -> Result<Invitation, DirectoryError> {
        let new = checked(new)?;
        let domain = new.address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let home = self
            .store()
            .read(cx, domain.to_owned(), |domain, tx| {
                Box::pin(async move { Global(tx).find_tenant_of_domain(domain).await })
            })
            .await?;
        let home = home.filter(|home| *home != cx.tenant);
        let ticket = random_secret(&*cx.random);
        let draft = Draft {
            home: home.ok_or(DirectoryError::Value("invitedUserEmailAddress"))?,
            id: ObjectId::random(&*cx.random),
            ticket: self.tickets().digest(ticket.expose()),
            new,
        };
        let resets = draft.new.resets;
        let (user, is_pending) = self.change(cx, draft, |draft, tx| Box::pin(write(tx, draft))).await?;
        if resets {
            self.know_revoked(cx, user.id).await?;
        }
        Ok(Invitation {
            user,
            ticket,
            is_pending,
        })
    }

    /// Keyed digests of tickets.
    pub(super) fn tickets(&self) -> hygie_jose::Keyed {
        self.derive("invitations")
    }
}

fn checked(new: NewInvitation) -> Result<NewInvitation, DirectoryError> {
    let address = new.address.trim().to_owned();
    if !is_user_principal_name(&address) {
        return Err(DirectoryError::Value("invitedUserEmailAddress"));
    }
    let is_page = Url::parse(&new.redirect).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if !is_page || new.redirect.len() > MAX_REDIRECT {
        return Err(DirectoryError::Value("inviteRedirectUrl"));
    }
    if let Some(message) = &new.message {
        check_message(message)?;
    }
    let display_name = new.display_name.map(named).transpose();
    Ok(NewInvitation {
        display_name: display_name.map_err(|_| DirectoryError::Value("invitedUserDisplayName"))?,
        address,
        ..new
    })
}

fn check_message(message: &InvitationMessage) -> Result<(), DirectoryError> {
    let is_long = |words: &String| words.chars().count() > MAX_WORDS;
    if message.words.as_ref().is_some_and(is_long) {
        return Err(DirectoryError::Value("customizedMessageBody"));
    }
    let is_tag = |tag: &String| {
        let is_sign = |sign: u8| sign.is_ascii_alphanumeric() || sign == b'-';
        !tag.is_empty() && tag.len() <= MAX_LANGUAGE && tag.bytes().all(is_sign)
    };
    if !message.language.as_ref().is_none_or(is_tag) {
        return Err(DirectoryError::Value("messageLanguage"));
    }
    let is_address = |address: &String| is_user_principal_name(address);
    if message.copies.len() > MAX_COPIES || !message.copies.iter().all(is_address) {
        return Err(DirectoryError::Value("ccRecipients"));
    }
    Ok(())
}

/// The letter to who is invited, and its copies. These go to people of this installation alone: nobody writes to the world in the
/// name of an establishment.
async fn send(tx: &mut Tx<'_>, draft: &Draft, message: &InvitationMessage) -> Result<(), DirectoryError> {
    let by = tx.cx().principal.as_ref().map(|principal| principal.subject);
    let by = match by {
        Some(by) => Users(tx).find(by).await?.map(|user| user.display_name),
        None => None,
    };
    let matter = Matter::Invited {
        by,
        home: draft.home,
        words: message.words.clone(),
    };
    for copy in &message.copies {
        let domain = copy.rsplit_once('@').map_or("", |(_, domain)| domain);
        if Global(tx).find_tenant_of_domain(domain).await?.is_none() {
            return Err(DirectoryError::Value("ccRecipients"));
        }
    }
    let invited = (draft.new.address.as_str(), draft.new.display_name.as_deref());
    let copies = message.copies.iter().map(|copy| (copy.as_str(), None));
    for whom in [invited].into_iter().chain(copies) {
        let language = message.language.as_deref();
        if !Letters(tx).to_address(whom, language, matter.clone()).await? {
            return Err(DirectoryError::NoMail);
        }
    }
    Ok(())
}

async fn write(tx: &mut Tx<'_>, draft: &Draft) -> Result<(User, bool), DirectoryError> {
    let domains = Tenants(tx).list_domains().await?;
    let domain = domains.first().ok_or(DirectoryError::NotFound("domain"))?;
    let name = guest_name(&draft.new.address, domain);
    if !is_user_principal_name(&name) {
        return Err(DirectoryError::Value("invitedUserEmailAddress"));
    }
    let user = if let Some((user, _)) = Users(tx).find_by_name(&name).await? {
        again(tx, user, draft).await?
    } else {
        let user = made(tx, draft, name);
        Users(tx).insert(&user, None).await?;
        user
    };
    let row = GuestRow {
        user: user.id,
        home: draft.home,
        home_user: user.profile.home.map(|home| home.user),
        address: draft.new.address.clone(),
        redirect: draft.new.redirect.clone(),
        invited_at: tx.cx().now,
    };
    Guests(tx).put(&row, &draft.ticket).await?;
    changed(tx, Followed::Users, user.id, Became::Different).await?;
    let record = Record::success(tx.cx(), "idp.guest.invite", format!("user/{}", user.id));
    tx.audit(&record).await?;
    if let Some(message) = &draft.new.message {
        send(tx, draft, message).await?;
    }
    let is_pending = user.profile.home.is_none();
    Ok((user, is_pending))
}

/// Somebody who was invited before.
async fn again(tx: &mut Tx<'_>, mut user: User, draft: &Draft) -> Result<User, DirectoryError> {
    if Guests(tx).find(user.id).await?.is_none() {
        return Err(DirectoryError::Exists);
    }
    if draft.new.resets {
        pending(tx, &mut user.profile);
        user.profile.home = None;
        Users(tx).update(&user).await?;
        revoke_all_of(tx, user.id).await?;
    }
    Ok(user)
}

fn made(tx: &Tx<'_>, draft: &Draft, name: String) -> User {
    let now = tx.cx().now;
    let mut profile = UserProfile {
        user_type: draft.new.user_type,
        creation_type: Some("Invitation".to_owned()),
        ..UserProfile::default()
    };
    pending(tx, &mut profile);
    let address = &draft.new.address;
    User {
        id: draft.id,
        user_principal_name: name,
        display_name: draft.new.display_name.clone().unwrap_or_else(|| address.clone()),
        given_name: None,
        surname: None,
        mail: Some(address.clone()),
        is_enabled: true,
        valid_from: now,
        created_at: now,
        password_at: None,
        profile: Box::new(profile),
    }
}

fn pending(tx: &Tx<'_>, profile: &mut UserProfile) {
    profile.external_user_state = Some(PENDING.to_owned());
    profile.external_user_state_change_date_time = Some(tx.cx().now.to_rfc3339());
}
